-- vmesh's records of version 2, brought to version 3.
UPDATE vmesh_state.snapshots SET built_at = built_at * 1000000 WHERE built_at < 1000000000000; -- seconds before, microseconds now
ALTER TABLE vmesh_state.snapshots ADD COLUMN content VARCHAR;
ALTER TABLE vmesh_state.snapshots ADD COLUMN revision UBIGINT DEFAULT 0;
ALTER TABLE vmesh_state.snapshots ADD COLUMN continues VARCHAR;
ALTER TABLE vmesh_state.pointers ADD COLUMN comments VARCHAR;
ALTER TABLE vmesh_state.snapshots ADD COLUMN around VARCHAR;
ALTER TABLE vmesh_state.snapshots ADD COLUMN made_at BIGINT DEFAULT 0;
ALTER TABLE vmesh_state.promotions ADD COLUMN comments VARCHAR;
CREATE TABLE vmesh_state.comments (hash VARCHAR PRIMARY KEY, content VARCHAR NOT NULL);
