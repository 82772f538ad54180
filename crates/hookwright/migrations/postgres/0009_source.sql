-- Sources of inbound webhooks. The endpoints that a source forwards to are those of an application of its own, which is in no list.
ALTER TABLE application ADD COLUMN source BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE source (
    id BYTEA NOT NULL PRIMARY KEY,
    organisation BYTEA NOT NULL,
    application BYTEA NOT NULL UNIQUE,
    uid TEXT COLLATE "C",
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    settings TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX source_uid ON source (organisation, uid) WHERE uid IS NOT NULL;
CREATE INDEX source_list ON source (organisation, id);

-- What stands in the URL of a source, found by its hash. One that was replaced is good until it ends.
CREATE TABLE source_token (
    hash BYTEA NOT NULL PRIMARY KEY,
    source BYTEA NOT NULL,
    token TEXT NOT NULL,
    ends_at BIGINT
);
CREATE UNIQUE INDEX source_token_current ON source_token (source) WHERE ends_at IS NULL;
CREATE INDEX source_token_replaced ON source_token (source, ends_at) WHERE ends_at IS NOT NULL;

-- The log of inbound requests. The body is NULL where the message that was made of the request has it.
CREATE TABLE inbound (
    application BYTEA NOT NULL,
    id BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('verified', 'duplicate', 'handshake', 'refused')),
    status INTEGER NOT NULL,
    reason TEXT,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT,
    headers TEXT NOT NULL,
    message BYTEA,
    body BYTEA,
    PRIMARY KEY (application, id),
    CHECK (body IS NOT NULL OR message IS NOT NULL)
);
CREATE INDEX inbound_expiry ON inbound (expires_at);

-- What tells a request that comes again. Only one that was verified has a row.
CREATE TABLE inbound_key (
    application BYTEA NOT NULL,
    key BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (application, key)
);
CREATE INDEX inbound_key_expiry ON inbound_key (expires_at);
