//! One layer around everything: gives requests an id, catches panics, writes the access log and counts.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderValue, Method, StatusCode};
use tower::{Layer, Service};

use crate::api::error::{ApiError, Cause};
use crate::middleware::request_id::{REQUEST_ID, RequestIds};
use crate::telemetry::HttpMeasures;

/// The layer; see the module.
#[derive(Clone)]
pub(crate) struct Observe {
    shared: Arc<Shared>,
}

struct Shared {
    ids: RequestIds,
    measures: HttpMeasures,
}

impl Observe {
    pub(crate) fn new() -> Observe {
        Observe { shared: Arc::new(Shared { ids: RequestIds::new(), measures: HttpMeasures::new() }) }
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { shared: Arc::clone(&self.shared), inner }
    }
}

/// A service with the layer around it.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let started = Instant::now();
        let shared = Arc::clone(&self.shared);
        let exchange = Exchange {
            id: shared.ids.of(request.headers()),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(Ok(response)) => response,
                Err(_) => ApiError::panicked().into_response(),
            };
            let took = started.elapsed();
            let cause = response.extensions_mut().remove::<Cause>();
            if response.status() == StatusCode::INTERNAL_SERVER_ERROR && cause.is_some() {
                response = ApiError::internal_answer(exchange.id());
            }
            let route = exchange.route.as_ref().map(MatchedPath::as_str);
            shared.measures.answered(route, &exchange.method, response.status(), took);
            exchange.log(response.status(), took, cause);
            response.headers_mut().insert(REQUEST_ID, exchange.id);
            Ok(response)
        })
    }
}

/// What is remembered of a request until it is answered. Its query, headers and body may hold secrets, so they are not.
struct Exchange {
    id: HeaderValue,
    method: Method,
    route: Option<MatchedPath>,
}

impl Exchange {
    fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    fn log(&self, status: StatusCode, took: Duration, cause: Option<Cause>) {
        let (id, method) = (self.id(), self.method.as_str());
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        let (code, duration_us) = (status.as_u16(), took.as_micros());
        if status.is_server_error() {
            let cause = cause.map(|cause| cause.to_string()).unwrap_or_default();
            tracing::warn!(
                request.id = id,
                http.method = method,
                http.route = route,
                http.status = code,
                duration_us,
                error = cause,
                "answered {method} {route} with {code}"
            );
        } else if status.is_client_error() {
            tracing::info!(
                request.id = id,
                http.method = method,
                http.route = route,
                http.status = code,
                duration_us,
                "answered {method} {route} with {code}"
            );
        } else {
            tracing::debug!(
                request.id = id,
                http.method = method,
                http.route = route,
                http.status = code,
                duration_us,
                "answered {method} {route} with {code}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt;

    use super::*;

    async fn panics() -> StatusCode {
        panic!("a secret that is in a panic's message")
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_500_and_the_request_id_and_nothing_of_the_cause() {
        let mut router = Router::new().route("/", get(panics)).layer(Observe::new());
        let request = Request::builder().header(REQUEST_ID, "id-1").body(Body::empty()).unwrap();
        let response = router.call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[REQUEST_ID], "id-1");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(
            body.contains("internal_error") && body.contains("id-1") && !body.contains("secret"),
            "{body}"
        );
    }
}
