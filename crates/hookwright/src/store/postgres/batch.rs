//! One batch as it is written: what every message makes is collected, all else goes out item by item, in the batch's order.

use std::time::Instant;

use crate::domain::lease::Held;
use crate::store::error::StoreError;
use crate::store::postgres::catalog_change::{Knowledge, Moved, routed};
use crate::store::postgres::commit::Mark;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::hot::{Frame, Hot};
use crate::store::postgres::lease::{self, Holding};
use crate::store::postgres::notice::Notice;
use crate::store::postgres::pipeline::Pipeline;
use crate::store::postgres::retention::OldMessages;
use crate::store::postgres::{apply, broadcast, inbound};
use crate::store::sealing::Sealing;
use crate::store::slice_time::SliceTime;
use crate::store::write::{Append, Appended, Outcome, Received, Write, Written};

/// What a batch is written with.
pub(super) struct Means<'b> {
    pub(super) connection: &'b Connection,
    pub(super) sealing: &'b Sealing,
    pub(super) holding: &'b Holding,
    /// What this node held as the batch began.
    pub(super) held: &'b Held,
    pub(super) knowledge: &'b Knowledge,
    /// What other nodes have changed that the batch was routed by.
    pub(super) moved: &'b Moved,
    pub(super) notice: Notice,
    pub(super) old: &'b mut OldMessages,
    pub(super) slices: &'b mut Vec<SliceTime>,
}

/// A batch that is being written.
pub(super) struct Batch<'b, 'w> {
    means: Means<'b>,
    hot: Hot<'w>,
    /// Which item of the batch each collected message answers, if it answers any.
    asked: Vec<Option<Asked>>,
    pub(super) written: Vec<Option<Written>>,
    mark: Mark,
    has_begun: bool,
    /// Whether the server may have been asked to commit.
    pub(super) is_committing: bool,
}

/// Who asks what became of a message.
#[derive(Clone, Copy)]
enum Asked {
    /// The item with this number, which is that message.
    Append(usize),
    /// The item with this number, which made several.
    Broadcast(usize),
}

impl<'b, 'w> Batch<'b, 'w> {
    pub(super) fn new(means: Means<'b>, mark: Mark, items: usize) -> Batch<'b, 'w> {
        let (hot, asked, written) = (Hot::default(), Vec::new(), (0..items).map(|_| None).collect());
        let (has_begun, is_committing) = (false, false);
        Batch { means, hot, asked, written, mark, has_begun, is_committing }
    }

    pub(super) async fn write(&mut self, batch: &'w [Write]) -> Result<(), StoreError> {
        for (number, write) in batch.iter().enumerate() {
            self.item(number, write).await?;
        }
        self.collected(true).await
    }

    async fn item(&mut self, number: usize, write: &'w Write) -> Result<(), StoreError> {
        let has_moved = |append: &Append| {
            append.routed_by.is_some() && self.means.moved.applications.contains(&append.message.application)
        };
        if routed(write).iter().any(has_moved) {
            self.written[number] = Some(match write {
                Write::Append(_) => Written::Appended(Appended::Moved),
                Write::Receive(_) => Written::Received(Received::Moved),
                _ => Written::Broadcast(None),
            });
            return Ok(());
        }
        routed(write).iter().for_each(|append| self.hot.routes.add(append));
        match write {
            Write::Append(append) => self.append(append, Some(Asked::Append(number))).await?,
            Write::Outcome(outcome) => {
                let is_late = !self.means.held.still(outcome.hold);
                self.outcome(outcome, is_late).await?;
                self.written[number] = Some(if is_late { Written::LoggedOnly } else { Written::Done });
            }
            Write::Told(inner, messages) => {
                // What it tells of comes first, and decides.
                Box::pin(self.item(number, inner)).await?;
                self.collected(false).await?;
                if self.written[number].as_ref().is_some_and(Written::took_effect) {
                    for told in messages {
                        self.append(told, None).await?;
                    }
                }
            }
            Write::Receive(receive) => {
                self.alone().await?;
                let is_fresh = inbound::receive(self.means.connection, receive).await?;
                if is_fresh && let Some(append) = &receive.message {
                    self.append(append, None).await?;
                }
                let received = if is_fresh { Received::Stored } else { Received::Duplicate };
                self.written[number] = Some(Written::Received(received));
            }
            Write::BroadcastStep(step) => {
                self.alone().await?;
                let is_taken = broadcast::step(self.means.connection, step).await?;
                self.written[number] = Some(Written::Broadcast(is_taken.then(Vec::new)));
                if is_taken {
                    for append in &step.messages {
                        self.append(append, Some(Asked::Broadcast(number))).await?;
                    }
                    self.collected(false).await?;
                    broadcast::remove_unused(self.means.connection, step.broadcast).await?;
                }
            }
            // All that came before it is written with it.
            Write::Flush => self.written[number] = Some(Written::Done),
            other => {
                self.alone().await?;
                let started = other.is_slice().then(Instant::now);
                let written = apply::apply(&mut self.means, other).await?;
                self.means
                    .slices
                    .extend(started.map(|started| SliceTime { elapsed: started.elapsed(), cpu: None }));
                self.written[number] = Some(written);
            }
        }
        Ok(())
    }

    async fn append(&mut self, append: &'w Append, asked: Option<Asked>) -> Result<(), StoreError> {
        if !self.hot.takes(append) {
            self.collected(false).await?;
        }
        self.hot.append(append);
        self.asked.push(asked);
        Ok(())
    }

    /// What is too late is logged, and neither changes nor tells anything.
    async fn outcome(&mut self, outcome: &'w Outcome, is_late: bool) -> Result<(), StoreError> {
        if !self.hot.takes_outcome(outcome) {
            self.collected(false).await?;
        }
        self.hot.outcome(outcome);
        if !is_late {
            for told in &outcome.told {
                self.append(told, None).await?;
            }
        }
        Ok(())
    }

    /// Writes what is collected, so that what follows finds it, and has a transaction.
    async fn alone(&mut self) -> Result<(), StoreError> {
        self.collected(false).await?;
        if !self.has_begun {
            let mut pipeline = Pipeline::new(self.means.connection);
            lease::begin(&mut pipeline, self.means.held.own).await?;
            self.has_begun = true;
            pipeline.run().await?;
        }
        Ok(())
    }

    /// Writes what is collected, and ends the transaction if it `commits`.
    async fn collected(&mut self, commits: bool) -> Result<(), StoreError> {
        if self.hot.is_empty() {
            if commits && self.has_begun {
                let mut pipeline = Pipeline::new(self.means.connection);
                self.means.notice.add(&mut pipeline).await?;
                self.mark.commit(&mut pipeline).await?;
                self.is_committing = true;
                pipeline.run().await?;
            }
            return Ok(());
        }
        let frame = Frame {
            begins: !self.has_begun,
            commits: commits.then_some(self.mark),
            notice: self.means.notice,
            guard: self.means.knowledge.guard(self.means.moved),
        };
        self.has_begun = true;
        self.is_committing = commits;
        let mut appended = Vec::new();
        let result = self.hot.write(self.means.connection, self.means.held, frame, &mut appended).await;
        for (asked, appended) in self.asked.drain(..).zip(appended) {
            match asked {
                None => {}
                Some(Asked::Append(number)) => self.written[number] = Some(Written::Appended(appended)),
                Some(Asked::Broadcast(number)) => {
                    if let Some(Written::Broadcast(Some(stored))) = &mut self.written[number] {
                        stored.push(appended == Appended::Stored);
                    }
                }
            }
        }
        result
    }
}
