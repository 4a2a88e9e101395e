-- What a worker's trainer knows. Of one that an earlier scheduler has registered nothing is
-- known until it registers again.
ALTER TABLE workers ADD COLUMN trainer_version TEXT NOT NULL DEFAULT '';
-- The paths of the run spec's fields, as a JSON array.
ALTER TABLE workers ADD COLUMN spec_fields TEXT NOT NULL DEFAULT '[]';
