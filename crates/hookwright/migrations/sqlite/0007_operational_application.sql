-- The application that holds an organisation's operational webhooks: the product's own, about what became of those of its
-- customers. It is in no list.
ALTER TABLE application ADD COLUMN operational INTEGER NOT NULL DEFAULT 0 CHECK (operational IN (0, 1));
CREATE UNIQUE INDEX application_operational ON application (organisation) WHERE operational = 1;
