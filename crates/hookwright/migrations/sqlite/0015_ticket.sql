-- Secrets that let somebody in for a while: of each a hash, and no secret. There are at most some hundreds of them, so that no index but
-- that of the key is worth its while.
CREATE TABLE ticket (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    -- 1: a session on the page; 2: a link that begins one.
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    -- What it lets in to.
    organisation BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
