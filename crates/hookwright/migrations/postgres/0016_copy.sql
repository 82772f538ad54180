-- Which request a key was claimed by, and which one a copy is a copy of; NULL for those of before. That request may have gone since.
ALTER TABLE inbound_key ADD COLUMN request BYTEA;
ALTER TABLE inbound ADD COLUMN copy_of BYTEA;
