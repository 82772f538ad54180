//! The heartbeats of a node: four times a second it asks the database in one query what others have done, and acts on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cluster::permission::Permission;
use crate::cluster::tenure::Leases;
use crate::cluster::{News, Parts};
use crate::domain::lease::Terms;
use crate::error::Error;
use crate::store::error::StoreError;
use crate::store::{Beat, Heart, Store};

/// From one heartbeat to the next, unless somebody says that there is something to hear.
const BEAT_EVERY: Duration = Duration::from_millis(250);
/// A heartbeat that was not answered within this is given up, and its connection with it.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(1);

/// Whoever waits for a heartbeat waits no longer than this.
const CAUGHT_UP_WITHIN: Duration = Duration::from_millis(1_500);
/// A retry that nobody has claimed for so long was written by a node that is busy, or gone.
const CLAIMED_WITHIN: Duration = Duration::from_secs(1);

/// What a node knows of itself and the others.
pub(super) struct Life {
    clock: Clock,
    store: Store,
    catalog: Arc<Catalog>,
    terms: Terms,
    permission: Permission,
    leases: Mutex<Leases>,
    news: mpsc::UnboundedSender<News>,
    /// Somebody wants the next heartbeat at once.
    wake: Notify,
    /// How many heartbeats have begun.
    begun: AtomicU64,
    /// The last of them of which all is honoured that it told.
    honoured: watch::Sender<u64>,
}

impl Life {
    pub(super) fn new(parts: Parts, news: mpsc::UnboundedSender<News>) -> Life {
        let Parts { clock, store, catalog } = parts;
        let (terms, permission) = (Terms::DEFAULT, Permission::refused(clock.clone()));
        let leases = Mutex::new(Leases::new(clock.clone(), terms));
        let (begun, honoured) = (AtomicU64::new(0), watch::Sender::new(0));
        Life { clock, store, catalog, terms, permission, leases, news, wake: Notify::new(), begun, honoured }
    }

    pub(super) fn may_start(&self) -> bool {
        self.permission.is_granted()
    }

    /// One heartbeat, and all that follows from its answer.
    pub(super) async fn beat(&self, heart: &Heart) -> Result<(), StoreError> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let sent = self.clock.moment();
        let beat = tokio::time::timeout(GIVEN_UP_AFTER, heart.beat()).await;
        let beat = beat.unwrap_or(Err(StoreError::Silent))?;
        self.honour(heart, beat.sequence).await?;
        self.honoured.send_replace(number);
        if self.permission.confirmed(sent, &self.terms) {
            self.tell(News::MayStart);
        }
        self.heard_of_leases(heart, &beat).await
    }

    /// How long ago the last heartbeat was sent that was answered.
    pub(super) fn age(&self) -> Duration {
        self.clock.moment().saturating_sub(self.permission.last_confirmed(&self.terms))
    }

    /// Waits for a heartbeat that begins now or later, and for all that follows from it.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
        let begun = self.begun.load(Ordering::SeqCst);
        self.wake.notify_one();
        let mut honoured = self.honoured.subscribe();
        let later = honoured.wait_for(|honoured| *honoured > begun);
        match tokio::time::timeout(CAUGHT_UP_WITHIN, later).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(StoreError::Silent.into()),
        }
    }

    /// Forgets what changes up to this number have made old, and tells dispatch.
    async fn honour(&self, heart: &Heart, up_to: i64) -> Result<(), StoreError> {
        let known = self.store.catalog_known();
        if up_to == known {
            return Ok(());
        }
        let changes = tokio::time::timeout(GIVEN_UP_AFTER, heart.changes(known, up_to)).await;
        match changes.unwrap_or(Err(StoreError::Silent))? {
            Some(changes) => {
                self.catalog.heard(&changes);
                self.tell(News::Changed(changes));
            }
            // A number that went back is of a database that has lost what it had.
            None => {
                self.catalog.forget_all();
                self.tell(News::AnythingChanged);
            }
        }
        self.store.catalog_is_known(up_to);
        Ok(())
    }

    async fn heard_of_leases(&self, heart: &Heart, beat: &Beat) -> Result<(), StoreError> {
        let (result, untold, leased_until) = {
            let mut leases = self.leases.lock().await;
            let result = leases.heard(heart, beat).await;
            (result, leases.take_untold(), leases.leased_until())
        };
        if untold.is_lost {
            self.tell(News::LeaseLost);
        }
        if !untold.adopted.is_empty() {
            self.tell(News::Adopted(untold.adopted));
        }
        if untold.is_tidy_due {
            // Beside the heartbeats: it looks at all that is pending.
            let store = self.store.clone();
            tokio::spawn(async move {
                if let Err(error) = store.tidy_leases().await {
                    tracing::warn!(%error, "leases that nothing stands under stay for now");
                }
            });
        }
        // Usually whoever wrote a retry claims it when it is due.
        if beat.next_due.is_some_and(|due| due.after(CLAIMED_WITHIN) <= beat.database_now) {
            self.tell(News::Due);
        }
        if self.permission.leased_until(leased_until) {
            self.tell(News::MayStart);
        }
        result
    }

    /// This node starts no attempts any more, and takes over nothing.
    pub(super) async fn stopping(&self) {
        self.leases.lock().await.stop();
    }

    /// This node stops, and all is written: whatever it held others may take over at once.
    async fn end(&self, heart: Option<Heart>) {
        let ended = async {
            let heart = match heart {
                Some(heart) => heart,
                None => self.store.heart().await?.ok_or(StoreError::Silent)?,
            };
            // There may be deliveries that nobody here knows of; they are found once the lease is over.
            if heart.is_uncertain() { Ok(()) } else { heart.end(heart.held().own).await }
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the end of this node cannot be told; others take over once its lease is over");
        }
    }

    /// The connection is lost, and with it whatever was said meanwhile.
    async fn lost(&self) {
        self.leases.lock().await.forget_sightings();
        self.catalog.forget_all();
        self.tell(News::AnythingChanged);
    }

    /// Nobody listens any more at a shutdown.
    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// A new connection, with its first heartbeat; everything is forgotten between the two.
    async fn reconnect(&self) -> Result<Heart, StoreError> {
        // It was there at the start, so there is one.
        let heart = self.store.heart().await?.ok_or(StoreError::Silent)?;
        self.lost().await;
        self.beat(&heart).await?;
        Ok(heart)
    }
}

/// Beats until the end.
pub(super) async fn run(life: Arc<Life>, heart: Heart, stop: CancellationToken) {
    let mut heart = Some(heart);
    loop {
        let hint = async {
            match &heart {
                Some(heart) => heart.hint().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = life.wake.notified() => {}
            () = hint => {}
            () = tokio::time::sleep(BEAT_EVERY) => {}
        }
        let beaten = match heart.take() {
            Some(heart) => life.beat(&heart).await.map(|()| heart),
            None => life.reconnect().await,
        };
        match beaten {
            Ok(beating) => heart = Some(beating),
            Err(error) => tracing::warn!(%error, "the database does not answer a heartbeat"),
        }
    }
    life.end(heart).await;
}
