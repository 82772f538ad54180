//! Who is signed in: a cookie with a random secret, good for twelve hours or until one signs out, on any node.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use hookwright::domain::ids::OrganisationId;
use hookwright::domain::ticket::TicketKind;
use hookwright::{Error, Hooks};
use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;
use url::Url;
use zeroize::Zeroizing;

use crate::pages::html;
use crate::server::AppState;

/// The session that a request comes with. Pages send those without one to sign in.
pub(super) struct SignedIn {
    pub(super) organisation: OrganisationId,
    secret: Zeroizing<String>,
}

/// Why a request comes with no session.
pub(super) enum NotSignedIn {
    /// It has none that is good.
    Nobody,
    /// It has one, and the database does not say whether it is good.
    Unknown(Error),
}

impl SignedIn {
    /// Whether the session is still good.
    pub(super) async fn is_still(&self, hooks: &Hooks) -> Result<bool, Error> {
        Ok(hooks.ticket_find(TicketKind::Session, &self.secret).await?.is_some())
    }

    /// Ends the session, on all nodes.
    pub(super) async fn end(&self, hooks: &Hooks) -> Result<(), Error> {
        hooks.ticket_end(TicketKind::Session, &self.secret).await
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<SignedIn, NotSignedIn> {
        let secret = secret_in(&parts.headers, &cookie_name(&state.options.public_url));
        let secret = secret.ok_or(NotSignedIn::Nobody)?;
        match state.hooks.ticket_find(TicketKind::Session, &secret).await {
            Ok(Some(organisation)) => Ok(SignedIn { organisation, secret }),
            Ok(None) => Err(NotSignedIn::Nobody),
            Err(cause) => Err(NotSignedIn::Unknown(cause)),
        }
    }
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            NotSignedIn::Nobody => Redirect::to("/login").into_response(),
            NotSignedIn::Unknown(cause) => html::unavailable(&cause),
        }
    }
}

/// The value for `set-cookie` that begins the session with this secret in a browser.
pub(super) fn cookie(public_url: &Url, secret: &str) -> Zeroizing<String> {
    set_cookie(public_url, secret, TicketKind::Session.lifetime().as_secs())
}

/// The value for `set-cookie` that makes a browser forget its session.
pub(super) fn no_cookie(public_url: &Url) -> Zeroizing<String> {
    set_cookie(public_url, "", 0)
}

/// With `https` the prefix `__Host-` keeps other hosts of the domain from setting the cookie (RFC 6265bis, section
/// 4.1.3.2). Without, servers on one machine share their cookies whatever their port, so it is part of the name.
fn cookie_name(public_url: &Url) -> String {
    match (public_url.scheme(), public_url.port_or_known_default()) {
        ("https", _) => "__Host-hookwright".to_owned(),
        (_, port) => format!("hookwright_{}", port.unwrap_or_default()),
    }
}

fn set_cookie(public_url: &Url, secret: &str, seconds: u64) -> Zeroizing<String> {
    let name = cookie_name(public_url);
    let secure = if public_url.scheme() == "https" { "; Secure" } else { "" };
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
            set_cookie(&https, "x", 9).as_str(),
            "__Host-hookwright=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set_cookie(&http, "x", 9).as_str(),
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
