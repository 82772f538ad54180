-- Which event types are wanted, by whom: what enabled endpoints filter by, '' for those that filter by none. An event for all
-- finds the applications that want it without looking at every one. Endpoints for operational webhooks get none.
--
-- Nothing is filled in from endpoints that are there: no release could make any on PostgreSQL before this.
CREATE TABLE subscription (
    organisation BYTEA NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    application BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    PRIMARY KEY (organisation, event_type, application, endpoint)
);

-- Events for all: the payload once, and the last application that has its message; NULL once all have.
CREATE TABLE broadcast (
    id BYTEA NOT NULL PRIMARY KEY,
    organisation BYTEA NOT NULL,
    event_type TEXT NOT NULL,
    channels TEXT,
    tags TEXT,
    created_at BIGINT NOT NULL,
    cursor BYTEA,
    payload BYTEA NOT NULL
);
CREATE INDEX broadcast_running ON broadcast (id) WHERE cursor IS NOT NULL;

-- Messages whose payload is that of an event for all. The last one that goes takes the payload with it.
CREATE TABLE message_broadcast (
    application BYTEA NOT NULL,
    message BYTEA NOT NULL,
    broadcast BYTEA NOT NULL,
    PRIMARY KEY (application, message)
);
CREATE INDEX message_broadcast_of ON message_broadcast (broadcast);
