//! Real nodes on one PostgreSQL database, and what becomes of messages when nodes and the database go.

mod coherence; // what one node changes the others honour
mod leases; // what one node does not deliver others do
mod nodes; // what the tests drive
