//! The way in, by a one-time link or a token, and the way out.

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Extension, Path, State};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use hookwright::domain::ids::OrganisationId;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::pages::Pages;
use crate::pages::html::{Frame, Notice, page};
use crate::pages::origin;
use crate::pages::sessions::SignedIn;
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
pub(super) async fn form(signed_in: Result<SignedIn, Response>) -> Response {
    match signed_in {
        Ok(_) => Redirect::to("/").into_response(),
        Err(_) => ask(StatusCode::OK, None),
    }
}

/// Signs in those who give an organisation's token.
pub(super) async fn with_token(
    State(state): State<AppState>,
    Extension(pages): Extension<Pages>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Response {
    if !origin::is_ours(&headers, &state.options.public_url) {
        return foreign();
    }
    let token = Zeroizing::new(form.map(|Form(form)| form.token).unwrap_or_default());
    match organisation_of(&state, token.trim()).await {
        Ok(Some(organisation)) => begin(&state, &pages, organisation),
        Ok(None) => ask(StatusCode::UNAUTHORIZED, Some(WRONG_TOKEN)),
        Err(unavailable) => unavailable,
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
    signed_in: Result<SignedIn, Response>,
) -> Response {
    if signed_in.is_ok() {
        return Redirect::to("/").into_response();
    }
    if state.options.login.is_good(text(&secret)) {
        page(StatusCode::OK, &LinkPage { frame: Frame::public() })
    } else {
        ask(StatusCode::GONE, Some(LINK_GONE))
    }
}

/// Signs in those who have a link, and uses it up.
pub(super) async fn with_link(
    State(state): State<AppState>,
    Extension(pages): Extension<Pages>,
    secret: Secret,
    headers: HeaderMap,
) -> Response {
    if !origin::is_ours(&headers, &state.options.public_url) {
        return foreign();
    }
    if state.options.login.redeem(text(&secret)) {
        begin(&state, &pages, state.hooks.default_organisation())
    } else {
        ask(StatusCode::GONE, Some(LINK_GONE))
    }
}

/// Signs out.
pub(super) async fn out(
    State(state): State<AppState>,
    Extension(pages): Extension<Pages>,
    headers: HeaderMap,
    signed_in: Result<SignedIn, Response>,
) -> Response {
    if !origin::is_ours(&headers, &state.options.public_url) {
        return foreign();
    }
    match signed_in {
        Ok(signed_in) => {
            let now = state.hooks.clock().now();
            with_cookie("/login", &pages.sessions.end(&signed_in.secret, &state.options.public_url, now))
        }
        Err(to_login) => to_login,
    }
}

/// The organisation that `token` opens; nothing if it opens none as a whole.
async fn organisation_of(state: &AppState, token: &str) -> Result<Option<OrganisationId>, Response> {
    match state.auth.recognise(token).await {
        Ok(caller) => Ok(caller.and_then(|caller| caller.whole_organisation())),
        Err(_) => Err(page(
            StatusCode::SERVICE_UNAVAILABLE,
            &Notice {
                frame: Frame::public(),
                title: "Not right now",
                text: "The database cannot be read right now. Go back and try again in a moment.",
            },
        )),
    }
}

fn begin(state: &AppState, pages: &Pages, organisation: OrganisationId) -> Response {
    match pages.sessions.begin(organisation, &state.options.public_url, state.hooks.clock().now()) {
        Some(cookie) => with_cookie("/", &cookie),
        None => page(
            StatusCode::SERVICE_UNAVAILABLE,
            &Notice {
                frame: Frame::public(),
                title: "Not right now",
                text: "The operating system gave no random bytes, so nobody can sign in. Try again in a moment.",
            },
        ),
    }
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
