//! Where the links for an application's customers lead: for now, to a page that says that there is nothing yet.

use axum::response::Response;
use http::StatusCode;

use crate::pages::html::{Frame, Notice, page};

/// Says that the portal is not there yet, whoever asks and for whichever application.
pub(super) async fn show() -> Response {
    let notice = Notice {
        frame: Frame::public(),
        title: "The portal is not there yet",
        text: "Here you will look after your webhooks. Until then, whoever sent you here can set them up for you.",
    };
    page(StatusCode::OK, &notice)
}
