-- How much each user may have at once; '*' is for users without a row of their own. NULL: no limit.
CREATE TABLE quotas (
  user TEXT PRIMARY KEY,
  running_jobs INTEGER CHECK (running_jobs >= 0),
  gpus INTEGER CHECK (gpus >= 0),
  queued_jobs INTEGER CHECK (queued_jobs >= 0)
) STRICT, WITHOUT ROWID;
