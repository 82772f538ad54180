//! The words of the house and what is decided about them: pure values, no I/O, no clock, no async.

pub mod application; // what is configured
pub mod capability;
pub mod confirm_url;
pub mod confirmation;
pub mod endpoint;
pub mod endpoint_edit;
pub mod event_filter;
pub mod event_registry;
pub mod event_type;
pub mod event_type_place;
pub mod payload_format;
pub mod owner;
pub mod source;
pub mod ticket;
pub mod token;

pub mod attempt; // what happens
pub mod broadcast;
pub mod delivery;
pub mod event;
pub mod inbound;
pub mod message;
pub mod operational;
pub(crate) mod owner_field;
pub mod payload_schema;
mod schema_cost; // and what they may cost
pub mod schedule;
pub mod selection;
pub mod task;

pub mod breaker; // what is decided
#[cfg_attr(not(any(feature = "postgres", test)), expect(dead_code, reason = "SQLite keeps nothing by day"))]
pub(crate) mod day;
pub mod health;
pub mod hold;
pub mod lease;
pub mod notable;
pub mod rate;
pub mod redacted_query;
pub mod redaction;
pub mod retry;

pub mod ids; // what all of them are made of
pub mod json_pointer;
pub mod names;
pub mod page;
pub mod short_ids;
pub mod time;

#[cfg(test)]
mod lease_model; // what cannot go wrong with leases
