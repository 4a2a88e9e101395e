-- What a run would learn from a dataset, by the hash of all that decides it (server/engine/data_checks.h):
-- a report is computed once, and a later job on the same data finds it.
CREATE TABLE data_reports (
  key TEXT PRIMARY KEY,
  report TEXT NOT NULL
) STRICT;
-- What a job learns from each of its datasets, as it was when the job was submitted (a list).
ALTER TABLE jobs ADD COLUMN data TEXT NOT NULL DEFAULT '[]';
