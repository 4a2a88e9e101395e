-- Workers that get no job until a person says otherwise, by name: a worker that starts anew, or
-- leaves and comes back, is cordoned still.
CREATE TABLE cordons (
  worker_id TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  reason TEXT NOT NULL,
  time_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
