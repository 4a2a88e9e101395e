-- The number of a job's last attempt and what its ends have cost it are two things: an end that
-- is not the job's fault takes none of its retries.
ALTER TABLE jobs RENAME COLUMN attempts_used TO attempt;
ALTER TABLE jobs ADD COLUMN retries_used INTEGER NOT NULL DEFAULT 0 CHECK (retries_used >= 0);
-- Ends in a row that were not its fault, without progress between them.
ALTER TABLE jobs ADD COLUMN disruptions INTEGER NOT NULL DEFAULT 0 CHECK (disruptions >= 0);
ALTER TABLE jobs ADD COLUMN furthest_step INTEGER NOT NULL DEFAULT 0;
-- Durations: how long workers have held it, and how long it waits after it was queued. No wall
-- clock decides over either. not_before_us is no longer read.
ALTER TABLE jobs ADD COLUMN run_time_us INTEGER NOT NULL DEFAULT 0 CHECK (run_time_us >= 0);
ALTER TABLE jobs ADD COLUMN retry_delay_us INTEGER NOT NULL DEFAULT 0 CHECK (retry_delay_us >= 0);
-- Ids of workers on which an attempt of it failed, and indices of the worker's GPUs that it
-- holds; each a list with spaces between.
ALTER TABLE jobs ADD COLUMN avoids TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN gpu_indices TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- Until now every end took a retry; those that were nobody's fault are given back.
UPDATE jobs SET
  retries_used = (SELECT count(*) FROM attempts
                  WHERE job_id = jobs.id AND end_time_us IS NOT NULL
                    AND result NOT IN ('WorkerLost', 'WorkerDraining', 'Succeeded', 'Cancelled')),
  furthest_step = (SELECT coalesce(max(last_step), 0) FROM attempts
                   WHERE job_id = jobs.id AND end_time_us IS NOT NULL),
  run_time_us = (SELECT coalesce(sum(max(end_time_us - start_time_us, 0)), 0) FROM attempts
                 WHERE job_id = jobs.id AND end_time_us IS NOT NULL);

ALTER TABLE workers ADD COLUMN installation TEXT NOT NULL DEFAULT '';
ALTER TABLE workers ADD COLUMN owner TEXT NOT NULL DEFAULT '';
