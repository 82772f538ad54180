-- Whether payloads of an event type are checked against its newest schema when they are sent.
ALTER TABLE event_type ADD COLUMN validated INTEGER NOT NULL DEFAULT 0 CHECK (validated IN (0, 1));
