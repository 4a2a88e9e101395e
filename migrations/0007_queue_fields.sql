-- The paths of the run spec's fields that the job sets to another value than their default, with
-- spaces between: a copy for the queue, as is priority. NULL for a job of an earlier release:
-- then they are read off the spec.
ALTER TABLE jobs ADD COLUMN fields_set TEXT;
-- Placement orders the queue (server/core/placement.h); no statement does.
DROP INDEX jobs_by_queue;
