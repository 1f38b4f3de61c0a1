//! Cuts a byte stream into lines.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line that is taken, in bytes: far above any sensible call, far below what hurts.
pub(crate) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// How much is asked of the reader at once, and what a buffer keeps between lines.
const READ_AHEAD: usize = 64 * 1024;

/// One line of the input, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line within the limit. Not necessarily UTF-8.
    Text(BytesMut),
    /// A line beyond [`LONGEST_LINE`]. Reported once; the rest of it is skipped.
    TooLong,
}

/// Reads lines from `R`.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    /// How much of `buffer` is known to hold no line end.
    searched: usize,
    /// Inside a line that has been reported as too long.
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: BytesMut::new(), searched: 0, skipping: false }
    }

    /// The next line, or `None` at the end of the input. A last line needs no line end.
    ///
    /// Cancel-safe: what has been read stays in `self`.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.buffer.is_empty() && self.buffer.capacity() > 16 * READ_AHEAD {
                self.buffer = BytesMut::new();
            }
            self.buffer.reserve(READ_AHEAD);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(self.take_last());
            }
        }
    }

    /// A line that is already in the buffer.
    fn take(&mut self) -> Option<Line> {
        loop {
            let unseen = &self.buffer[self.searched..];
            let Some(end) = unseen.iter().position(|byte| *byte == b'\n') else {
                return self.too_long();
            };
            let line = self.buffer.split_to(self.searched + end);
            self.buffer.advance(1);
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            return Some(if line.len() > LONGEST_LINE { Line::TooLong } else { Line::Text(line) });
        }
    }

    /// Notes that the buffer holds no line end, and gives up on a line that is beyond the limit.
    fn too_long(&mut self) -> Option<Line> {
        self.searched = self.buffer.len();
        if self.skipping {
            self.buffer.clear();
            self.searched = 0;
            return None;
        }
        if self.searched <= LONGEST_LINE {
            return None;
        }
        self.buffer = BytesMut::new();
        self.searched = 0;
        self.skipping = true;
        Some(Line::TooLong)
    }

    fn take_last(&mut self) -> Option<Line> {
        let rest = self.buffer.split();
        self.searched = 0;
        (!rest.is_empty() && !self.skipping).then_some(Line::Text(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(input);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        found
    }

    fn text(line: &'static str) -> Line {
        Line::Text(line.into())
    }

    #[tokio::test]
    async fn lines_are_cut_at_line_ends() {
        let cases: &[(&str, Vec<Line>)] = &[
            ("", vec![]),
            ("a\nb\n", vec![text("a"), text("b")]),
            ("a\n\nb", vec![text("a"), text(""), text("b")]),
            ("a\r\n", vec![text("a\r")]),
        ];
        for (input, expected) in cases {
            assert_eq!(&all(input.as_bytes()).await, expected, "{input:?}");
        }
    }

    #[tokio::test]
    async fn a_line_beyond_the_limit_is_reported_once_and_skipped() {
        for excess in [1, READ_AHEAD * 3] {
            let mut input = vec![b'x'; LONGEST_LINE + excess];
            input.extend_from_slice(b"\nnext\n");
            assert_eq!(all(&input).await, [Line::TooLong, text("next")], "{excess} bytes over");
        }
        let mut input = vec![b'x'; LONGEST_LINE];
        input.push(b'\n');
        assert!(matches!(all(&input).await.as_slice(), [Line::Text(line)] if line.len() == LONGEST_LINE));
    }

    #[tokio::test]
    async fn a_line_may_arrive_in_pieces() {
        let input = tokio_test_pieces(&["{\"a\"", ":1}", "\nsec", "ond\n"]);
        let mut lines = Lines::new(input);
        assert_eq!(lines.next().await.unwrap(), Some(text("{\"a\":1}")));
        assert_eq!(lines.next().await.unwrap(), Some(text("second")));
        assert_eq!(lines.next().await.unwrap(), None);
    }

    /// A reader that yields one piece a read.
    fn tokio_test_pieces(pieces: &[&'static str]) -> impl AsyncRead + Unpin {
        pieces.iter().rev().fold(Box::new(tokio::io::empty()) as Box<dyn AsyncRead + Unpin>, |rest, piece| {
            Box::new(AsyncReadExt::chain(piece.as_bytes(), rest))
        })
    }
}
