//! The log: one line for each event on standard error, for people or as JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged when nobody says: what an operator may want to act on.
const DEFAULT_FILTER: &str = "info";

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Starts the log; `filter` is in the form of `RUST_LOG`, such as `info,hookwright=debug`.
///
/// Does nothing if a log was started before.
///
/// # Errors
///
/// If `filter` cannot be read.
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::builder().parse(filter.unwrap_or(DEFAULT_FILTER))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It fails only if there is a log already, which then stays.
    let _ = match format {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    };
    Ok(())
}
