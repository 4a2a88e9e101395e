-- A job can be PAUSED, and one that FAILED or was CANCELLED can be tried again. What a table's
-- checks allow cannot be altered: the jobs move into a new table, row by row as they are, without
-- not_before_us, which nothing has read since 0003.
CREATE TABLE new_jobs (
  submit_order INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
  request_id TEXT UNIQUE,
  body_digest TEXT,
  spec TEXT NOT NULL,
  labels TEXT NOT NULL,
  warnings TEXT NOT NULL,
  data TEXT NOT NULL DEFAULT '[]',
  owner TEXT NOT NULL DEFAULT '',
  -- Copies of the spec's, for the queue.
  priority INTEGER NOT NULL,
  device TEXT NOT NULL,
  gpus INTEGER NOT NULL,
  host_memory_bytes INTEGER NOT NULL,
  fields_set TEXT,

  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'LEASED', 'RUNNING', 'PAUSED', 'SUCCEEDED',
                                       'FAILED', 'CANCELLED')),
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  retries_used INTEGER NOT NULL DEFAULT 0 CHECK (retries_used >= 0),
  disruptions INTEGER NOT NULL DEFAULT 0 CHECK (disruptions >= 0),
  furthest_step INTEGER NOT NULL DEFAULT 0,
  run_time_us INTEGER NOT NULL DEFAULT 0 CHECK (run_time_us >= 0),
  retry_delay_us INTEGER NOT NULL DEFAULT 0 CHECK (retry_delay_us >= 0),
  avoids TEXT NOT NULL DEFAULT '',
  worker_id TEXT,
  gpu_indices TEXT NOT NULL DEFAULT '',
  -- Why its worker is asked to let go of it; '' where it is not.
  yield_reason TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  create_time_us INTEGER NOT NULL,
  queue_time_us INTEGER NOT NULL,
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
  sources TEXT NOT NULL DEFAULT '[]',

  latest_checkpoint TEXT,
  final_checkpoint TEXT,

  CHECK ((request_id IS NULL) = (body_digest IS NULL)),
  CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')) = (end_time_us IS NOT NULL)),
  CHECK (state NOT IN ('LEASED', 'RUNNING', 'SUCCEEDED')
         OR (worker_id IS NOT NULL AND start_time_us IS NOT NULL AND attempt > 0)),
  CHECK (state <> 'SUCCEEDED' OR final_checkpoint IS NOT NULL),
  CHECK (yield_reason = '' OR state IN ('LEASED', 'RUNNING'))
) STRICT;

INSERT INTO new_jobs (submit_order, id, request_id, body_digest, spec, labels, warnings, data, owner,
    priority, device, gpus, host_memory_bytes, fields_set, state, epoch, attempt, retries_used,
    disruptions, furthest_step, run_time_us, retry_delay_us, avoids, worker_id, gpu_indices, reason,
    message, create_time_us, queue_time_us, start_time_us, end_time_us, step, total_steps,
    epochs_done, loss, learning_rate, grad_norm, tokens_per_second, seconds_per_step, eta_seconds,
    eval_loss, progress_time_us, sources, latest_checkpoint, final_checkpoint)
  SELECT submit_order, id, request_id, body_digest, spec, labels, warnings, data, owner,
    priority, device, gpus, host_memory_bytes, fields_set, state, epoch, attempt, retries_used,
    disruptions, furthest_step, run_time_us, retry_delay_us, avoids, worker_id, gpu_indices, reason,
    message, create_time_us, queue_time_us, start_time_us, end_time_us, step, total_steps,
    epochs_done, loss, learning_rate, grad_norm, tokens_per_second, seconds_per_step, eta_seconds,
    eval_loss, progress_time_us, sources, latest_checkpoint, final_checkpoint
  FROM jobs;

-- A number that a deleted job had is not given again.
DELETE FROM sqlite_sequence WHERE name = 'new_jobs';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_jobs', seq FROM sqlite_sequence WHERE name = 'jobs';
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;

CREATE INDEX jobs_by_state ON jobs (state, submit_order);

-- The fence only ever rises, and what is over stays over, but for a retry, which raises it.
CREATE TRIGGER jobs_epoch_never_falls BEFORE UPDATE OF epoch ON jobs
WHEN NEW.epoch < OLD.epoch
BEGIN
  SELECT RAISE(ABORT, 'jobs.epoch must not fall');
END;

CREATE TRIGGER jobs_end_is_final BEFORE UPDATE OF state ON jobs
WHEN OLD.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND NEW.state <> OLD.state
  AND (OLD.state = 'SUCCEEDED' OR NEW.state <> 'QUEUED' OR NEW.epoch <= OLD.epoch)
BEGIN
  SELECT RAISE(ABORT, 'a job that is over must not change state');
END;

-- What people ordered of a job ("pause"), by the request, so that its repeat has no effect.
CREATE TABLE orders (
  request_id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  kind TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_job ON orders (job_id);

-- Who ordered a change of state.
ALTER TABLE events ADD COLUMN user TEXT;
