//! An answer as it goes out: whole, slowly, or only in part.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use tokio::time::Sleep;

/// A body of known length that may take its time, or break off.
#[derive(Debug)]
pub struct Shaped {
    chunks: VecDeque<Bytes>,
    left: u64,
    breaks: bool,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Shaped {
    /// All of it at once.
    pub fn whole(bytes: Bytes) -> Self {
        let left = bytes.len() as u64;
        let chunks = if bytes.is_empty() { VecDeque::new() } else { [bytes].into() };
        Self { chunks, left, breaks: false, pause: Duration::ZERO, sleep: None }
    }

    /// In at most 20 pieces that take `time` together.
    pub fn slow(bytes: &Bytes, time: Duration) -> Self {
        let piece = bytes.len().div_ceil(20).max(1);
        let chunks: VecDeque<_> = bytes.chunks(piece).map(|chunk| bytes.slice_ref(chunk)).collect();
        let pause = time / u32::try_from(chunks.len().max(1)).unwrap_or(1);
        Self { left: bytes.len() as u64, chunks, breaks: false, pause, sleep: None }
    }

    /// Its length is told, but only `part` bytes come.
    pub fn cut(bytes: &Bytes, part: usize) -> Self {
        let mut cut = Self::whole(bytes.slice(..part.min(bytes.len().saturating_sub(1))));
        cut.left = bytes.len() as u64;
        cut.breaks = true;
        cut
    }
}

impl Body for Shaped {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, io::Error>>> {
        if !self.pause.is_zero() {
            let pause = self.pause;
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        match self.chunks.pop_front() {
            Some(chunk) => {
                self.left -= chunk.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            None if self.breaks => Poll::Ready(Some(Err(io::Error::other("cut")))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An answer as Elasticsearch gives it.
pub fn respond(status: StatusCode, body: Shaped) -> io::Result<Response<Shaped>> {
    let answer = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    answer.header("x-elastic-product", "Elasticsearch").body(body).map_err(io::Error::other)
}
