//! The API: shapes, lists, access, idempotency, errors.

pub(crate) mod rig; // what the tests run on

mod api_tokens; // resources
mod application_filters;
mod applications;
mod attempts;
mod authentication;
mod broadcasts;
mod content;
mod background_tasks;
mod endpoints;
mod event_type_import;
mod event_types;
mod examples;
mod headers;
mod messages;
mod sending;
mod stats;

mod access; // what holds for all of them
mod bad_input;
mod bad_paths;
mod errors;
mod capabilities;
mod feature_flags;
mod idempotency;
mod limits;
mod lists;
mod malformed;
mod server;
