//! What comes in, bounded, and what goes out.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

use super::respond::Permit;
use crate::server::listing::{self, Listing};

/// The longest request body, in bytes.
pub(super) const LONGEST: usize = 4 * 1024 * 1024;

/// From this length on, in bytes, bodies share a limited room while they are read.
const LONG: usize = 64 * 1024;

/// How many bodies beyond [`LONG`] may be read at once: at most 256 MiB.
pub(super) const MOST_LONG: usize = 64;

/// How long a request body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a request body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("The body of the request is longer than {} MiB.", LONGEST / (1024 * 1024))]
    TooLong,
    #[error("The body of the request did not arrive within {} seconds.", PATIENCE.as_secs())]
    TooSlow,
    #[error("The body of the request broke off.")]
    Broken,
    #[error("The server reads as many long requests as it can.")]
    Crowded,
}

/// Reads a request body; a long one takes a permit of `room` for that time.
pub(super) async fn read(body: Incoming, room: &Semaphore) -> Result<Bytes, Unreadable> {
    if http_body::Body::size_hint(&body).lower() > LONGEST as u64 {
        return Err(Unreadable::TooLong);
    }
    tokio::time::timeout(PATIENCE, collect(body, room)).await.unwrap_or(Err(Unreadable::TooSlow))
}

async fn collect(mut body: Incoming, room: &Semaphore) -> Result<Bytes, Unreadable> {
    let mut place = None;
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unreadable::Broken)?.into_data() else { continue };
        if first.len() + all.len() + data.len() > LONGEST {
            return Err(Unreadable::TooLong);
        }
        if place.is_none() && first.len() + all.len() + data.len() > LONG {
            place = Some(room.try_acquire().map_err(|_| Unreadable::Crowded)?);
        }
        // Nearly every request is one frame, and need not be copied.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The body of a response: what rmcp says, or something finished.
pub(super) struct Body {
    inner: UnsyncBoxBody<Bytes, Infallible>,
    /// What an empty list of tools in it is filled with.
    listing: Option<Listing>,
    /// The rest of a list that is being filled, last piece first.
    pieces: Vec<Bytes>,
    /// Given back once the response has gone out, or is given up.
    _permit: Option<Permit>,
}

impl Body {
    pub(super) fn of(inner: impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static) -> Self {
        Self { inner: inner.boxed_unsync(), listing: None, pieces: Vec::new(), _permit: None }
    }

    pub(super) fn whole(text: Vec<u8>) -> Self {
        Self::of(Full::new(Bytes::from(text)))
    }

    /// Puts frames one after the other, as they come.
    pub(super) fn stream(frames: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self::of(StreamBody::new(frames.map(|frame| Ok(Frame::data(frame)))))
    }

    /// The next event of a stream of events, in one piece.
    pub(super) async fn event(&mut self) -> Option<Bytes> {
        let event = loop {
            // There is no error, and events have no trailers.
            if let Ok(event) = self.frame().await?.ok()?.into_data() {
                break event;
            }
        };
        if self.pieces.is_empty() {
            return Some(event);
        }
        let mut whole = BytesMut::from(event);
        while let Some(piece) = self.pieces.pop() {
            whole.extend_from_slice(&piece);
        }
        Some(whole.freeze())
    }

    pub(super) fn holding(mut self, permit: Permit) -> Self {
        self._permit = Some(permit);
        self
    }

    pub(super) fn filling(mut self, listing: Option<Listing>) -> Self {
        self.listing = listing;
        self
    }

    /// Puts the tools into a frame that holds an empty list of them. Every part of the tool tables is handed
    /// on as it lies in the program.
    fn fill(&mut self, frame: Bytes) -> Bytes {
        let Some(listing) = &self.listing else { return frame };
        let Some(filled) = listing::fill(&frame, listing) else { return frame };
        self.listing = None;
        let [before, entries, after] = filled;
        self.pieces = vec![after, entries];
        before
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(piece) = self.pieces.pop() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let frame = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => return other,
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => Frame::data(self.fill(data)),
            Err(frame) => frame,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.listing.is_some() || !self.pieces.is_empty() { SizeHint::new() } else { self.inner.size_hint() }
    }
}
