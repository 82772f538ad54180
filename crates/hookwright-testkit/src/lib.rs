//! What our integration tests need: scripted receivers, a breakable proxy, child processes, a small client, a
//! private PostgreSQL.
//!
//! Everything listens on loopback and waits on events, never on guesses about time. Each wait is bounded by
//! [`DEADLINE`] and panics with what did happen, since these waits are the assertions of a test. The bounds use
//! tokio's clock, so a test that pauses that clock must not wait on sockets with this kit.

mod receiver; // reading order: what a delivery meets, then what a test drives
mod tls;

mod proxy;

mod process;

mod eventually;
pub mod http;
pub mod postgres;

use std::time::Duration;

pub use eventually::{eventually, eventually_within};
pub use process::{Launch, Line, Output, Process, Source, free_port};
pub use proxy::BreakableProxy;
pub use receiver::{Gate, Point, Received, Receiver, Reply, Tally};
pub use tls::{Authority, Leaf};

/// How long any wait of this kit lasts before it panics.
///
/// Far above what a wait takes on a slow and busy machine: only a test that is about to fail ever sees it.
pub const DEADLINE: Duration = Duration::from_secs(30);
