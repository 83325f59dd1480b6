//! What a role could do to prod.

use std::collections::BTreeSet;

use super::Database;
use crate::adapter::engine::records::{SqlSession, list};
use crate::adapter::engine::{BuildError, Roles, WarehouseError};
use crate::domain::name::{SNAPSHOTS_SCHEMA, TableName, literal, quote};

const DOING: &str = "asking what a role may do";
const WRITES: &str = "'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER'";

/// Records that say what prod shows, each with the rows that are prod's.
const RECORDS: [(&str, &str); 6] = [
    ("environments", "name = 'prod'"),
    ("pointers", "environment = 'prod'"),
    ("promotions", "true"),
    ("moved", "true"),
    ("tables", "table_name IN (SELECT table_name FROM vmesh_state.pointers WHERE environment = 'prod')"),
    ("snapshots", "table_name IN (SELECT table_name FROM vmesh_state.pointers WHERE environment = 'prod')"),
];

impl Roles for Database {
    fn could_write(&self, role: &str, views: &[TableName]) -> Result<Vec<String>, WarehouseError> {
        let known = self.texts(&format!("SELECT rolname FROM pg_roles WHERE rolname = {}", literal(role)))?;
        if known.is_empty() {
            let what = format!("the server has no role `{role}`");
            return Err(BuildError::Unfit { what, help: "psql -c '\\du' lists them" }.into());
        }
        let mut found = self.texts(&asked(role, views))?;
        for (table, rows) in RECORDS {
            if self.could_change(role, table, rows)? {
                found.push(format!("it may change vmesh's records of prod, in vmesh_state.{table}"));
            }
        }
        Ok(found)
    }
}

impl Database {
    fn texts(&self, sql: &str) -> Result<Vec<String>, WarehouseError> {
        self.all(DOING, sql)?.iter().map(|row| row.get(0)).collect()
    }

    /// Whether a role could change some rows of a record. Where policies decide on rows, it is tried, and taken back.
    fn could_change(&self, role: &str, table: &str, rows: &str) -> Result<bool, WarehouseError> {
        let sql = format!(
            "SELECT CASE WHEN pg_has_role({role}, c.relowner, 'MEMBER') OR r.rolsuper THEN 'yes' \
             WHEN NOT has_table_privilege({role}, c.oid, {WRITES}) THEN 'no' \
             WHEN c.relrowsecurity AND NOT r.rolbypassrls THEN 'some' ELSE 'yes' END \
             FROM pg_class c, pg_roles r WHERE c.oid = to_regclass('vmesh_state.{table}') AND r.rolname = {role}",
            role = literal(role)
        );
        match self.texts(&sql)?.first().map(String::as_str) {
            None | Some("no") => return Ok(false),
            Some("some") => {}
            Some(_) => return Ok(true),
        }
        self.run(DOING, "BEGIN TRANSACTION; SET LOCAL lock_timeout = '100ms'")?;
        let tried = self
            .run(DOING, &format!("SET LOCAL ROLE {}", quote(role)))
            .and_then(|()| self.run_one(DOING, &format!("DELETE FROM vmesh_state.{table} WHERE {rows}")));
        self.run(DOING, "ROLLBACK")?;
        Ok(tried? > 0)
    }
}

/// The query that says in words what a role could do to views, what they show, and the schemas that they lie in.
fn asked(role: &str, views: &[TableName]) -> String {
    let role = literal(role);
    let named: Vec<String> = views.iter().map(|view| literal(&view.quoted())).collect();
    let some = "string_agg(DISTINCT name, ', ')";
    format!(
        "WITH view AS (SELECT c.oid, c.relowner, c.relnamespace, CAST(CAST(c.oid AS regclass) AS text) AS name FROM unnest(ARRAY[{}]::text[]) AS v(name) \
          JOIN pg_class c ON c.oid = to_regclass(v.name)), \
         shown AS (SELECT DISTINCT t.oid, t.relowner, '{SNAPSHOTS_SCHEMA}.' || t.relname AS name FROM view \
          JOIN pg_rewrite r ON r.ev_class = view.oid JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass \
          JOIN pg_class t ON t.oid = d.refobjid WHERE t.relnamespace = to_regnamespace('{SNAPSHOTS_SCHEMA}')), \
         owned AS (SELECT relowner AS owner, name FROM view UNION ALL SELECT relowner, name FROM shown), \
         found AS (SELECT 'it is a superuser' AS said FROM pg_roles WHERE rolname = {role} AND rolsuper \
          UNION ALL SELECT 'it is, or may act as, ' || pg_get_userbyid(owner) || ', which owns ' || {some} FROM owned \
          WHERE pg_has_role({role}, owner, 'MEMBER') GROUP BY owner \
          UNION ALL SELECT 'it may write to ' || {some} FROM (SELECT oid, name FROM view UNION ALL SELECT oid, name FROM shown) AS it \
          WHERE has_table_privilege({role}, oid, {WRITES}) HAVING count(*) > 0 \
          UNION ALL SELECT 'it may make things in the schema ' || nspname FROM pg_namespace \
          WHERE oid IN (SELECT relnamespace FROM view) AND has_schema_privilege({role}, oid, 'CREATE')) \
         SELECT said FROM found",
        named.join(", ")
    )
}

/// Makes tables and views of the physical layer this role's: nobody else shall change what prod shows.
pub(super) fn take_over(tables: &BTreeSet<&str>) -> String {
    let body = format!(
        "DECLARE it record; BEGIN FOR it IN SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class \
         WHERE relnamespace = to_regnamespace('{SNAPSHOTS_SCHEMA}') AND relkind IN ('r', 'v') AND relname IN ({}) \
         AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY relname LOOP \
         EXECUTE format('ALTER TABLE {SNAPSHOTS_SCHEMA}.%I OWNER TO CURRENT_USER', it.relname); \
         EXECUTE format('GRANT SELECT ON {SNAPSHOTS_SCHEMA}.%I TO %I', it.relname, it.owner); END LOOP; END",
        list(tables.iter().copied())
    );
    format!("DO {};\n", literal(&body))
}

/// The tables of the physical layer, among some, that this role may not read.
pub(super) fn unreadable(tables: &BTreeSet<&str>) -> String {
    format!(
        "SELECT '{SNAPSHOTS_SCHEMA}.' || relname || ', which ' || pg_get_userbyid(relowner) || ' made' FROM pg_class \
         WHERE relnamespace = to_regnamespace('{SNAPSHOTS_SCHEMA}') AND relkind IN ('r', 'v') AND relname IN ({}) \
         AND NOT has_table_privilege(oid, 'SELECT') ORDER BY relname",
        list(tables.iter().copied())
    )
}
