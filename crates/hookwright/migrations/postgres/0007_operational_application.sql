-- The application that holds an organisation's operational webhooks: the product's own, about what became of those of its
-- customers. It is in no list.
ALTER TABLE application ADD COLUMN operational BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX application_operational ON application (organisation) WHERE operational;
