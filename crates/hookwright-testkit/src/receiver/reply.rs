//! How a receiver behaves towards one request.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::gate::Gate;

/// One scripted behaviour: a plain answer, or one of the ways in which real receivers misbehave.
///
/// Whatever it does to the answer, the receiver first reads the whole request and records it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) act: Act,
    pub(super) gate: Option<Gate>,
    pub(super) delay: Duration,
}

/// Where in its answer a receiver breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before its first byte.
    BeforeAnswer,
    /// Within a header line.
    InHead,
    /// After the head and half of the announced body.
    InBody,
}

/// How a connection is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BreakOff {
    /// With FIN, as a process that ends in order does.
    Close,
    /// With RST, as a crashed one or a firewall does.
    Reset,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Answer(Answer),
    Hang,
    DripHead { interval: Duration },
    DripBody { interval: Duration },
    BreakOff { how: BreakOff, at: Point },
    Huge { bytes: u64 },
    EndlessChunks,
    EndlessInterim,
    Raw(Bytes),
}

#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) interim: Vec<u16>,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Reply {
    /// 200 with a small body; what a receiver without a script answers.
    #[must_use]
    pub fn ok() -> Self {
        Self::status(200).body("ok")
    }

    /// An answer with this status, which may be one that no registry knows, and an empty body.
    ///
    /// 204, 304 and 1xx have no `content-length` (RFC 9110, section 8.6).
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::act(Act::Answer(Answer {
            interim: Vec::new(),
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }))
    }

    /// An answer with this 3xx status that points to `location`.
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::status(status).header("location", location)
    }

    /// Never answers; the connection stays open until the sender leaves or the receiver is dropped.
    ///
    /// A [`Gate`] is what holds a request and then answers it.
    #[must_use]
    pub fn hang() -> Self {
        Self::act(Act::Hang)
    }

    /// One byte of a head per interval, in a header line that never ends.
    #[must_use]
    pub fn drip_head(interval: Duration) -> Self {
        Self::act(Act::DripHead { interval })
    }

    /// A complete head with status 200, then one byte of a body per interval, without an end.
    #[must_use]
    pub fn drip_body(interval: Duration) -> Self {
        Self::act(Act::DripBody { interval })
    }

    /// Closes the connection in order, at the given point of an answer with status 200.
    #[must_use]
    pub fn close(at: Point) -> Self {
        Self::act(Act::BreakOff { how: BreakOff::Close, at })
    }

    /// Resets the connection (RST), at the given point of an answer with status 200.
    #[must_use]
    pub fn reset(at: Point) -> Self {
        Self::act(Act::BreakOff { how: BreakOff::Reset, at })
    }

    /// Status 200 with an announced body of `bytes` bytes, counted in [`Tally::streamed`](super::Tally::streamed).
    #[must_use]
    pub fn huge(bytes: u64) -> Self {
        Self::act(Act::Huge { bytes })
    }

    /// Status 200 with a chunked body that never ends, counted in [`Tally::streamed`](super::Tally::streamed).
    #[must_use]
    pub fn endless() -> Self {
        Self::act(Act::EndlessChunks)
    }

    /// Informational answers (103) without an end, and never a final one.
    #[must_use]
    pub fn endless_interim() -> Self {
        Self::act(Act::EndlessInterim)
    }

    /// Something that is not HTTP, then an orderly close.
    #[must_use]
    pub fn garbage() -> Self {
        Self::raw(&b"\x00\xff\x16 220 this is no web server\r\n\r\n"[..])
    }

    /// Status 200 with one header whose value is `bytes` bytes long, then an orderly close.
    #[must_use]
    pub fn oversized_header(bytes: usize) -> Self {
        let filler = "x".repeat(bytes);
        Self::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-filler: {filler}\r\n\r\n"))
    }

    /// Exactly these bytes, then an orderly close.
    #[must_use]
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::act(Act::Raw(bytes.into()))
    }

    /// Adds a header to an answer, as written and in this order.
    ///
    /// # Panics
    ///
    /// If this is not a plain answer, as for all methods that shape one.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.answer("header").headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body of an answer; its length is announced.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.answer("body").body = body.into();
        self
    }

    /// Sends an informational answer (1xx) before the final one; may be called again for more.
    #[must_use]
    pub fn interim(mut self, status: u16) -> Self {
        self.answer("interim").interim.push(status);
        self
    }

    /// Adds `Retry-After` in seconds (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// Adds `Retry-After` as an HTTP date, which has whole seconds.
    #[must_use]
    pub fn retry_after_date(self, at: SystemTime) -> Self {
        self.header("retry-after", httpdate::fmt_http_date(at))
    }

    /// Behaves only after this time, as a slow receiver.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Behaves only once `gate` lets the request pass.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    fn act(act: Act) -> Self {
        Self { act, gate: None, delay: Duration::ZERO }
    }

    fn answer(&mut self, method: &str) -> &mut Answer {
        match &mut self.act {
            Act::Answer(answer) => answer,
            other => panic!("`{method}` shapes a plain answer, and this reply is {other:?}"),
        }
    }
}
