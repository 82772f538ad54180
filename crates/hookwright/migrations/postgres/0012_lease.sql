-- The nodes that deliver: each holds one lease, and renews it. The protocol is docs/adr/0001-leases.md. All times are microseconds by
-- the database's clock.
CREATE TABLE lease (
    -- 63 random bits, made by the node: after a failover a sequence may give out a number twice.
    number BIGINT NOT NULL PRIMARY KEY CHECK (number > 0),
    -- For people who look on.
    node TEXT COLLATE "C" NOT NULL,
    -- The ids of the master keys that the node has: secrets are encrypted with a new one once all nodes have it.
    master_keys TEXT[] NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Set by the node when it stops, or by others when it is taken for dead; never unset.
    ended_at BIGINT,
    -- Whoever took over what stands under it.
    adopted_by BIGINT
) WITH (
    -- A renewal finds room beside the row it replaces.
    fillfactor = 20
);

-- The first statement of every batch of a node that delivers. It raises, so that the server itself refuses the rest of the batch.
CREATE FUNCTION lease_guard(held BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM lease WHERE number = held AND ended_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease % was ended', held USING ERRCODE = 'HW001';
    END IF;
END
$$;

-- A delivery that is ready stands under the lease of the node whose lane it is in; one that waits for a retry has none. So `lease` says
-- all, and nothing ever wrote `node`. No index leads to the rows of one lease: every delivery would pay for it, and a takeover is rare.
ALTER TABLE delivery DROP COLUMN node;
