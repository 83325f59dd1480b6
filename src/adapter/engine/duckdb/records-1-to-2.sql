-- vmesh's records of version 1, brought to version 2.
ALTER TABLE vmesh_state.environments ADD COLUMN owner VARCHAR;
ALTER TABLE vmesh_state.snapshots ADD COLUMN filled VARCHAR;
ALTER TABLE vmesh_state.snapshots ADD COLUMN audited VARCHAR DEFAULT '';
CREATE TABLE vmesh_state.previews (
    branch VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    planned_at BIGINT NOT NULL
);
