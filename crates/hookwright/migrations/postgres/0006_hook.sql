-- What an endpoint gets of a message: the bare payload, or the envelope of REST Hooks, as JSON or as a form.
ALTER TABLE endpoint ADD COLUMN format TEXT NOT NULL DEFAULT 'bare' CHECK (format IN ('bare', 'hook', 'hook_form'));
-- The owner's own name for a hook, of which there is one for each event it is for.
ALTER TABLE endpoint ADD COLUMN identifier TEXT COLLATE "C";
CREATE UNIQUE INDEX endpoint_identifier ON endpoint (application, event_types, identifier) WHERE identifier IS NOT NULL;
