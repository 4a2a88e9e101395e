-- Jobs that wait for others: what they were given (a JSON array of ids), and of those the ones that
-- are not over yet, or ended otherwise than the job asks for.
ALTER TABLE jobs ADD COLUMN after TEXT NOT NULL DEFAULT '[]';
-- 'success' or 'any': how they must end.
ALTER TABLE jobs ADD COLUMN after_outcome TEXT NOT NULL DEFAULT 'success';
CREATE TABLE job_dependencies (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  after_id TEXT NOT NULL,
  PRIMARY KEY (job_id, after_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_dependencies_by_after ON job_dependencies (after_id);
