-- vmesh's records of version 4, brought to version 5: tables have an identity of their own, pointers name them, and
-- promotions are told by what they moved.
CREATE TEMP TABLE was AS
    SELECT *, coalesce(archived, fingerprint) AS version FROM vmesh_state.snapshots;
-- the version that a record's links meant: those of tables that were put aside had another fingerprint
CREATE TABLE vmesh_state.tables AS
    SELECT table_name, model, version AS fingerprint, own, kind,
        (SELECT coalesce(string_agg(DISTINCT parent.table_name, ' '), '')
         FROM was parent WHERE list_contains(string_split(child.parents, ' '), parent.fingerprint)) AS parents,
        query, columns, built_at, filled, audited, content, revision,
        (SELECT to_json({'table': source.table_name, 'revision': CAST(child.continues ->> 'revision' AS UBIGINT)})
         FROM was source WHERE source.fingerprint = child.continues ->> 'fingerprint') AS continues,
        around, made_at
    FROM was child
    QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY built_at DESC, fingerprint) = 1;
DROP TABLE vmesh_state.snapshots;
ALTER TABLE vmesh_state.tables ALTER table_name SET NOT NULL;
ALTER TABLE vmesh_state.tables ADD PRIMARY KEY (table_name);
CREATE TABLE vmesh_state.snapshots (fingerprint VARCHAR PRIMARY KEY, table_name VARCHAR NOT NULL);
INSERT INTO vmesh_state.snapshots SELECT fingerprint, table_name FROM was WHERE archived IS NULL;
CREATE TEMP TABLE pointed AS
    SELECT environment, pointers.model, version, was.table_name, comments
    FROM vmesh_state.pointers JOIN was USING (fingerprint);
DROP TABLE vmesh_state.pointers;
CREATE TABLE vmesh_state.pointers (
    environment VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    comments VARCHAR
);
INSERT INTO vmesh_state.pointers SELECT * FROM pointed;
-- what prod showed since each promotion, and what it showed before
CREATE TEMP TABLE showed AS
    SELECT generation, key AS model, version AS fingerprint, table_name,
        json_extract_string(comments, '$."' || replace(key, '"', '\"') || '"') AS comments
    FROM vmesh_state.promotions, json_each(pointers) AS entry JOIN was ON was.fingerprint = entry.value ->> '$';
CREATE TEMP TABLE turns AS
    SELECT generation, lag(generation) OVER (ORDER BY generation) AS before FROM vmesh_state.promotions;
CREATE TABLE vmesh_state.moved (
    generation UBIGINT NOT NULL,
    model VARCHAR NOT NULL,
    fingerprint VARCHAR,
    table_name VARCHAR,
    comments VARCHAR
);
INSERT INTO vmesh_state.moved
    SELECT now.* FROM showed now JOIN turns USING (generation)
    LEFT JOIN showed earlier ON earlier.generation = turns.before AND earlier.model = now.model
    WHERE earlier.model IS NULL OR earlier.table_name <> now.table_name OR earlier.fingerprint <> now.fingerprint
        OR earlier.comments IS DISTINCT FROM now.comments;
INSERT INTO vmesh_state.moved
    SELECT turns.generation, earlier.model, NULL, NULL, NULL
    FROM turns JOIN showed earlier ON earlier.generation = turns.before
    WHERE NOT EXISTS (FROM showed now WHERE now.generation = turns.generation AND now.model = earlier.model);
ALTER TABLE vmesh_state.promotions DROP COLUMN pointers;
ALTER TABLE vmesh_state.promotions DROP COLUMN comments;
CREATE TEMP TABLE waiting AS
    SELECT branch, table_name, planned_at FROM vmesh_state.previews JOIN was USING (fingerprint);
DROP TABLE vmesh_state.previews;
CREATE TABLE vmesh_state.previews (branch VARCHAR NOT NULL, table_name VARCHAR NOT NULL, planned_at BIGINT NOT NULL);
INSERT INTO vmesh_state.previews SELECT * FROM waiting;
DROP TABLE was;
DROP TABLE pointed;
DROP TABLE showed;
DROP TABLE turns;
DROP TABLE waiting;
