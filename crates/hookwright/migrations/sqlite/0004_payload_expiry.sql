-- Messages whose payload goes before they do. Only those that asked for it have a row.
CREATE TABLE message_payload_expiry (
    application BLOB NOT NULL,
    message BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (application, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_payload_expiry_due ON message_payload_expiry (expires_at);
