//! The page's style sheet, script and icon, under names that change with their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::pages::html::{Frame, Notice, page};

/// What pages refer to.
pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) icon: Asset,
}

/// A file that is part of the program.
pub(super) struct Asset {
    /// Its path below `/static/`, with a hash of its content.
    pub(super) name: String,
    etag: String,
    content_type: &'static str,
    content: &'static [u8],
}

/// The files, named when they are first asked for.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("page", "css", "text/css; charset=utf-8", include_bytes!("../../static/page.css")),
    script: Asset::new(
        "live",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../static/live.js"),
    ),
    icon: Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../static/icon.svg")),
});

/// Answers with a file, which browsers may keep: other content has another name.
pub(super) async fn serve(name: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    let assets = [&ASSETS.style, &ASSETS.script, &ASSETS.icon];
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    let Some(asset) = assets.into_iter().find(|asset| asset.name == name) else {
        let notice = Notice {
            frame: Frame::public(),
            title: "Nothing here",
            text: "There is no such file. A page that is open since before an update asks for older ones: load it again.",
        };
        return page(StatusCode::NOT_FOUND, &notice);
    };
    let kept = [
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (ETAG, asset.etag.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == asset.etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(CONTENT_TYPE, asset.content_type)], asset.content).into_response()
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, content: &'static [u8]) -> Asset {
        let digest: [u8; 32] = Sha256::digest(content).into();
        let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let etag = format!("\"{hash}\"");
        Asset { name: format!("{stem}.{hash}.{extension}"), etag, content_type, content }
    }
}
