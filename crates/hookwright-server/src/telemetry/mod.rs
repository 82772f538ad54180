//! What operators see of requests in numbers; the engine counts messages and attempts itself.

mod http;

pub(crate) use http::HttpMeasures;
