-- Messages whose payload goes before they do. Only those that asked for it have a row.
CREATE TABLE message_payload_expiry (
    application BYTEA NOT NULL,
    message BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (application, message)
);
CREATE INDEX message_payload_expiry_due ON message_payload_expiry (expires_at);
