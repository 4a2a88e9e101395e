-- What each user has used of the fleet, as of a moment (server/core/usage.h); '' is the one of jobs
-- that name nobody.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  device_seconds REAL NOT NULL DEFAULT 0,
  usage_time_us INTEGER
) STRICT, WITHOUT ROWID;
