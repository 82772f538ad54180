//! The way in, by a one-time link or a token, and the way out.

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use hookwright::domain::ticket::TicketKind;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::pages::html::{Frame, Notice, page, unavailable};
use crate::pages::origin;
use crate::pages::sessions::{NotSignedIn, SignedIn, cookie, no_cookie};
use crate::server::AppState;

/// One sentence for every token that does not open the page, so that nothing is learnt by trying.
const WRONG_TOKEN: &str = "This token does not open the page. It takes an organisation's token that has neither \
                           expired nor been revoked; an application's token, or one that only reads, is not enough.";
const LINK_GONE: &str = "This link has been used, or it is older than 15 minutes. Sign in with a token, or restart \
                         the server for a new link.";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
}

/// The secret in a one-time link; one that is no text is that of no link.
type Secret = Result<Path<String>, PathRejection>;

fn text(secret: &Secret) -> &str {
    secret.as_ref().map_or("", |Path(secret)| secret)
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct TokenForm {
    token: String,
}

/// Asks for a token.
pub(super) async fn form(signed_in: Result<SignedIn, NotSignedIn>) -> Response {
    match signed_in {
        Ok(_) => Redirect::to("/").into_response(),
        Err(NotSignedIn::Nobody) => ask(StatusCode::OK, None),
        Err(unknown) => unknown.into_response(),
    }
}

/// Signs in those who give an organisation's token.
pub(super) async fn with_token(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Response {
    if !origin::is_ours(&headers, &state.options.public_url) {
        return foreign();
    }
    let token = Zeroizing::new(form.map(|Form(form)| form.token).unwrap_or_default());
    let organisation = match state.auth.recognise(token.trim()).await {
        Ok(caller) => caller.and_then(|caller| caller.whole_organisation()),
        Err(cause) => return unavailable(&cause),
    };
    let Some(organisation) = organisation else {
        return ask(StatusCode::UNAUTHORIZED, Some(WRONG_TOKEN));
    };
    match state.hooks.ticket_issue(TicketKind::Session, organisation).await {
        Ok(secret) => begin(&state, &secret),
        Err(cause) => unavailable(&cause),
    }
}

/// Opens a one-time link.
///
/// The link is not used up by looking at it: what fetches links unasked (previews in chats and mails, a browser that
/// loads ahead) would leave the person who clicks with a dead one. The page it opens posts itself at once where scripts
/// run and the page is really looked at, so that a click simply works; else it has a button. Those who are signed in
/// already go on to the page, so that the second click on a link in the terminal works too.
pub(super) async fn link(
    State(state): State<AppState>,
    secret: Secret,
    signed_in: Result<SignedIn, NotSignedIn>,
) -> Response {
    match signed_in {
        Ok(_) => return Redirect::to("/").into_response(),
        Err(NotSignedIn::Nobody) => {}
        Err(unknown) => return unknown.into_response(),
    }
    match state.hooks.ticket_find(TicketKind::Link, text(&secret)).await {
        Ok(Some(_)) => page(StatusCode::OK, &LinkPage { frame: Frame::public() }),
        Ok(None) => ask(StatusCode::GONE, Some(LINK_GONE)),
        Err(cause) => unavailable(&cause),
    }
}

/// Signs in those who have a link, and uses it up.
pub(super) async fn with_link(State(state): State<AppState>, secret: Secret, headers: HeaderMap) -> Response {
    if !origin::is_ours(&headers, &state.options.public_url) {
        return foreign();
    }
    match state.hooks.ticket_redeem(text(&secret)).await {
        Ok(Some(session)) => begin(&state, &session),
        Ok(None) => ask(StatusCode::GONE, Some(LINK_GONE)),
        Err(cause) => unavailable(&cause),
    }
}

/// Signs out.
pub(super) async fn out(
    State(state): State<AppState>,
    headers: HeaderMap,
    signed_in: Result<SignedIn, NotSignedIn>,
) -> Response {
    if !origin::is_ours(&headers, &state.options.public_url) {
        return foreign();
    }
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(not) => return not.into_response(),
    };
    // The cookie stays until the session has ended: without it nobody could try that again.
    match signed_in.end(&state.hooks).await {
        Ok(()) => with_cookie("/login", &no_cookie(&state.options.public_url)),
        Err(cause) => unavailable(&cause),
    }
}

fn begin(state: &AppState, session: &str) -> Response {
    with_cookie("/", &cookie(&state.options.public_url, session))
}

fn with_cookie(to: &str, cookie: &str) -> Response {
    let Ok(mut value) = HeaderValue::from_str(cookie) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    value.set_sensitive(true);
    let headers = [(SET_COOKIE, value), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (AppendHeaders(headers), Redirect::to(to)).into_response()
}

fn ask(status: StatusCode, problem: Option<&'static str>) -> Response {
    page(status, &LoginPage { frame: Frame::public(), problem })
}

fn foreign() -> Response {
    page(
        StatusCode::FORBIDDEN,
        &Notice {
            frame: Frame::public(),
            title: "Sent from elsewhere",
            text: "This form was sent by another site, so nothing was done. Open this server's own page and try again.",
        },
    )
}
