//! For a server whose token everybody knows: only those who call this machine by its own name get in.
//!
//! A page on the web can have its own host name lead to this machine, and a browser then lets it talk to whatever listens here
//! as if it came from there (DNS rebinding). The name it used stands in the request.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::HOST;

use crate::api::error::ApiError;
use crate::inbound;

/// Refuses requests to any other name than this machine's own, with 421 (RFC 9110, section 15.5.20).
pub(crate) async fn only_this_machine(request: Request, next: Next) -> Response {
    // A name that is no text is not this machine's.
    let is_ours = request.headers().get(HOST).is_none_or(|host| host.to_str().is_ok_and(is_this_machine));
    // Where providers send, by way of a tunnel, the URL's own token decides.
    if is_ours || request.uri().path().starts_with(inbound::PREFIX) {
        return next.run(request).await;
    }
    let detail = "This server is for development on its own machine: call it as localhost or 127.0.0.1.";
    ApiError::new(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", detail).into_response()
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use tower::Service;

    use super::*;

    #[tokio::test]
    async fn a_name_that_is_no_text_is_not_let_in() {
        let mut router = Router::new().fallback(async || "in").layer(from_fn(only_this_machine));
        for (host, status) in [
            (&b"localhost:8071"[..], StatusCode::OK),
            (b"evil.example", StatusCode::MISDIRECTED_REQUEST),
            (b"localhost\xff", StatusCode::MISDIRECTED_REQUEST),
        ] {
            let request = Request::builder().header(HOST, host).body(Body::empty()).unwrap();
            assert_eq!(router.call(request).await.unwrap().status(), status, "{host:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_let_in() {
        for host in ["localhost", "LOCALHOST:8071", "127.0.0.1:8071", "127.0.0.2", "[::1]:8071", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8071", "10.0.0.1", "127.0.0.1.nip.io", "", "::1"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
