-- Whether payloads of an event type are checked against its newest schema when they are sent.
ALTER TABLE event_type ADD COLUMN validated BOOLEAN NOT NULL DEFAULT FALSE;
