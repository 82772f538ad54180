-- Which event types are wanted, by whom: what enabled endpoints filter by, '' for those that filter by none. An event for all
-- finds the applications that want it without looking at every one. Endpoints for operational webhooks get none.
CREATE TABLE subscription (
    organisation BLOB NOT NULL,
    event_type TEXT NOT NULL,
    application BLOB NOT NULL,
    endpoint BLOB NOT NULL,
    PRIMARY KEY (organisation, event_type, application, endpoint)
) STRICT, WITHOUT ROWID;
INSERT INTO subscription (organisation, event_type, application, endpoint)
    SELECT a.organisation, '', e.application, e.id FROM endpoint e JOIN application a ON a.id = e.application
    WHERE e.disabled IS NULL AND a.operational = 0 AND e.event_types = '[]';
INSERT OR IGNORE INTO subscription (organisation, event_type, application, endpoint)
    SELECT a.organisation, f.value, e.application, e.id
    FROM endpoint e JOIN application a ON a.id = e.application JOIN json_each(e.event_types) f
    WHERE e.disabled IS NULL AND a.operational = 0;

-- Events for all: the payload once, and the last application that has its message; NULL once all have.
CREATE TABLE broadcast (
    id BLOB NOT NULL PRIMARY KEY,
    organisation BLOB NOT NULL,
    event_type TEXT NOT NULL,
    channels TEXT,
    tags TEXT,
    created_at INTEGER NOT NULL,
    cursor BLOB,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX broadcast_running ON broadcast (id) WHERE cursor IS NOT NULL;

-- Messages whose payload is that of an event for all. The last one that goes takes the payload with it.
CREATE TABLE message_broadcast (
    application BLOB NOT NULL,
    message BLOB NOT NULL,
    broadcast BLOB NOT NULL,
    PRIMARY KEY (application, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_broadcast_of ON message_broadcast (broadcast);
