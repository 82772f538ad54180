//! The metrics of requests: how many, how they were answered, how long they took.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Counter, Histogram, Unit};

/// The label of requests that no route takes.
const NO_ROUTE: &str = "none";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counts requests by route template, method and class of the answer. Handles are looked up once and held.
pub(crate) struct HttpMeasures {
    routes: RwLock<HashMap<Box<str>, ByMethod>>,
}

/// What a route counts, by the place of the method in [`METHODS`].
type ByMethod = [Option<Arc<RouteMeasures>>; METHODS.len()];

struct RouteMeasures {
    answers: [Counter; CLASSES.len()],
    seconds: Histogram,
}

/// Methods with a label of their own; callers can make up others without end.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "other"];

impl HttpMeasures {
    pub(crate) fn new() -> HttpMeasures {
        metrics::describe_counter!(
            "hookwright_http_requests_total",
            Unit::Count,
            "Requests answered, by route, method and class of the status code."
        );
        metrics::describe_histogram!(
            "hookwright_http_request_seconds",
            Unit::Seconds,
            "From the head of a request to the head of its answer, by route and method."
        );
        HttpMeasures { routes: RwLock::default() }
    }

    /// Counts a request on the route with this template that was answered with `status` after `took`.
    pub(crate) fn answered(&self, route: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let route = route.map_or(NO_ROUTE, |template| template.strip_suffix('/').unwrap_or(template));
        let measures = self.of(route, method);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        measures.answers[class].increment(1);
        measures.seconds.record(took);
    }

    fn of(&self, route: &str, method: &Method) -> Arc<RouteMeasures> {
        let index = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(measures) = known.get(route).and_then(|methods| methods[index].clone()) {
            return measures;
        }
        drop(known);
        let made = Arc::new(RouteMeasures::new(route, METHODS[index]));
        let mut known = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(route.into()).or_default()[index] = Some(Arc::clone(&made));
        made
    }
}

impl RouteMeasures {
    fn new(route: &str, method: &'static str) -> RouteMeasures {
        let counter = |class: &'static str| {
            metrics::counter!(
                "hookwright_http_requests_total",
                "route" => route.to_owned(), "method" => method, "class" => class
            )
        };
        let seconds = metrics::histogram!(
            "hookwright_http_request_seconds", "route" => route.to_owned(), "method" => method
        );
        RouteMeasures { answers: CLASSES.map(counter), seconds }
    }
}
