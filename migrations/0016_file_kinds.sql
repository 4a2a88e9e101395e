-- By dataset of a job, what kind of file it is, where not every trainer reads that (an object of
-- texts); what fields_set asks of a trainer has them too.
ALTER TABLE jobs ADD COLUMN file_kinds TEXT NOT NULL DEFAULT '{}';
