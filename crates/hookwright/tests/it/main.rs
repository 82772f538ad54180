//! The engine through its public interface, with real receivers on loopback and a real database file.

#[cfg(test)]
mod rig; // an engine over a database of its own

#[cfg(test)]
mod embedding; // what a product calls
#[cfg(test)]
mod examples; // each of them, run
#[cfg(test)]
mod inbox; // what others send to a product
#[cfg(test)]
mod macros;
#[cfg(test)]
mod seams; // what a product puts in the place of parts
#[cfg(test)]
mod testing; // what a product's own tests see

#[cfg(test)]
mod broadcasting; // events for all applications
#[cfg(feature = "postgres")]
#[cfg(test)]
mod database_breaks; // at each message of a batch
#[cfg(feature = "postgres")]
#[cfg(test)]
mod days; // what PostgreSQL keeps by day
#[cfg(feature = "postgres")]
#[cfg(test)]
mod database_gone; // a server that goes away
#[cfg(test)]
mod delivery; // what arrives
#[cfg(test)]
mod disabling;
#[cfg(test)]
mod erasing; // applications that are deleted
#[cfg(test)]
mod expunging; // content that is removed
#[cfg(feature = "postgres")]
#[cfg(test)]
mod failing_on_nodes; // endpoints that several nodes call
#[cfg(test)]
mod faults; // what receivers do wrong
#[cfg(test)]
mod isolation; // limits, and endpoints that do not hurt each other
#[cfg(test)]
mod model; // random histories against a small model
#[cfg(feature = "postgres")]
#[cfg(test)]
mod nodes; // several on one database
#[cfg(test)]
mod overflow;
#[cfg(test)]
mod policy; // where deliveries may go
#[cfg(test)]
mod recovery; // what an engine takes up after another's end
#[cfg(test)]
mod retention; // what is too old
#[cfg(test)]
mod retries;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sending; // eventId, idempotency keys, callers that go away
#[cfg(test)]
mod starting_documents; // what they show in code
#[cfg(test)]
mod tasks; // many messages once more
#[cfg(test)]
mod telling; // the callback, and operational webhooks
#[cfg(test)]
mod tls;
