-- Messages and attempts are kept by day from now on: the program makes partitions ahead, and drops those in which everything has
-- expired. What is in the default partition stays there until it goes row by row.

-- A message that goes with its day leaves its `eventId`, which is found by the message then.
CREATE INDEX message_event_id_message ON message_event_id (message);

-- Days that are dropped, and what is left of their messages elsewhere is still to be removed: ids from `first` on, below `past`.
CREATE TABLE day_gone (
    first BYTEA NOT NULL PRIMARY KEY,
    past BYTEA NOT NULL
);
