//! What the server tells about itself: its log, and the metrics of its requests.

mod http;
mod log;

pub(crate) use self::http::HttpMeasures;
pub use self::log::{LogFormat, init};
