-- vmesh's records of version 2, brought to version 3.
ALTER TABLE vmesh_state.snapshots ADD COLUMN content VARCHAR;
ALTER TABLE vmesh_state.snapshots ADD COLUMN revision UBIGINT DEFAULT 0;
ALTER TABLE vmesh_state.snapshots ADD COLUMN continues VARCHAR;
