//! Turns templates into answers, with the headers that keep a browser from doing anything else with them.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use hookwright::Error;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use tracing::{error, warn};

use crate::pages::assets::{ASSETS, Assets};

/// Scripts and styles come from our own files alone, so markup that should get through the escaping could do nothing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Other sites are told nothing. Not `no-referrer`: with that browsers post our own forms with `origin: null`, and over
/// plain http, where they send no `sec-fetch-site`, we could not tell them from another site's.
const REFERRERS: &str = "same-origin";

/// What all pages are laid out with.
pub(super) struct Frame {
    pub(super) assets: &'static Assets,
    /// Whether to offer signing out.
    pub(super) signed_in: bool,
}

impl Frame {
    /// The frame of a page for those who are signed in.
    pub(super) fn signed_in() -> Frame {
        Frame { assets: &ASSETS, signed_in: true }
    }

    /// The frame of a page for anybody.
    pub(super) fn public() -> Frame {
        Frame { assets: &ASSETS, signed_in: false }
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct Notice {
    pub(super) frame: Frame,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// Says that the database cannot be asked, or written, right now.
pub(super) fn unavailable(cause: &Error) -> Response {
    warn!(error = %cause, "a page could not be made");
    let text = "The database cannot be used right now, so nothing was shown or done. Try again in a moment.";
    page(StatusCode::SERVICE_UNAVAILABLE, &Notice { frame: Frame::public(), title: "Not right now", text })
}

/// Answers with a page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, REFERRERS),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    match template.render() {
        Ok(html) => {
            let mut response = (status, headers, Html(html)).into_response();
            if status == StatusCode::SERVICE_UNAVAILABLE {
                // What stands between knows then that it is worth another try.
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
        Err(cause) => {
            error!(error = %cause, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, headers, "This page cannot be shown.").into_response()
        }
    }
}
