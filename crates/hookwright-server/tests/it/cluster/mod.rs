//! Real nodes on one PostgreSQL database, and what becomes of messages when nodes and the database go.

mod coherence; // what one node changes the others honour
mod leases; // what one node does not deliver others do
mod gone; // what is answered meanwhile
mod guide; // what the guide says to do
mod nodes; // what the tests drive
mod expanding; // a newer program changes the schema under them
mod outage; // nodes are killed and stopped, and the database goes
mod pages; // one is signed in on all nodes
mod reaching; // how a server is reached
