-- Which key of a dataset's rows is what, as it was pushed (an object of texts), and what a person
-- was told of its rows then (a list of texts).
ALTER TABLE datasets ADD COLUMN columns TEXT NOT NULL DEFAULT '{}';
ALTER TABLE datasets ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
