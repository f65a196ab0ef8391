-- fqtool migration 0003: change labelled features
-- made-for: 457fd138a8c86381
-- makes: 457fd138a8c86381
-- hazards: none

-- 1. labelled_features has another description in the registry
--    way back: ALTER TABLE `feature_store` ALTER COLUMN `labelled_features` SET OPTIONS (description = 'Features that hol ...
ALTER TABLE `feature_store`
  ALTER COLUMN `labelled_features` SET OPTIONS (description = 'Features that hold a computed value, counted.');
