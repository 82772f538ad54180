//! A gate that holds requests in mid-flight until the test lets them pass.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::DEADLINE;

/// Holds requests until the test releases them; clones share one gate.
///
/// A held request was read completely and is recorded, but nothing of its answer was written. A sender that gives
/// up while it is held leaves the gate without passing it.
#[derive(Clone, Debug)]
pub struct Gate {
    /// How many requests ever came to the gate.
    entered: Arc<watch::Sender<usize>>,
    /// One permit per request that may pass; closed once the gate stays open.
    passage: Arc<Semaphore>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self { entered: Arc::new(watch::Sender::new(0)), passage: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until `n` requests in total have come to the gate, whether they passed or not.
    ///
    /// # Panics
    ///
    /// After [`DEADLINE`], with how many came.
    pub async fn wait_entered(&self, n: usize) {
        let mut entered = self.entered.subscribe();
        let enough = entered.wait_for(|count| *count >= n);
        if tokio::time::timeout(DEADLINE, enough).await.is_err() {
            panic!("waited {DEADLINE:?} for {n} requests at the gate; {} came", self.entered());
        }
    }

    /// How many requests ever came to the gate.
    #[must_use]
    pub fn entered(&self) -> usize {
        *self.entered.borrow()
    }

    /// Lets `n` requests pass, the longest held first; the gate stays closed behind them.
    ///
    /// Has no effect once [`release`](Self::release) was called.
    pub fn release_some(&self, n: usize) {
        self.passage.add_permits(n);
    }

    /// Opens the gate for good: whoever is held passes, and whoever comes later is not held.
    pub fn release(&self) {
        self.passage.close();
    }

    /// Comes to the gate and returns once it may be passed.
    pub(super) async fn pass(&self) {
        self.entered.send_modify(|count| *count += 1);
        // An error means that the gate was opened for good.
        if let Ok(permit) = self.passage.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
