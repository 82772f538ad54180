//! This node among others on the same database: what it hears of them, and whether it may go on without.
//!
//! On SQLite there is one node, [`Node::alone`], which costs nothing.

#[cfg(feature = "postgres")]
mod beating; // the heartbeats, and what follows from each
#[cfg(feature = "postgres")]
mod permission; // until when attempts may start
#[cfg(feature = "postgres")]
mod tenure; // this node's lease, and those of the others

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::lease::LeaseNumber;
use crate::error::Error;
use crate::store::Store;
use crate::store::change::Told;
use crate::store::error::StoreError;

/// What this node is told of others, and what dispatch is to do about it.
#[derive(Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a node alone hears nothing"))]
pub(crate) enum News {
    /// Attempts may start again that were refused.
    MayStart,
    /// This was changed; the catalog has forgotten what was old.
    Changed(Vec<Told>),
    /// Anything may have been changed; the catalog has forgotten all.
    AnythingChanged,
    /// This node's lease was ended: what it held is others' by now.
    LeaseLost,
    /// This node has taken over what stands under these leases.
    Adopted(Vec<LeaseNumber>),
    /// Retries are due that nobody has claimed.
    Due,
}

/// This node. Clones share it.
#[derive(Clone)]
pub(crate) struct Node {
    #[cfg(feature = "postgres")]
    life: Option<Arc<beating::Life>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What a node is made of.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a node alone needs nothing"))]
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) catalog: Arc<Catalog>,
}

impl Node {
    /// Begins to listen and to beat where the database has room for other nodes; the first heartbeat is answered when this returns.
    pub(crate) async fn start(parts: Parts) -> Result<(Node, mpsc::UnboundedReceiver<News>), StoreError> {
        let (news, told) = mpsc::unbounded_channel();
        #[cfg(feature = "postgres")]
        if let Some(heart) = parts.store.heart().await? {
            return Ok((Node::among_others(parts, heart, news).await?, told));
        }
        #[cfg(not(feature = "postgres"))]
        let _ = (parts, news);
        Ok((Node::alone(), told))
    }

    /// The only node there is: it may do all, and hears of nobody.
    pub(crate) fn alone() -> Node {
        Node {
            #[cfg(feature = "postgres")]
            life: None,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    #[cfg(feature = "postgres")]
    async fn among_others(
        parts: Parts,
        heart: crate::store::Heart,
        news: mpsc::UnboundedSender<News>,
    ) -> Result<Node, StoreError> {
        let mut node = Node::alone();
        let life = Arc::new(beating::Life::new(parts, news));
        life.beat(&heart).await?;
        node.tasks.spawn(beating::run(Arc::clone(&life), heart, node.stop.clone()));
        node.life = Some(life);
        Ok(node)
    }

    /// Whether an attempt may start now. Who is refused hears [`News::MayStart`] when that changes.
    pub(crate) fn may_start(&self) -> bool {
        #[cfg(feature = "postgres")]
        if let Some(life) = &self.life {
            return life.may_start();
        }
        true
    }

    /// Waits until all is forgotten that changes have made old which are committed by now. Fails if the database does not answer.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        #[cfg(feature = "postgres")]
        if let Some(life) = &self.life {
            return life.catch_up().await;
        }
        Ok(())
    }

    /// How long ago the last heartbeat was sent that was answered; `None` if there are none.
    pub(crate) fn heartbeat_age(&self) -> Option<std::time::Duration> {
        #[cfg(feature = "postgres")]
        return self.life.as_ref().map(|life| life.age());
        #[cfg(not(feature = "postgres"))]
        None
    }

    /// Whether no other node can change anything.
    pub(crate) fn is_alone(&self) -> bool {
        #[cfg(feature = "postgres")]
        return self.life.is_none();
        #[cfg(not(feature = "postgres"))]
        true
    }

    /// No attempts are started any more: nothing further is taken over.
    pub(crate) async fn stopping(&self) {
        #[cfg(feature = "postgres")]
        if let Some(life) = &self.life {
            life.stopping().await;
        }
    }

    /// Ends the heartbeats; nothing is written any more, and what is left others take over.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
