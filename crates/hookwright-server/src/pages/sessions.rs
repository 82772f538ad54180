//! Who is signed in: a cookie with a random secret, good for twelve hours or until one signs out.

use std::time::Duration;

use axum::extract::{Extension, FromRequestParts};
use axum::response::{IntoResponse as _, Redirect, Response};
use hookwright::domain::ids::OrganisationId;
use hookwright::domain::time::Timestamp;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use crate::pages::Pages;
use crate::pages::tickets::Tickets;
use crate::server::AppState;

/// From signing in, however much the page is used.
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// So many are signed in at a time; a further one signs the oldest out.
const SESSIONS_MAX: usize = 256;

/// The sessions of this node. They end with the process.
pub(super) struct Sessions(Tickets<OrganisationId>);

impl Sessions {
    pub(super) fn new() -> Sessions {
        Sessions(Tickets::new(SESSION_LIFETIME, SESSIONS_MAX))
    }

    /// Begins a session; the value for `set-cookie`, or `None` if the operating system gave no random bytes.
    pub(super) fn begin(
        &self,
        organisation: OrganisationId,
        public_url: &Url,
        now: Timestamp,
    ) -> Option<Zeroizing<String>> {
        let secret = self.0.issue(organisation, now)?;
        Some(cookie(public_url, &secret, SESSION_LIFETIME))
    }

    /// Ends a session; the value for `set-cookie` that makes the browser forget it.
    pub(super) fn end(&self, secret: &str, public_url: &Url, now: Timestamp) -> Zeroizing<String> {
        self.0.take(secret, now);
        cookie(public_url, "", Duration::ZERO)
    }

    /// Whether the session is still good.
    pub(super) fn is_good(&self, signed_in: &SignedIn, now: Timestamp) -> bool {
        self.0.find(&signed_in.secret, now).is_some()
    }
}

/// The session that a request comes with. Pages send those without one to sign in.
pub(super) struct SignedIn {
    pub(super) organisation: OrganisationId,
    pub(super) secret: Zeroizing<String>,
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<SignedIn, Response> {
        let Ok(Extension(pages)) = Extension::<Pages>::from_request_parts(parts, state).await else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let secret = secret_in(&parts.headers, &cookie_name(&state.options.public_url));
        let found = secret.and_then(|secret| {
            let organisation = pages.sessions.0.find(&secret, state.hooks.clock().now())?;
            Some(SignedIn { organisation, secret })
        });
        found.ok_or_else(|| Redirect::to("/login").into_response())
    }
}

/// With `https` the prefix `__Host-` keeps other hosts of the domain from setting the cookie (RFC 6265bis, section
/// 4.1.3.2). Without, servers on one machine share their cookies whatever their port, so it is part of the name.
fn cookie_name(public_url: &Url) -> String {
    match (public_url.scheme(), public_url.port_or_known_default()) {
        ("https", _) => "__Host-hookwright".to_owned(),
        (_, port) => format!("hookwright_{}", port.unwrap_or_default()),
    }
}

fn cookie(public_url: &Url, secret: &str, lifetime: Duration) -> Zeroizing<String> {
    let name = cookie_name(public_url);
    let secure = if public_url.scheme() == "https" { "; Secure" } else { "" };
    let seconds = lifetime.as_secs();
    Zeroizing::new(format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"))
}

fn secret_in(headers: &HeaderMap, name: &str) -> Option<Zeroizing<String>> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, secret)| Zeroizing::new(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_cookie_is_bound_to_its_host_as_far_as_the_scheme_allows() {
        let https = Url::parse("https://hooks.example.com/").unwrap();
        let http = Url::parse("http://127.0.0.1:8071/").unwrap();
        assert_eq!(
            cookie(&https, "x", Duration::from_secs(9)).as_str(),
            "__Host-hookwright=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            cookie(&http, "x", Duration::from_secs(9)).as_str(),
            "hookwright_8071=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("nhookwright_1=a; hookwright_11=b;;=; c"));
        headers.append(COOKIE, HeaderValue::from_static("x=y; hookwright_1=d"));
        assert_eq!(secret_in(&headers, "hookwright_1").as_deref().map(String::as_str), Some("d"));
        assert!(secret_in(&headers, "hookwright").is_none());
    }
}
