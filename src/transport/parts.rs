//! Output that is partly made for the occasion and partly lies in the program anyway.

use std::borrow::Cow;
use std::io::{self, IoSlice};

use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Copying shorter pieces costs less than keeping them apart.
const WORTH_LENDING: usize = 256;

/// How many pieces one system call gets: more than a pipe takes at once.
const PIECES: usize = 256;

/// Bytes in order. Long pieces of the program are referred to and not copied: the list of all tools is
/// half a megabyte, and filling as much fresh memory takes longer than everything else at start.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    made: Vec<u8>,
    /// Pieces of the program, with how much of `made` comes before them.
    lent: Vec<(usize, &'static [u8])>,
    lent_bytes: usize,
}

impl Parts {
    /// Where bytes are appended.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.made
    }

    /// Appends a text of the program, or one that was made.
    pub(crate) fn add(&mut self, piece: Cow<'static, str>) {
        match piece {
            Cow::Borrowed(piece) => self.lend(piece.as_bytes()),
            Cow::Owned(piece) => self.made.extend_from_slice(piece.as_bytes()),
        }
    }

    /// Appends a piece of the program.
    pub(crate) fn lend(&mut self, piece: &'static [u8]) {
        if piece.len() < WORTH_LENDING {
            self.made.extend_from_slice(piece);
        } else {
            self.lent.push((self.made.len(), piece));
            self.lent_bytes += piece.len();
        }
    }

    /// The size of it all in bytes.
    pub(crate) fn len(&self) -> usize {
        self.made.len() + self.lent_bytes
    }

    /// Removes everything and keeps at most `kept` bytes of memory for the next use.
    pub(crate) fn clear(&mut self, kept: usize) {
        self.made.clear();
        self.made.shrink_to(kept);
        self.lent = Vec::new();
        self.lent_bytes = 0;
    }

    /// Everything in one piece.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        if self.lent.is_empty() { self.made } else { self.slices().collect::<Vec<_>>().concat() }
    }

    /// Writes everything.
    pub(crate) async fn write_to(&self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.lent.is_empty() {
            return writer.write_all(&self.made).await;
        }
        if !writer.is_write_vectored() {
            return writer.write_all(&self.slices().collect::<Vec<_>>().concat()).await;
        }
        let mut slices: Vec<IoSlice<'_>> = self.slices().map(IoSlice::new).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            let written = writer.write_vectored(&rest[..rest.len().min(PIECES)]).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut rest, written);
        }
        Ok(())
    }

    /// The pieces in order, none of them empty.
    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.lent.iter().map(|(end, _)| *end));
        let between = starts.zip(&self.lent).flat_map(|(start, (end, piece))| [&self.made[start..*end], piece]);
        let last = self.lent.last().map_or(0, |(end, _)| *end);
        between.chain([&self.made[last..]]).filter(|piece| !piece.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    static LONG: [u8; 3 * WORTH_LENDING] = [b'x'; 3 * WORTH_LENDING];

    fn parts(pieces: &[&'static [u8]]) -> Parts {
        let mut parts = Parts::default();
        for piece in pieces {
            if piece.starts_with(b"made") {
                parts.bytes().extend_from_slice(piece);
            } else {
                parts.lend(piece);
            }
        }
        parts
    }

    #[tokio::test]
    async fn pieces_stay_in_order_however_they_are_written() {
        let (made, short, long): (&[u8], &[u8], &[u8]) = (b"made", b"short", &LONG);
        let many = [made, long, short].repeat(2 * PIECES);
        for pieces in [&[][..], &[made], &[long], &[short, long, long, made], &many] {
            let expected = pieces.concat();
            let parts = parts(pieces);
            assert_eq!(parts.len(), expected.len());

            let mut plain = Plain(Vec::new());
            parts.write_to(&mut plain).await.unwrap();
            assert_eq!(plain.0, expected);

            let (mut near, mut far) = tokio::io::duplex(100);
            let mut seen = Vec::new();
            let write = async {
                parts.write_to(&mut near).await.unwrap();
                drop(near);
            };
            let (_, read) = tokio::join!(write, far.read_to_end(&mut seen));
            read.unwrap();
            assert_eq!(seen, expected);

            assert_eq!(parts.into_bytes(), expected);
        }
    }

    #[test]
    fn nothing_is_left_after_a_clearance() {
        let mut parts = parts(&[b"made", &LONG]);
        parts.clear(2);
        assert_eq!((parts.len(), parts.slices().count()), (0, 0));
    }

    /// A writer that takes one slice at a time, as a terminal or a file does.
    struct Plain(Vec<u8>);

    impl AsyncWrite for Plain {
        fn poll_write(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            bytes: &[u8],
        ) -> std::task::Poll<io::Result<usize>> {
            self.0.extend_from_slice(bytes);
            std::task::Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn poll_shutdown(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            std::task::Poll::Ready(Ok(()))
        }
    }
}
