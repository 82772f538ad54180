-- The keys that secrets are encrypted with, in the order they came. None of them is here: `proof` is a known text, encrypted, by which
-- another key under the same id is noticed. `is_everywhere`: nothing is in clear or encrypted with an earlier one.
-- `leaves_clear`: unused parts of pages may still have what was in clear before.
CREATE TABLE master_key (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    proof TEXT NOT NULL,
    is_everywhere INTEGER NOT NULL DEFAULT 0 CHECK (is_everywhere IN (0, 1)),
    leaves_clear INTEGER NOT NULL DEFAULT 0 CHECK (leaves_clear IN (0, 1))
) STRICT;
