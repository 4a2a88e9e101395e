-- What a job with several datasets has learned from each so far (a list).
ALTER TABLE jobs ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
