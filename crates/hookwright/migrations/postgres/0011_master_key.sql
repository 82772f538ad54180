-- The keys that secrets are encrypted with, in the order they came. None of them is here: `proof` is a known text, encrypted, by which
-- another key under the same id is noticed. `is_everywhere`: nothing is in clear or encrypted with an earlier one.
CREATE TABLE master_key (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    proof TEXT NOT NULL,
    is_everywhere BOOLEAN NOT NULL DEFAULT FALSE
);
