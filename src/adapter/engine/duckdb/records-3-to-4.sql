-- vmesh's records of version 3, brought to version 4.
ALTER TABLE vmesh_state.snapshots ADD COLUMN archived VARCHAR;
