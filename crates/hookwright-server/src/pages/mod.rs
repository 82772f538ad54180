//! The page for people: the last messages of an organisation, their attempts, and what went wrong, in words.
//!
//! Everything is rendered here on the server and works without JavaScript; `static/live.js` only swaps in newer rows.
//! Who may see it: those who opened a one-time link from the server's terminal, or gave an organisation's token.

mod home; // what one sees
mod live;
mod login;
mod portal;

mod board; // where it comes from
mod row;
mod text;
mod times;

mod links; // who may see it
mod origin;
mod sessions;

mod assets; // what it is made with
mod html;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::pages::board::Boards;
use crate::pages::live::Slots;
use crate::server::AppState;

pub use links::login_link;

/// A token and what surrounds it in a form, in bytes; nothing else is ever posted here.
const FORM_MAX: usize = 16 * 1024;

/// The page at `/`, what it is made of, and the way in and out.
pub(crate) fn routes() -> Router<AppState> {
    let pages = Pages(Arc::new(Shared { boards: Boards::default(), slots: Slots::new() }));
    Router::new()
        .route("/", get(home::show))
        .route("/live", get(live::stream))
        .route("/login", get(login::form).post(login::with_token))
        .route("/login/{secret}", get(login::link).post(login::with_link))
        .route("/logout", post(login::out))
        .route("/app-portal/{application}", get(portal::show))
        .route("/static/{name}", get(assets::serve))
        .layer(DefaultBodyLimit::max(FORM_MAX))
        .layer(Extension(pages))
}

/// What the handlers share beside the server's own state.
#[derive(Clone)]
struct Pages(Arc<Shared>);

struct Shared {
    boards: Boards,
    slots: Slots,
}

impl std::ops::Deref for Pages {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
