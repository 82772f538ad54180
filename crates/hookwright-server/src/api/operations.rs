//! The operations of a resource: each is routed where its documentation says it is.

use axum::routing::MethodRouter;
use axum::{Extension, Router};
use utoipa::Path;

use crate::api::query::KnownNames;
use crate::server::AppState;

/// Routes, with the methods and paths they were documented at.
pub(super) struct Operations {
    pub(super) router: Router<AppState>,
    /// Method and path of each.
    pub(super) served: Vec<(&'static str, String)>,
}

impl Operations {
    pub(super) fn new() -> Operations {
        Operations { router: Router::new(), served: Vec::new() }
    }

    /// Adds the operation that `P` documents, which `handler` does; with and without a slash at the end.
    pub(super) fn add<P: Path>(mut self, handler: MethodRouter<AppState>) -> Operations {
        let path = P::path();
        let handler = handler.route_layer(Extension(KnownNames::of(&P::operation())));
        self.router = self.router.route(&path, handler.clone()).route(&format!("{path}/"), handler);
        self.served.extend(P::methods().iter().map(|method| (word(method), path.clone())));
        self
    }

    /// These operations and those.
    pub(super) fn merge(mut self, others: Operations) -> Operations {
        self.router = self.router.merge(others.router);
        self.served.extend(others.served);
        self
    }
}

fn word(method: &utoipa::openapi::HttpMethod) -> &'static str {
    use utoipa::openapi::HttpMethod;
    match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Patch => "patch",
        HttpMethod::Delete => "delete",
        HttpMethod::Head => "head",
        HttpMethod::Options => "options",
        HttpMethod::Trace => "trace",
    }
}
