-- What became of asking the sender of a request whether it is true. A message that has a row here is sent to endpoints only once it is
-- confirmed; until then it has one pending delivery, that to whoever asks.
CREATE TABLE confirmation (
    application BYTEA NOT NULL,
    message BYTEA NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('confirmed', 'refused', 'unconfirmed')),
    reason TEXT,
    PRIMARY KEY (application, message)
);

-- Sources that send on a schedule, which are looked for at each start.
CREATE INDEX source_cron ON source (id) WHERE kind = 'cron';
