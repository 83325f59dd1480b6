-- vmesh's own records. They lie in the warehouse itself, so that views and records change in one transaction.
CREATE SCHEMA IF NOT EXISTS vmesh_state;
CREATE SCHEMA IF NOT EXISTS vmesh_snapshots;
CREATE TABLE vmesh_state.format (version INTEGER NOT NULL, made_by VARCHAR NOT NULL);
-- one row an environment; "generation" counts its publications and guards against lost updates
CREATE TABLE vmesh_state.environments (
    name VARCHAR PRIMARY KEY,
    branch VARCHAR NOT NULL,
    commit_id VARCHAR,
    dirty BOOLEAN NOT NULL,
    base VARCHAR,
    tip VARCHAR,
    generation UBIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    owner VARCHAR -- who published it last, and from where, as JSON
);
-- what each environment shows
CREATE TABLE vmesh_state.pointers (
    environment VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL, -- the version that it was planned for
    table_name VARCHAR NOT NULL,
    comments VARCHAR -- what its view is commented with: the hash of one of vmesh_state.comments
);
-- comments of views, as JSON
CREATE TABLE vmesh_state.comments (hash VARCHAR PRIMARY KEY, content VARCHAR NOT NULL);
-- every table of the physical layer; it keeps its name as long as it lives
CREATE TABLE vmesh_state.tables (
    table_name VARCHAR PRIMARY KEY,
    model VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL, -- the version that it was made for
    own VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    parents VARCHAR NOT NULL, -- the tables that it was built from
    query VARCHAR,
    columns VARCHAR NOT NULL,
    built_at BIGINT NOT NULL,
    filled VARCHAR, -- of incremental kinds: the spans that were loaded, as JSON
    audited VARCHAR NOT NULL, -- hashes of the audits that it has passed
    content VARCHAR, -- the fingerprint but for the model's name
    revision UBIGINT NOT NULL, -- counts the times that its rows changed
    continues VARCHAR, -- the table whose rows it went on from, at which revision, as JSON
    around VARCHAR, -- the statements that run around its query, as JSON
    inputs VARCHAR NOT NULL, -- what its rows were filled from, at which revisions, as JSON
    rows UBIGINT -- how many it has; none of a view
);
-- which table stands for a version: none for one that another has replaced, two for a model that was renamed
CREATE TABLE vmesh_state.snapshots (fingerprint VARCHAR PRIMARY KEY, table_name VARCHAR NOT NULL);
-- the history of prod's pointers
CREATE TABLE vmesh_state.promotions (
    generation UBIGINT NOT NULL,
    commit_id VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    promoted_at BIGINT NOT NULL
);
-- what each promotion moved; without a table: prod shows no such model since
CREATE TABLE vmesh_state.moved (
    generation UBIGINT NOT NULL,
    model VARCHAR NOT NULL,
    fingerprint VARCHAR,
    table_name VARCHAR,
    comments VARCHAR
);
-- what merges that are still to come will show: gc keeps it
CREATE TABLE vmesh_state.previews (branch VARCHAR NOT NULL, table_name VARCHAR NOT NULL, planned_at BIGINT NOT NULL);
-- the last builds of each model
CREATE TABLE vmesh_state.builds (
    model VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    ended_at BIGINT NOT NULL, -- microseconds since 1970
    took BIGINT NOT NULL, -- microseconds
    loads UBIGINT NOT NULL,
    rows UBIGINT,
    who VARCHAR NOT NULL,
    branch VARCHAR NOT NULL,
    commit_id VARCHAR,
    dirty BOOLEAN NOT NULL
);
