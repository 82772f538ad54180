//! Three ways to say who is calling: `?username=…&api_key=…`, `Authorization: ApiKey <username>:<key>`, and
//! `Authorization: Bearer <token>`.

use hookwright::domain::capability::Capability;
use hookwright::domain::ids::ApplicationId;
use hookwright::domain::token::has_token_form;
use hookwright::hooks::ApplicationRef;
use hookwright::{Error, Hooks};
use hookwright_axum::{Authenticate, Parts, Refusal, User};
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::verify::Verifier;
use crate::auth::{Auth, Caller};

const MISSING: &str = "Authentication credentials were not provided. Send ?username=…&api_key=…, or the header \
                       \"Authorization: ApiKey <username>:<key>\" or \"Authorization: Bearer <token>\".";
const WRONG: &str = "The username and the key do not belong together, or are not known here.";
const WRONG_TOKEN: &str = "The token is not known here, has expired or was revoked.";
const NOBODY: &str = "This token is one of the whole organisation, and a hook belongs to one user. Use a token of the user's application.";

/// Tells the user from a request.
pub(super) struct Credentials {
    pub(super) hooks: Hooks,
    pub(super) auth: Auth,
    pub(super) verifier: Option<Verifier>,
}

/// What a request has to show.
enum Shown {
    Named { username: String, key: Zeroizing<String> },
    Bearer(Zeroizing<String>),
}

impl Authenticate for Credentials {
    async fn authenticate(&self, parts: Parts) -> Result<User, Refusal> {
        match shown(&parts).ok_or_else(|| Refusal::unauthenticated(MISSING))? {
            Shown::Named { username, key } => self.named(&username, &key).await,
            Shown::Bearer(token) => match self.recognise(&token).await? {
                None => Err(Refusal::unauthenticated(WRONG_TOKEN)),
                Some(caller) => match caller.tenant() {
                    None => Err(Refusal::unauthenticated(NOBODY)),
                    Some(application) => user(&caller, application),
                },
            },
        }
    }
}

impl Credentials {
    /// The user of this name, if the key is one of theirs: another's key under one's name is as good as none.
    async fn named(&self, username: &str, key: &str) -> Result<User, Refusal> {
        if let Some(caller) = self.recognise(key).await? {
            let Some(application) = caller.tenant() else { return Err(Refusal::unauthenticated(NOBODY)) };
            let named = ApplicationRef::parse(username).map_err(|_| Refusal::unauthenticated(WRONG))?;
            return match self.hooks.application_get(caller.organisation(), &named).await {
                Ok(found) if found.id == application => user(&caller, application),
                Ok(_) | Err(Error::NotFound(_)) => Err(Refusal::unauthenticated(WRONG)),
                Err(error) => Err(unavailable(&error)),
            };
        }
        // One of ours that is good no longer is nobody else's.
        let foreign = self.verifier.as_ref().filter(|_| !has_token_form(key));
        let Some(verifier) = foreign else { return Err(Refusal::unauthenticated(WRONG)) };
        match verifier.verify(username, key).await {
            Ok(Some(uid)) => Ok(User::new(self.hooks.default_organisation(), uid)),
            Ok(None) => Err(Refusal::unauthenticated(WRONG)),
            Err(error) => {
                tracing::error!(%error, "a user's key could not be verified with the product");
                Err(Refusal::unavailable("Your key cannot be verified right now. Try again."))
            }
        }
    }

    async fn recognise(&self, token: &str) -> Result<Option<Caller>, Refusal> {
        self.auth.recognise(token).await.map_err(|error| unavailable(&error))
    }
}

/// The user that a token of an application stands for, with what the token may do.
fn user(caller: &Caller, application: ApplicationId) -> Result<User, Refusal> {
    if !caller.capabilities().allow(Capability::ViewBase) {
        return Err(Refusal::forbidden("This token may not look at hooks."));
    }
    let user = User::of_application(caller.organisation(), application).with_feature_flags(caller.flags());
    Ok(if caller.capabilities().allow(Capability::ManageEndpoint) { user } else { user.read_only() })
}

fn unavailable(error: &Error) -> Refusal {
    tracing::warn!(%error, "a user's key could not be looked up");
    Refusal::unavailable("Your key cannot be looked up right now. Try again.")
}

/// What the request shows: its header counts before its query.
fn shown(parts: &Parts) -> Option<Shown> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, value)) = header.and_then(|value| value.split_once(' ')) {
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") && !value.is_empty() {
            return Some(Shown::Bearer(Zeroizing::new(value.to_owned())));
        }
        if scheme.eq_ignore_ascii_case("apikey") {
            let (username, key) = value.split_once(':')?;
            return named(username.to_owned(), Zeroizing::new(key.to_owned()));
        }
    }
    let (mut username, mut key) = (String::new(), Zeroizing::new(String::new()));
    for (name, value) in url::form_urlencoded::parse(parts.uri.query()?.as_bytes()) {
        match name.as_ref() {
            "username" => username = value.into_owned(),
            "api_key" => key = Zeroizing::new(value.into_owned()),
            _ => {}
        }
    }
    named(username, key)
}

fn named(username: String, key: Zeroizing<String>) -> Option<Shown> {
    (!username.is_empty() && !key.is_empty()).then_some(Shown::Named { username, key })
}
