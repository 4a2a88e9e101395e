-- How many malformed rows a dataset may have, and how many it has; readers skip them.
ALTER TABLE datasets ADD COLUMN max_bad_rows INTEGER NOT NULL DEFAULT 0 CHECK (max_bad_rows >= 0);
ALTER TABLE datasets ADD COLUMN bad_rows INTEGER NOT NULL DEFAULT 0
  CHECK (bad_rows BETWEEN 0 AND max_bad_rows);
