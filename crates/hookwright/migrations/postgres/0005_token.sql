-- What a token may do, as a JSON array of words; NULL, as for those made before: all that its scope can.
ALTER TABLE token ADD COLUMN capabilities TEXT;
-- The feature flags it holds, as a JSON array; NULL: none.
ALTER TABLE token ADD COLUMN feature_flags TEXT;
-- The session it was made for.
ALTER TABLE token ADD COLUMN session TEXT;

-- Each token is in the first or the second of them.
CREATE INDEX token_of_organisation ON token (organisation, id) WHERE application IS NULL;
CREATE INDEX token_of_application ON token (application, id) WHERE application IS NOT NULL;
-- Those that expired long ago are found to be removed.
CREATE INDEX token_expiry ON token (application, expires_at) WHERE application IS NOT NULL AND expires_at IS NOT NULL;
