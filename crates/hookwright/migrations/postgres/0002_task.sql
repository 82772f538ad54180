-- Background tasks: messages that are sent to an endpoint once more, many at a time. A task that was interrupted goes on
-- after its cursor, the last message it has looked at.
CREATE TABLE task (
    id BYTEA NOT NULL PRIMARY KEY,
    organisation BYTEA NOT NULL,
    application BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('endpoint.recover', 'endpoint.replay', 'endpoint.bulk-replay')),
    parameters TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed')),
    failure TEXT,
    sent BIGINT NOT NULL,
    up_to BYTEA NOT NULL,
    cursor BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX task_list ON task (organisation, id);
CREATE INDEX task_application ON task (application, id);
CREATE INDEX task_running ON task (id) WHERE status = 'running';
