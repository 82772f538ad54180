//! Tests of the server over real HTTP, on a real SQLite file.

mod api;
