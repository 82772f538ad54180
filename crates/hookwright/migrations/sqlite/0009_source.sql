-- Sources of inbound webhooks. The endpoints that a source forwards to are those of an application of its own, which is in no list.
ALTER TABLE application ADD COLUMN source INTEGER NOT NULL DEFAULT 0 CHECK (source IN (0, 1));

CREATE TABLE source (
    id BLOB NOT NULL PRIMARY KEY,
    organisation BLOB NOT NULL,
    application BLOB NOT NULL UNIQUE,
    uid TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    settings TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX source_uid ON source (organisation, uid) WHERE uid IS NOT NULL;
CREATE INDEX source_list ON source (organisation, id);

-- What stands in the URL of a source, found by its hash. One that was replaced is good until it ends.
CREATE TABLE source_token (
    hash BLOB NOT NULL PRIMARY KEY,
    source BLOB NOT NULL,
    token TEXT NOT NULL,
    ends_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX source_token_current ON source_token (source) WHERE ends_at IS NULL;
CREATE INDEX source_token_replaced ON source_token (source, ends_at) WHERE ends_at IS NOT NULL;

-- The log of inbound requests. The body comes last, and is NULL where the message that was made of the request has it.
CREATE TABLE inbound (
    application BLOB NOT NULL,
    id BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('verified', 'duplicate', 'handshake', 'refused')),
    status INTEGER NOT NULL,
    reason TEXT,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT,
    headers TEXT NOT NULL,
    message BLOB,
    body BLOB,
    PRIMARY KEY (application, id),
    CHECK (body IS NOT NULL OR message IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_expiry ON inbound (expires_at);

-- What tells a request that comes again. Only one that was verified has a row.
CREATE TABLE inbound_key (
    application BLOB NOT NULL,
    key BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (application, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_key_expiry ON inbound_key (expires_at);
