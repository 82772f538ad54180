-- Background tasks: messages that are sent to an endpoint once more, many at a time. A task that was interrupted goes on
-- after its cursor, the last message it has looked at.
CREATE TABLE task (
    id BLOB NOT NULL PRIMARY KEY,
    organisation BLOB NOT NULL,
    application BLOB NOT NULL,
    endpoint BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('endpoint.recover', 'endpoint.replay', 'endpoint.bulk-replay')),
    parameters TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed')),
    failure TEXT,
    sent INTEGER NOT NULL,
    up_to BLOB NOT NULL,
    cursor BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX task_list ON task (organisation, id);
CREATE INDEX task_application ON task (application, id);
CREATE INDEX task_running ON task (id) WHERE status = 'running';
