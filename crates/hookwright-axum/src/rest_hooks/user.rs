//! Who is calling, as the product or the server says.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use hookwright::domain::ids::{ApplicationId, OrganisationId};
use hookwright::domain::names::{FeatureFlag, Uid};
use hookwright::hooks::ApplicationRef;
use http::request::Parts;

use super::Shared;
use super::problem::Problem;

/// Tells who sent a request. A closure or function from [`Parts`] to a future does.
pub trait Authenticate: Send + Sync + 'static {
    /// Who sent the request with this head.
    fn authenticate(&self, parts: Parts) -> impl Future<Output = Result<User, Refusal>> + Send;
}

impl<F, O> Authenticate for F
where
    F: Fn(Parts) -> O + Send + Sync + 'static,
    O: Future<Output = Result<User, Refusal>> + Send,
{
    fn authenticate(&self, parts: Parts) -> impl Future<Output = Result<User, Refusal>> + Send {
        self(parts)
    }
}

/// Whose hooks a request is about, and what it may do with them.
#[derive(Debug, Clone)]
pub struct User {
    pub(super) organisation: OrganisationId,
    pub(super) application: ApplicationRef,
    read_only: bool,
    /// Sees event types behind these flags alone; `None`: all.
    feature_flags: Option<Arc<[FeatureFlag]>>,
}

impl User {
    /// The user that the product calls `uid`; it need not have hooks yet.
    pub fn new(organisation: OrganisationId, uid: Uid) -> User {
        User::of(organisation, ApplicationRef::Uid(uid))
    }

    /// The user whose application this is.
    pub fn of_application(organisation: OrganisationId, application: ApplicationId) -> User {
        User::of(organisation, ApplicationRef::Id(application))
    }

    fn of(organisation: OrganisationId, application: ApplicationRef) -> User {
        User { organisation, application, read_only: false, feature_flags: None }
    }

    /// The same, who may look at hooks and not change them.
    #[must_use]
    pub fn read_only(self) -> User {
        User { read_only: true, ..self }
    }

    /// The same, who does not see event types that have flags of which none is among these.
    #[must_use]
    pub fn with_feature_flags(self, flags: impl Into<Arc<[FeatureFlag]>>) -> User {
        User { feature_flags: Some(flags.into()), ..self }
    }

    /// Whether event types with these flags are shown to the user.
    pub(super) fn sees(&self, flags: &[FeatureFlag]) -> bool {
        let held = self.feature_flags.as_deref();
        flags.is_empty() || held.is_none_or(|held| flags.iter().any(|flag| held.contains(flag)))
    }
}

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub(super) kind: RefusalKind,
    pub(super) detail: Cow<'static, str>,
}

/// What kind of answer tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalKind {
    Unauthenticated,
    Forbidden,
    Unavailable,
}

impl Refusal {
    /// It is not known who is calling: 401. `detail` is a sentence that the caller reads.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { kind: RefusalKind::Unauthenticated, detail: detail.into() }
    }

    /// It is known, and may not: 403.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { kind: RefusalKind::Forbidden, detail: detail.into() }
    }

    /// It cannot be told right now: 503.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { kind: RefusalKind::Unavailable, detail: detail.into() }
    }
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Read,
    Change,
}

impl<A: Authenticate> Shared<A> {
    /// The user who sent the request with this head, if it may do what it wants.
    pub(super) async fn admit(&self, parts: Parts, wanted: Right) -> Result<User, Problem> {
        let user = self.authenticate.authenticate(parts).await?;
        if user.read_only && wanted == Right::Change {
            return Err(Problem::from(Refusal::forbidden(
                "This token may look at hooks, and not change them.",
            )));
        }
        Ok(user)
    }
}
