-- Catalog: what is configured.

CREATE TABLE organisation (
    id BLOB NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE application (
    id BLOB NOT NULL PRIMARY KEY,
    organisation BLOB NOT NULL,
    uid TEXT,
    name TEXT NOT NULL,
    throttle_rate INTEGER,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX application_uid ON application (organisation, uid) WHERE uid IS NOT NULL;
CREATE INDEX application_list ON application (organisation, id);

CREATE TABLE event_type (
    organisation BLOB NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    archived INTEGER NOT NULL CHECK (archived IN (0, 1)),
    deprecated INTEGER NOT NULL CHECK (deprecated IN (0, 1)),
    schemas TEXT,
    feature_flags TEXT NOT NULL,
    group_name TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organisation, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint (
    application BLOB NOT NULL,
    id BLOB NOT NULL,
    uid TEXT,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    throttle_rate INTEGER,
    disabled TEXT CHECK (disabled IN ('by_request', 'gone', 'asked_to', 'failing')),
    event_types TEXT NOT NULL,
    channels TEXT NOT NULL,
    metadata TEXT NOT NULL,
    headers TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secrets TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (application, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX endpoint_uid ON endpoint (application, uid) WHERE uid IS NOT NULL;

-- Only endpoints that failed since their last success have a row.
CREATE TABLE endpoint_health (
    application BLOB NOT NULL,
    endpoint BLOB NOT NULL,
    first_failure_at INTEGER NOT NULL,
    last_span INTEGER NOT NULL,
    previous_span INTEGER,
    PRIMARY KEY (application, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    id BLOB NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    organisation BLOB NOT NULL,
    application BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- Journal: what happened. Keys begin with the application.

-- The payload comes last, so that lists that do not show it need not read the pages it overflows to.
CREATE TABLE message (
    application BLOB NOT NULL,
    id BLOB NOT NULL,
    event_type TEXT NOT NULL,
    event_id TEXT,
    channels TEXT,
    tags TEXT,
    created_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (application, id)
) STRICT, WITHOUT ROWID;

-- Newest and oldest messages of all applications: for people who look on, and for retention.
CREATE INDEX message_by_age ON message (id);

CREATE TABLE message_event_id (
    application BLOB NOT NULL,
    event_id TEXT NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (application, event_id)
) STRICT, WITHOUT ROWID;

-- A delivery has a row only while it is pending. One without a due time is ready, or in a node's memory;
-- one with a due time waits for its retry.
CREATE TABLE delivery (
    application BLOB NOT NULL,
    endpoint BLOB NOT NULL,
    message BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    trigger INTEGER NOT NULL CHECK (trigger IN (0, 1)),
    due_at INTEGER,
    PRIMARY KEY (application, endpoint, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE attempt (
    application BLOB NOT NULL,
    message BLOB NOT NULL,
    id BLOB NOT NULL,
    endpoint BLOB NOT NULL,
    number INTEGER NOT NULL,
    status INTEGER NOT NULL CHECK (status IN (0, 2)),
    response_code INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    trigger INTEGER NOT NULL CHECK (trigger IN (0, 1)),
    started_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    reason TEXT,
    url TEXT NOT NULL,
    response BLOB NOT NULL,
    PRIMARY KEY (application, message, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_endpoint ON attempt (application, endpoint, id);

-- The message that a request with an idempotency key made. Ordered by time, so that keys, which are random, are written
-- side by side; the writer knows in memory when each of them expires, and so where it stands.
CREATE TABLE message_key (
    expires_at INTEGER NOT NULL,
    key BLOB NOT NULL,
    request BLOB NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (expires_at, key)
) STRICT, WITHOUT ROWID;

-- What any other request with an idempotency key was answered, sealed with the key itself.
CREATE TABLE idempotency (
    key BLOB NOT NULL PRIMARY KEY,
    request BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Applications that were deleted, whose journal rows are still to be removed, a slice at a time.
CREATE TABLE erasure (
    application BLOB NOT NULL PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
