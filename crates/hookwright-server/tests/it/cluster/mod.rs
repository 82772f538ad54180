//! Real nodes on one PostgreSQL database, and what becomes of messages when nodes and the database go.

mod coherence; // what one node changes the others honour
#[allow(dead_code)] // until the tests that send much are merged
mod nodes; // what the tests drive
