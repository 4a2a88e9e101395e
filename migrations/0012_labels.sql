-- What a person says of a worker (a JSON object of texts), and what a job asks to be said of its
-- worker: a copy of the spec's for the queue.
ALTER TABLE workers ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN worker_labels TEXT NOT NULL DEFAULT '{}';
