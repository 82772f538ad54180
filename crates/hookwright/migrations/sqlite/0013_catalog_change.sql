-- SQLite has one node, which knows what it has changed.
SELECT 1;
