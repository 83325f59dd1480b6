-- vmesh's records of version 4, brought to version 5: tables have an identity of their own, pointers name them, and
-- promotions are told by what they moved.
CREATE TEMP TABLE was AS
    SELECT *, coalesce(archived, fingerprint) AS version FROM vmesh_state.snapshots;
-- the links between tables; those of tables that were put aside had another fingerprint
CREATE TEMP TABLE edges AS
    SELECT DISTINCT child.table_name AS child, parent.table_name AS parent
    FROM was child JOIN was parent ON list_contains(string_split(child.parents, ' '), parent.fingerprint)
    WHERE child.table_name <> parent.table_name;
-- the tables that are read behind views
CREATE TEMP TABLE sources AS
    WITH RECURSIVE behind(child, parent) AS (
        FROM edges
        UNION SELECT behind.child, edges.parent
        FROM behind JOIN was ON was.table_name = behind.parent AND was.kind = 'VIEW' JOIN edges ON edges.child = behind.parent
    )
    SELECT DISTINCT behind.* FROM behind JOIN was ON was.table_name = behind.parent WHERE was.kind <> 'VIEW';
-- a parent that was filled after its child is at a revision that the child never saw
CREATE TEMP TABLE reads AS
    SELECT sources.child, sources.parent,
        CASE WHEN max(parent.built_at) <= max(child.built_at) THEN max(parent.revision) ELSE 18446744073709551615 END AS revision
    FROM sources JOIN was child ON child.table_name = sources.child JOIN was parent ON parent.table_name = sources.parent
    GROUP BY ALL;
-- the nearest ones that are filled by loads
CREATE TEMP TABLE roots AS
    WITH RECURSIVE above(child, parent) AS (
        FROM sources
        UNION SELECT above.child, sources.parent
        FROM above JOIN was ON was.table_name = above.parent AND was.filled IS NULL JOIN sources ON sources.child = above.parent
    )
    SELECT DISTINCT above.* FROM above JOIN was ON was.table_name = above.parent WHERE was.filled IS NOT NULL;
CREATE TABLE vmesh_state.tables AS
    SELECT table_name, model, version AS fingerprint, own, kind,
        (SELECT coalesce(string_agg(parent, ' ' ORDER BY parent), '') FROM edges WHERE edges.child = was.table_name) AS parents,
        query, columns, built_at, filled, audited, content, revision,
        (SELECT any_value(to_json({'table': source.table_name, 'revision': CAST(was.continues ->> 'revision' AS UBIGINT)}))
         FROM was source WHERE source.fingerprint = was.continues ->> 'fingerprint') AS continues,
        around,
        '{"read":' || (
            SELECT coalesce(CAST(to_json(map_from_entries(list((parent, revision) ORDER BY parent))) AS VARCHAR), '{}')
            FROM reads WHERE reads.child = was.table_name
        ) || ',"roots":' || (
            SELECT coalesce(CAST(to_json(list(parent ORDER BY parent)) AS VARCHAR), '[]')
            FROM roots WHERE roots.child = was.table_name
        ) || ',"beside":null}' AS inputs
    FROM was
    QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY built_at DESC, fingerprint) = 1;
DROP TABLE vmesh_state.snapshots;
ALTER TABLE vmesh_state.tables ALTER table_name SET NOT NULL;
ALTER TABLE vmesh_state.tables ALTER inputs SET NOT NULL;
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
DROP TABLE edges;
DROP TABLE sources;
DROP TABLE roots;
DROP TABLE reads;
DROP TABLE pointed;
DROP TABLE showed;
DROP TABLE turns;
DROP TABLE waiting;
