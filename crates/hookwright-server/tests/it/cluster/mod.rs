//! Real nodes on one PostgreSQL database, and what becomes of messages when nodes and the database go.

mod nodes; // what the tests drive
mod outage; // nodes are killed and stopped, and the database goes
