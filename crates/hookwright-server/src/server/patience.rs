//! How long a connection may keep us waiting: for the head of a request, and for the next request.
//!
//! Two limits, since they have different reasons: a head that drips in is an attack, while an idle connection is how clients
//! and proxies save a handshake. A proxy that finds it closed under its hands answers its own client with an error, so the
//! idle limit is above the 60 s that proxies commonly use. hyper has one limit for both.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::refusal::Refusal;

/// How long a client may take for the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// A connection whose reads fail once it has kept us waiting for too long.
pub(super) struct Patient {
    stream: TokioIo<TcpStream>,
    progress: Progress,
    timer: Pin<Box<Sleep>>,
    /// The progress that the timer was set for.
    timed: Option<u32>,
    /// Whether anything was written: before that, an answer to a late head cannot end up within another answer.
    written: bool,
    /// What is left to write of the answer to a head that could not be read.
    refusal: Option<Refusal>,
}

/// What a connection is at. Clones share it; each change has another number.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU32>);

const IDLE: u32 = 0;
const HEAD: u32 = 1;
/// A request is being answered: its body has a timeout of its own.
const BUSY: u32 = 2;
/// A request is answered, and its client still sends the rest of the body; then the connection is idle.
const REST: u32 = 3;
const PHASES: u32 = 4;

impl Progress {
    /// A request's head has arrived.
    pub(super) fn answering(&self) {
        self.enter(BUSY);
    }

    /// A request is answered.
    pub(super) fn answered(&self) {
        self.enter(IDLE);
    }

    /// A request is answered before its body was read.
    pub(super) fn answered_early(&self) {
        self.enter(REST);
    }

    // One task drives a connection, so nothing changes between the load and the store.
    fn enter(&self, phase: u32) {
        let count = self.0.load(Ordering::Relaxed) / PHASES;
        self.0.store(count.wrapping_add(1).wrapping_mul(PHASES) | phase, Ordering::Relaxed);
    }

    fn number(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn phase(&self) -> u32 {
        self.number() % PHASES
    }
}

impl Patient {
    pub(super) fn new(stream: TcpStream, progress: Progress) -> Patient {
        let timer = Box::pin(tokio::time::sleep(IDLE_TIMEOUT));
        Patient { stream: TokioIo::new(stream), progress, timer, timed: None, written: false, refusal: None }
    }

    fn poll_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.refusal.as_ref().map(Refusal::rest).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(refusal) = &mut self.refusal {
                refusal.advance(written);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let limit = match self.progress.phase() {
            IDLE | REST => IDLE_TIMEOUT,
            HEAD => HEAD_TIMEOUT,
            _ => return Poll::Pending,
        };
        let number = self.progress.number();
        if self.timed != Some(number) {
            self.timer.as_mut().reset(Instant::now() + limit);
            self.timed = Some(number);
        }
        ready!(self.timer.as_mut().poll(context));
        if self.progress.phase() == HEAD && !self.written {
            self.refusal = Some(Refusal::late());
            // What does not fit into the empty buffer of a connection is not waited for.
            let _ = self.poll_refusal(context);
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Read for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if self.progress.phase() == IDLE {
                    self.progress.enter(HEAD);
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_patience(context),
        }
    }
}

impl Write for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An answer that streams on is not idle.
        self.timed = None;
        self.written = true;
        if self.refusal.is_none() {
            self.refusal = Refusal::instead_of(bytes);
        }
        if self.refusal.is_some() {
            ready!(self.poll_refusal(context))?;
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.timed = None;
        self.written = true;
        match slices.iter().find(|slice| !slice.is_empty()) {
            Some(head) if self.refusal.is_some() || Refusal::instead_of(head).is_some() => {
                self.poll_write(context, head)
            }
            _ => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }
}
