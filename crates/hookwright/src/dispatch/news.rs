//! What other nodes have done, and what it means for the lanes here.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::cluster::News;
use crate::dispatch::Shared;

/// Acts on what is told, for as long as there is anything to tell.
pub(super) async fn hear(shared: Arc<Shared>, mut news: mpsc::UnboundedReceiver<News>) {
    loop {
        let told = tokio::select! {
            () = shared.stop.cancelled() => break,
            told = news.recv() => told,
        };
        match told {
            None => break,
            Some(News::MayStart) => shared.pump(),
        }
    }
}
