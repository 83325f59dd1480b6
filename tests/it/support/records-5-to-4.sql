-- vmesh's records of version 5, taken back to version 4: a table that stands for no version had a fingerprint that was
-- made up, and pointers named fingerprints alone.
CREATE TEMP TABLE standing AS
    SELECT tables.*, snapshots.fingerprint AS version, snapshots.fingerprint IS NOT NULL AS stands,
        coalesce(snapshots.fingerprint, sha256(tables.table_name)) AS called
    FROM vmesh_state.tables LEFT JOIN vmesh_state.snapshots USING (table_name);
CREATE TEMP TABLE shown AS
    SELECT environment, model, comments,
        (SELECT any_value(called) FROM standing
         WHERE standing.table_name = pointers.table_name
         AND (NOT stands OR standing.version = pointers.fingerprint)) AS fingerprint
    FROM vmesh_state.pointers;
CREATE TEMP TABLE history AS
    SELECT promotions.*, model, comments, table_name,
        (SELECT any_value(called) FROM standing
         WHERE standing.table_name = moved.table_name AND (NOT stands OR standing.version = moved.fingerprint)) AS called
    FROM vmesh_state.promotions JOIN vmesh_state.moved ON moved.generation = (
        SELECT max(earlier.generation) FROM vmesh_state.moved earlier
        WHERE earlier.model = moved.model AND earlier.generation <= promotions.generation);
DROP TABLE vmesh_state.snapshots;
CREATE TABLE vmesh_state.snapshots (
    fingerprint VARCHAR PRIMARY KEY, model VARCHAR NOT NULL, own VARCHAR NOT NULL, table_name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, parents VARCHAR NOT NULL, query VARCHAR, columns VARCHAR NOT NULL, built_at BIGINT NOT NULL,
    filled VARCHAR, audited VARCHAR NOT NULL, content VARCHAR, revision UBIGINT NOT NULL, continues VARCHAR,
    around VARCHAR, made_at BIGINT NOT NULL, archived VARCHAR
);
INSERT INTO vmesh_state.snapshots
    SELECT called, model, own, table_name, kind,
        (SELECT coalesce(string_agg(parent.called, ' '), '') FROM standing parent
         WHERE list_contains(string_split(child.parents, ' '), parent.table_name)),
        query, columns, built_at, filled, audited, content, revision,
        (SELECT any_value(to_json({'fingerprint': source.called, 'revision': CAST(child.continues ->> 'revision' AS UBIGINT)}))
         FROM standing source WHERE source.table_name = child.continues ->> 'table'),
        around, built_at, CASE WHEN NOT stands THEN child.fingerprint END
    FROM standing child;
DROP TABLE vmesh_state.tables;
DROP TABLE vmesh_state.pointers;
CREATE TABLE vmesh_state.pointers (environment VARCHAR NOT NULL, model VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, comments VARCHAR);
INSERT INTO vmesh_state.pointers SELECT environment, model, fingerprint, comments FROM shown;
DROP TABLE vmesh_state.promotions;
CREATE TABLE vmesh_state.promotions AS
    SELECT generation, commit_id, action, promoted_at, CAST(to_json(map_from_entries(list((model, called)))) AS VARCHAR) AS pointers,
        CAST(to_json(map_from_entries(list((model, comments)) FILTER (comments IS NOT NULL))) AS VARCHAR) AS comments
    FROM history WHERE table_name IS NOT NULL GROUP BY ALL;
DROP TABLE vmesh_state.moved;
DROP TABLE vmesh_state.previews;
CREATE TABLE vmesh_state.previews (branch VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, planned_at BIGINT NOT NULL);
UPDATE vmesh_state.format SET version = 4;
DROP TABLE standing; DROP TABLE shown; DROP TABLE history;

DROP TABLE vmesh_state.builds;
