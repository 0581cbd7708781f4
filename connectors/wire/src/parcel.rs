//! A request's body that knows whether the request was ever given to a connection.
//!
//! The question on which everything hangs after a failure is whether the system may have seen the request, and an error alone
//! does not answer it: a deadline that passes says nothing of how far things had come. The body does. The HTTP/1.1 connection
//! runs in a task of its own; until a request is handed to it, request and body are owned by the future of the call. So:
//!
//! - the body is dropped, never read, while that future is polled or dropped: no connection ever took the request;
//! - the body is read, or is dropped anywhere else: a connection took it, and bytes may have left;
//! - the body is still somewhere after the future is gone: it was handed over, and may yet be sent.
//!
//! Only the first is a proof; the others are "may have been received". The body also cannot be cloned, so no layer below can
//! send the request a second time once it was taken.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

const HELD: u8 = 0;
const GIVEN_BACK: u8 = 1;
const TAKEN: u8 = 2;

thread_local! {
    /// Whether this thread is at this moment inside the future of a call.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks the thread as inside until dropped.
struct Inside {
    before: bool,
}

impl Inside {
    fn enter() -> Self {
        Self { before: INSIDE.replace(true) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.before);
    }
}

/// What became of a parcel; outlives it.
pub(crate) struct Receipt(Arc<AtomicU8>);

impl Receipt {
    /// Whether no connection ever took the parcel. Ask when the call's future is over or dropped.
    pub(crate) fn is_unsent(&self) -> bool {
        self.0.load(Ordering::SeqCst) == GIVEN_BACK
    }
}

/// The body.
pub(crate) struct Parcel {
    bytes: Bytes,
    mark: Arc<AtomicU8>,
}

impl Parcel {
    /// A body and its receipt.
    pub(crate) fn new(bytes: Bytes) -> (Self, Receipt) {
        let mark = Arc::new(AtomicU8::new(HELD));
        (Self { bytes, mark: Arc::clone(&mark) }, Receipt(mark))
    }
}

impl Body for Parcel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.mark.store(TAKEN, Ordering::SeqCst);
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let end = if INSIDE.get() { GIVEN_BACK } else { TAKEN };
        // A parcel that was read stays taken, wherever it is dropped.
        let _ = self.mark.compare_exchange(HELD, end, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// The future of a call, watched.
pub(crate) struct Watched<F> {
    inner: Option<Pin<Box<F>>>,
}

impl<F> Watched<F> {
    /// Watches `future`.
    pub(crate) fn new(future: F) -> Self {
        Self { inner: Some(Box::pin(future)) }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _inside = Inside::enter();
        match &mut self.inner {
            Some(inner) => inner.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        let _inside = Inside::enter();
        self.inner = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn parcel() -> (Parcel, Receipt) {
        Parcel::new(Bytes::from_static(b"body"))
    }

    #[test]
    fn a_parcel_that_the_call_itself_drops_was_never_sent() {
        let (parcel, receipt) = parcel();
        let call = Watched::new(async move {
            std::future::pending::<()>().await;
            drop(parcel);
        });
        assert!(!receipt.is_unsent(), "nothing is known while it is held");
        drop(call);
        assert!(receipt.is_unsent());
    }

    #[test]
    fn a_parcel_given_back_within_the_call_was_never_sent() {
        let (parcel, receipt) = parcel();
        let mut call = Watched::new(async move { drop(parcel) });
        let _ = Pin::new(&mut call).poll(&mut Context::from_waker(Waker::noop()));
        assert!(receipt.is_unsent());
    }

    #[test]
    fn a_parcel_that_was_read_or_dropped_elsewhere_may_have_been_sent() {
        let (mut read, receipt) = parcel();
        let _ = Pin::new(&mut read).poll_frame(&mut Context::from_waker(Waker::noop()));
        drop(Watched::new(async move { drop(read) }));
        assert!(!receipt.is_unsent());

        let (dropped, receipt) = parcel();
        drop(dropped);
        assert!(!receipt.is_unsent());

        let (elsewhere, receipt) = parcel();
        let mut call = Watched::new(async move { std::thread::spawn(move || drop(elsewhere)).join() });
        let _ = Pin::new(&mut call).poll(&mut Context::from_waker(Waker::noop()));
        drop(call);
        assert!(!receipt.is_unsent(), "another thread is not the call");
    }
}
