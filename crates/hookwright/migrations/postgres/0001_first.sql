-- Catalog: what is configured.

CREATE TABLE organisation (
    id BYTEA NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE application (
    id BYTEA NOT NULL PRIMARY KEY,
    organisation BYTEA NOT NULL,
    uid TEXT COLLATE "C",
    name TEXT NOT NULL,
    throttle_rate INTEGER,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX application_uid ON application (organisation, uid) WHERE uid IS NOT NULL;
CREATE INDEX application_list ON application (organisation, id);

CREATE TABLE event_type (
    organisation BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    archived BOOLEAN NOT NULL,
    deprecated BOOLEAN NOT NULL,
    schemas TEXT,
    feature_flags TEXT NOT NULL,
    group_name TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organisation, name)
);

CREATE TABLE endpoint (
    application BYTEA NOT NULL,
    id BYTEA NOT NULL,
    uid TEXT COLLATE "C",
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    throttle_rate INTEGER,
    disabled TEXT CHECK (disabled IN ('by_request', 'gone', 'asked_to', 'failing')),
    event_types TEXT COLLATE "C" NOT NULL,
    channels TEXT NOT NULL,
    metadata TEXT NOT NULL,
    headers TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secrets TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (application, id)
);
CREATE UNIQUE INDEX endpoint_uid ON endpoint (application, uid) WHERE uid IS NOT NULL;

-- Only endpoints that failed since their last success have a row.
CREATE TABLE endpoint_health (
    application BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    first_failure_at BIGINT NOT NULL,
    last_span BIGINT NOT NULL,
    previous_span BIGINT,
    PRIMARY KEY (application, endpoint)
);

CREATE TABLE token (
    id BYTEA NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    organisation BYTEA NOT NULL,
    application BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- Rises with each change of what is configured, in the change's own transaction: who reads the same number has missed none.
CREATE TABLE catalog_sequence (
    the_only_one BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (the_only_one),
    value BIGINT NOT NULL
);
INSERT INTO catalog_sequence (value) VALUES (0);

-- The last batch that each writer has committed. A writer that lost the answer to a commit makes the same row: if it can, the
-- batch was not committed, and never will be.
CREATE TABLE batch (
    writer BYTEA NOT NULL,
    number BIGINT NOT NULL,
    written_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (writer, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);

-- Journal: what happened. Keys begin with the application.

-- By day of the message, which is where its id begins, so that retention can drop whole days. What has no day yet is in the
-- default partition.
CREATE TABLE message (
    application BYTEA NOT NULL,
    id BYTEA NOT NULL,
    event_type TEXT NOT NULL,
    event_id TEXT,
    channels TEXT,
    tags TEXT,
    created_at BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (application, id)
) PARTITION BY RANGE (id);
CREATE TABLE message_default PARTITION OF message DEFAULT;

-- Newest and oldest messages of all applications: for people who look on, and for retention.
CREATE INDEX message_by_age ON message (id, application);

-- Not partitioned: it is what makes them unique over all days.
CREATE TABLE message_event_id (
    application BYTEA NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    message BYTEA NOT NULL,
    PRIMARY KEY (application, event_id)
);

-- A delivery has a row only while it is pending. One without a due time is ready, or in a node's memory; one with a due time
-- waits for its retry. One that a node holds names it, and the number of the lease it holds it by.
CREATE TABLE delivery (
    application BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    message BYTEA NOT NULL,
    attempts INTEGER NOT NULL,
    trigger SMALLINT NOT NULL CHECK (trigger IN (0, 1)),
    due_at BIGINT,
    node BYTEA,
    lease BIGINT,
    PRIMARY KEY (application, endpoint, message)
) WITH (
    -- Rows live for milliseconds: what is left of them is cleaned up by their number, not by the table's size.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;

-- By day of their message: they go with it.
CREATE TABLE attempt (
    application BYTEA NOT NULL,
    message BYTEA NOT NULL,
    id BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    number INTEGER NOT NULL,
    status SMALLINT NOT NULL CHECK (status IN (0, 2)),
    response_code INTEGER NOT NULL,
    duration_us BIGINT NOT NULL,
    trigger SMALLINT NOT NULL CHECK (trigger IN (0, 1)),
    started_at BIGINT NOT NULL,
    next_attempt_at BIGINT,
    reason TEXT,
    url TEXT NOT NULL,
    response BYTEA NOT NULL,
    PRIMARY KEY (application, message, id)
) PARTITION BY RANGE (message);
CREATE TABLE attempt_default PARTITION OF attempt DEFAULT;
CREATE INDEX attempt_endpoint ON attempt (application, endpoint, id);

-- The message that a request with an idempotency key made. One key is claimed once, whichever node it comes to.
CREATE TABLE message_key (
    key BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    request BYTEA NOT NULL,
    application BYTEA NOT NULL,
    message BYTEA NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX message_key_expiry ON message_key (expires_at, key);

-- What any other request with an idempotency key was answered, sealed with the key itself.
CREATE TABLE idempotency (
    key BYTEA NOT NULL PRIMARY KEY,
    request BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    answer BYTEA NOT NULL
);

-- Applications that were deleted, whose journal rows are still to be removed, a slice at a time.
CREATE TABLE erasure (
    application BYTEA NOT NULL PRIMARY KEY,
    deleted_at BIGINT NOT NULL
);
