-- Times are microseconds since the Unix epoch, UTC. JSON columns are text; a CHECK with
-- json_valid() would be refused, because trusted_schema is off. Applied migrations never
-- change: what comes later is a new file.

CREATE TABLE scheduler (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Raised by every start; a writer that finds another value has been superseded.
  epoch INTEGER NOT NULL CHECK (epoch >= 0)
) STRICT;

INSERT INTO scheduler (id, epoch) VALUES (1, 0);

CREATE TABLE jobs (
  submit_order INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
  request_id TEXT UNIQUE,
  body_digest TEXT,
  spec TEXT NOT NULL,
  labels TEXT NOT NULL,
  warnings TEXT NOT NULL,
  -- Copies of the spec's, for the queue.
  priority INTEGER NOT NULL,
  device TEXT NOT NULL,
  gpus INTEGER NOT NULL,
  host_memory_bytes INTEGER NOT NULL,

  state TEXT NOT NULL
    CHECK (state IN ('QUEUED', 'LEASED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  attempts_used INTEGER NOT NULL CHECK (attempts_used >= 0),
  worker_id TEXT,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  create_time_us INTEGER NOT NULL,
  queue_time_us INTEGER NOT NULL,
  not_before_us INTEGER,
  start_time_us INTEGER,
  end_time_us INTEGER,

  -- Progress; NULL where not known, or not a number.
  step INTEGER NOT NULL,
  total_steps INTEGER NOT NULL,
  epochs_done REAL,
  loss REAL,
  learning_rate REAL,
  grad_norm REAL,
  tokens_per_second REAL,
  seconds_per_step REAL,
  eta_seconds REAL,
  eval_loss REAL,
  progress_time_us INTEGER,

  latest_checkpoint TEXT,
  final_checkpoint TEXT,

  CHECK ((request_id IS NULL) = (body_digest IS NULL)),
  CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')) = (end_time_us IS NOT NULL)),
  CHECK (state NOT IN ('LEASED', 'RUNNING', 'SUCCEEDED')
         OR (worker_id IS NOT NULL AND start_time_us IS NOT NULL AND attempts_used > 0)),
  CHECK (state <> 'SUCCEEDED' OR final_checkpoint IS NOT NULL)
) STRICT;

CREATE INDEX jobs_by_queue ON jobs (priority DESC, submit_order) WHERE state = 'QUEUED';
CREATE INDEX jobs_by_state ON jobs (state, submit_order);

-- The fence only ever rises, and what is over stays over.
CREATE TRIGGER jobs_epoch_never_falls BEFORE UPDATE OF epoch ON jobs
WHEN NEW.epoch < OLD.epoch
BEGIN
  SELECT RAISE(ABORT, 'jobs.epoch must not fall');
END;

CREATE TRIGGER jobs_end_is_final BEFORE UPDATE OF state ON jobs
WHEN OLD.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND NEW.state <> OLD.state
BEGIN
  SELECT RAISE(ABORT, 'a job that is over must not change state');
END;

-- The datasets and the model that a job's spec names ("datasets/D", "models/M").
CREATE TABLE job_inputs (
  resource TEXT NOT NULL,
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  PRIMARY KEY (resource, job_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number > 0),
  -- What the lease raised the job's epoch to.
  epoch INTEGER NOT NULL CHECK (epoch > 0),
  request_id TEXT UNIQUE,
  worker_id TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  start_time_us INTEGER NOT NULL,
  end_time_us INTEGER,
  resumed_from TEXT,
  resumed_step INTEGER NOT NULL,
  last_step INTEGER NOT NULL,
  -- Highest seq of the worker's reports held.
  last_report_seq INTEGER NOT NULL CHECK (last_report_seq >= 0),
  result TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (job_id, number),
  UNIQUE (job_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK (seq > 0),
  time_us INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('state_change', 'training', 'checkpoint')),
  state TEXT,
  reason TEXT,
  message TEXT,
  worker_id TEXT,
  payload BLOB,
  checkpoint TEXT,
  CHECK ((kind = 'state_change') = (state IS NOT NULL)),
  CHECK ((kind = 'training') = (payload IS NOT NULL)),
  CHECK ((kind = 'checkpoint') = (checkpoint IS NOT NULL)),
  PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  incarnation TEXT NOT NULL,
  resources TEXT NOT NULL,
  version TEXT NOT NULL,
  register_time_us INTEGER NOT NULL
) STRICT;

CREATE TABLE datasets (
  id TEXT PRIMARY KEY,
  path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  format TEXT NOT NULL,
  rows INTEGER NOT NULL,
  create_time_us INTEGER NOT NULL
) STRICT;

CREATE INDEX datasets_by_blob ON datasets (sha256);

CREATE TABLE models (
  id TEXT PRIMARY KEY,
  architecture TEXT NOT NULL,
  parameters INTEGER NOT NULL,
  precision TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  max_position_embeddings INTEGER NOT NULL,
  create_time_us INTEGER NOT NULL
) STRICT;

CREATE TABLE model_files (
  model_id TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (model_id, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX model_files_by_blob ON model_files (sha256);

CREATE TABLE checkpoints (
  register_order INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  step INTEGER NOT NULL CHECK (step >= 0),
  epochs_done REAL,
  loss REAL,
  final INTEGER NOT NULL CHECK (final IN (0, 1)),
  size_bytes INTEGER NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  parent TEXT NOT NULL,
  create_time_us INTEGER NOT NULL,
  UNIQUE (job_id, id)
) STRICT;

CREATE TABLE checkpoint_files (
  register_order INTEGER NOT NULL REFERENCES checkpoints (register_order) ON DELETE CASCADE,
  path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (register_order, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX checkpoint_files_by_blob ON checkpoint_files (sha256);
