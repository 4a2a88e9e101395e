-- A job that is deleted leaves its fence: another of its name begins above it, so that no worker of
-- the first can speak for the second.
CREATE TABLE deleted_jobs (
  id TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
