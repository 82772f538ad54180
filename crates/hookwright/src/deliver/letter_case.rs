//! Sends the names of an endpoint's headers in the case they were given in, as some receivers that are no full HTTP servers need.
//!
//! hyper writes a name in another case than lower only where a message that it parsed itself had it so. So it is given a
//! head with these names to parse, and what it remembered of them goes along with the request.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use crate::domain::endpoint::Header;

/// What makes hyper send the names of these headers as they are; nothing if they are in lower case anyway.
pub(super) async fn of(headers: &[Header]) -> Extensions {
    let mut head = String::from("POST / HTTP/1.1\r\n");
    for header in headers.iter().filter(|header| header.name.bytes().any(|byte| byte.is_ascii_uppercase())) {
        head.push_str(&header.name);
        head.push_str(":\r\n");
    }
    if !head.contains(":\r\n") {
        return Extensions::new();
    }
    head.push_str("connection:close\r\n\r\n");
    parsed(head.as_bytes()).await
}

/// What hyper remembers of a head beside its headers.
async fn parsed(head: &[u8]) -> Extensions {
    let remembered = Mutex::new(Extensions::new());
    let (mut near, far) = tokio::io::duplex(head.len());
    // It holds all of the head, so this does not wait.
    if near.write_all(head).await.is_ok() {
        let keep = service_fn(|request: Request<Incoming>| {
            *remembered.lock().unwrap_or_else(PoisonError::into_inner) = request.into_parts().0.extensions;
            std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
        });
        let connection =
            http1::Builder::new().preserve_header_case(true).serve_connection(TokioIo::new(far), keep);
        // Nobody reads the answer, so whether it can be written does not matter.
        drop(near);
        let _ = connection.await;
    }
    remembered.into_inner().unwrap_or_else(PoisonError::into_inner)
}
