-- vmesh's records of version 6, brought to version 7: builds are on record, and how many rows tables have.
ALTER TABLE vmesh_state.tables ADD COLUMN rows UBIGINT;
CREATE TABLE vmesh_state.builds (
    model VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    ended_at BIGINT NOT NULL,
    took BIGINT NOT NULL,
    loads UBIGINT NOT NULL,
    rows UBIGINT,
    who VARCHAR NOT NULL,
    branch VARCHAR NOT NULL,
    commit_id VARCHAR,
    dirty BOOLEAN NOT NULL
);
