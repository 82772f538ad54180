//! Which reply comes next.

use std::{collections::VecDeque, sync::Arc};

use super::{received::Received, reply::Reply};

pub(super) enum Script {
    Sequence(Sequence),
    Function(Box<dyn FnMut(&Received) -> Reply + Send>),
}

/// Replies one after another; the last one repeats.
pub(super) struct Sequence(VecDeque<Arc<Reply>>);

impl Script {
    /// Without replies, all are [`Reply::ok`].
    pub(super) fn sequence(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<_> = replies.into_iter().map(Arc::new).collect();
        if replies.is_empty() {
            replies.push_back(Arc::new(Reply::ok()));
        }
        Self::Sequence(Sequence(replies))
    }

    pub(super) fn next(&mut self, received: &Received) -> Arc<Reply> {
        match self {
            Self::Sequence(sequence) => sequence.next(),
            Self::Function(function) => Arc::new(function(received)),
        }
    }
}

impl Sequence {
    pub(super) fn next(&mut self) -> Arc<Reply> {
        let next = if self.0.len() > 1 { self.0.pop_front() } else { self.0.front().cloned() };
        next.expect("a sequence has at least one reply")
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::sequence([])
    }
}
