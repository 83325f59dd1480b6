CREATE TABLE IF NOT EXISTS vmesh_state.spark_journal (number BIGINT NOT NULL, owner VARCHAR NOT NULL, target VARCHAR NOT NULL,
    statement VARCHAR NOT NULL, otherwise VARCHAR);
CREATE TABLE IF NOT EXISTS vmesh_state.spark_views (
    schema_name VARCHAR NOT NULL, view_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, PRIMARY KEY (schema_name, view_name));
CREATE TABLE IF NOT EXISTS vmesh_state.spark_attempts (
    attempt VARCHAR PRIMARY KEY, owner VARCHAR NOT NULL, session VARCHAR NOT NULL, operation VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS vmesh_state.spark_tables (table_name VARCHAR PRIMARY KEY, content VARCHAR NOT NULL, before VARCHAR);
CREATE TABLE IF NOT EXISTS vmesh_state.spark_pace (milliseconds BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS vmesh_state.spark_wrong (table_name VARCHAR PRIMARY KEY, wrong VARCHAR NOT NULL);
