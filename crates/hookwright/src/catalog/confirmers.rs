//! What a product says of the requests to its sources itself: whether they are true.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::inbound::ReceivedRequest;
use crate::domain::short_ids::SourceId;

/// Why a product could not say.
type Unsaid = Box<dyn std::error::Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<bool, Unsaid>> + Send>>;
/// Says whether a request is true; an error is no answer.
#[derive(Clone)]
pub(crate) struct Confirmer(Arc<dyn Fn(ReceivedRequest) -> Answer + Send + Sync>);

/// The product's own ways to confirm, by source.
#[derive(Default)]
pub(crate) struct Confirmers(RwLock<HashMap<SourceId, Confirmer>>);

impl Confirmer {
    pub(crate) fn new<F, E>(confirm: impl Fn(ReceivedRequest) -> F + Send + Sync + 'static) -> Confirmer
    where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: Into<Unsaid>,
    {
        Confirmer(Arc::new(move |request| {
            let said = confirm(request);
            Box::pin(async move { said.await.map_err(Into::into) })
        }))
    }

    pub(crate) fn ask(&self, request: ReceivedRequest) -> Answer {
        self.0(request)
    }
}

impl Confirmers {
    pub(crate) fn set(&self, source: SourceId, confirmer: Confirmer) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(source, confirmer);
    }

    pub(crate) fn get(&self, source: SourceId) -> Option<Confirmer> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Nobody has any, mostly.
        if all.is_empty() { None } else { all.get(&source).cloned() }
    }
}

impl fmt::Debug for Confirmer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmer(…)")
    }
}

impl fmt::Debug for Confirmers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmers(…)")
    }
}
