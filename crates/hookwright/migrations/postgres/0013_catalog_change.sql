-- What each change of what is configured has made old, for the nodes that have it in memory: a row for each number of
-- catalog_sequence, written in the change's own transaction. A number without a row is one of an earlier release: whoever finds that
-- forgets all. Rows go an hour after they came.
CREATE TABLE catalog_change (
    sequence BIGINT NOT NULL PRIMARY KEY,
    -- Whose change it is: that node has forgotten what was old already.
    node BYTEA NOT NULL,
    -- See `Change::code` in store/postgres/catalog_change.rs.
    kind SMALLINT NOT NULL,
    organisation BYTEA,
    application BYTEA,
    -- The endpoint, source or message.
    subject BYTEA,
    -- When it was made, in microseconds, if that matters.
    at BIGINT,
    written_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- What a batch begins with that stores messages of these applications: whoever routed them knows all changes up to `known`. If another
-- node has changed one of them since, it raises, so that the server itself refuses the rest of the batch.
CREATE FUNCTION catalog_guard(known BIGINT, mine BYTEA, applications BYTEA[]) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM catalog_change
        WHERE sequence > known AND node <> mine AND application = ANY (applications) AND kind <> 9 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'what is configured has changed since %', known USING ERRCODE = 'HW002';
    END IF;
END
$$;

-- Until when the places of a limit (throttleRate) are taken, by whichever node; of an application itself, under an empty endpoint. All
-- times are microseconds by the database's clock. It is worth nothing after a crash, so it is not in the write-ahead log.
CREATE UNLOGGED TABLE throttle (
    application BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    asked_at BIGINT NOT NULL,
    -- How much the last one took.
    taken BIGINT NOT NULL,
    free_at BIGINT NOT NULL,
    PRIMARY KEY (application, endpoint)
) WITH (fillfactor = 50);
