//! vmesh's own statements in PostgreSQL: rows as text, and what its catalogue says is there.

use std::collections::BTreeSet;

use postgres::SimpleQueryMessage;

use super::Database;
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::{
    Caps, Change, Ledger, PhysicalLayer, Relation, Row, SqlSession, Value, VirtualLayer, list, values,
};
use crate::domain::name::{SNAPSHOTS_SCHEMA, TableName, literal, quote};

impl SqlSession for Database {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        Database::run(self, doing, sql)
    }

    fn all(&self, doing: &str, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        self.go_on()?;
        let messages = self.client.borrow_mut().simple_query(sql).map_err(|error| self.failed(doing, sql, &error))?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some(Row((0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect()))
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    fn insert(&self, doing: &str, table: &str, rows: &[Vec<Value>]) -> Result<(), WarehouseError> {
        match rows {
            [] => Ok(()),
            rows => Database::run(self, doing, &format!("INSERT INTO vmesh_state.{table} VALUES {}", values(rows))),
        }
    }

    fn relations(
        &self,
        schemas: Option<&BTreeSet<String>>,
        names: Option<&BTreeSet<String>>,
    ) -> Result<Vec<Relation>, WarehouseError> {
        let among = |column: &str, texts: Option<&BTreeSet<String>>| match texts {
            Some(texts) => format!(" AND {column} IN ({})", list(texts.iter().map(String::as_str))),
            None => " AND n.nspname NOT IN ('pg_catalog', 'information_schema')".to_owned(),
        };
        let names = names.map_or_else(String::new, |names| among("c.relname", Some(names)));
        self.relations_where(&format!("{}{names}", among("n.nspname", schemas)))
    }

    fn contents(&self, schemas: &BTreeSet<String>) -> Result<Vec<String>, WarehouseError> {
        // whatever lies in a schema depends on it
        let sql = format!(
            "SELECT n.nspname FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid \
             WHERE d.refclassid = 'pg_namespace'::regclass AND n.nspname IN ({})",
            list(schemas.iter().map(String::as_str))
        );
        self.all("reading what is there", &sql)?.iter().map(|row| row.get(0)).collect()
    }
}

impl VirtualLayer for Database {
    fn change_views(&self, doing: &str, changes: &[Change]) -> Result<(), WarehouseError> {
        Database::run(self, doing, &Ledger(self).at_once(changes))
    }
}

impl PhysicalLayer for Database {
    fn drop_physical(&self, doing: &str, kind: &str, tables: &[&TableName]) -> Result<(), WarehouseError> {
        if tables.is_empty() {
            return Ok(());
        }
        let names = list(tables.iter().map(|table| table.name.as_str()));
        // what was made last stands on what was made before
        let body = format!(
            "DECLARE it record; BEGIN FOR it IN SELECT relname FROM pg_class \
             WHERE relnamespace = to_regnamespace('{SNAPSHOTS_SCHEMA}') AND relname IN ({names}) ORDER BY oid DESC LOOP \
             BEGIN EXECUTE format('DROP {kind} {SNAPSHOTS_SCHEMA}.%I', it.relname); \
             EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END; END LOOP; END"
        );
        Database::run(self, doing, &format!("DO {}", literal(&body)))
    }

    fn put_in_place(
        &self,
        doing: &str,
        kind: &str,
        table: &TableName,
        original: &TableName,
    ) -> Result<(), WarehouseError> {
        let make = format!("CREATE {kind} {} AS SELECT * FROM {}", table.quoted(), original.quoted());
        self.replace(doing, table, || Database::run(self, doing, &make))
    }
}

impl Database {
    /// The tables and views of a condition. The server locks each view that it prints.
    fn relations_where(&self, condition: &str) -> Result<Vec<Relation>, WarehouseError> {
        // a view that shows one table has its columns, by their names, and nothing besides: what is printed of it then
        let printed = |side: &str| {
            format!(
                "(SELECT ' SELECT ' || string_agg({side}quote_ident(attname), E',\\n    ' ORDER BY attnum) FROM pg_attribute \
                 WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped) \
                 || E'\\n   FROM {SNAPSHOTS_SCHEMA}.' || quote_ident(t.relname) || ';'"
            )
        };
        // what stands in the physical layer shows none of it to anyone
        let is_shown = format!("c.relkind = 'v' AND n.nspname <> '{SNAPSHOTS_SCHEMA}'");
        let sql = format!(
            "SELECT n.nspname, c.relname, c.relkind IN ('v', 'm'), \
             CASE WHEN c.relkind IN ('v', 'm') THEN EXISTS (SELECT 1 FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid \
              AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass JOIN pg_class t ON t.oid = d.refobjid \
              JOIN pg_namespace s ON s.oid = t.relnamespace WHERE r.ev_class = c.oid AND s.nspname LIKE 'sqlmesh\\_\\_%') END, \
             CASE WHEN {is_shown} THEN (SELECT t.relname FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid \
              AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid \
              JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace s ON s.oid = t.relnamespace \
              WHERE r.ev_class = c.oid AND s.nspname = '{SNAPSHOTS_SCHEMA}' \
              AND pg_get_viewdef(c.oid) IN ({}, {}) LIMIT 1) END \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_(toast|temp)'{condition}",
            printed(""),
            printed("quote_ident(t.relname) || '.' || ")
        );
        let rows = self.all("reading what is there", &sql)?;
        rows.iter().map(relation).collect()
    }

    /// The views of environments that show a table, or a view of a model that reads it.
    pub(super) fn views_above(&self, table: &TableName) -> Result<Vec<TableName>, WarehouseError> {
        let condition = format!(
            " AND n.nspname <> '{SNAPSHOTS_SCHEMA}' AND c.oid IN (WITH RECURSIVE above AS (SELECT CAST(to_regclass({}) AS oid) AS oid \
             UNION SELECT r.ev_class FROM above JOIN pg_depend d ON d.refobjid = above.oid \
             AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass \
             JOIN pg_rewrite r ON r.oid = d.objid) SELECT oid FROM above)",
            literal(&table.quoted())
        );
        let ours = |relation: &Relation| relation.is_view && relation.shows.is_some();
        Ok(self.relations_where(&condition)?.into_iter().filter(ours).map(|relation| relation.place).collect())
    }

    /// The views that show a table: nothing else is looked at, since other builders may have locked it.
    pub(super) fn views_of(&self, table: &TableName) -> Result<Vec<TableName>, WarehouseError> {
        let condition = format!(
            " AND c.oid IN (SELECT r.ev_class FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid \
             AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass \
             WHERE d.refobjid = to_regclass({}))",
            literal(&table.quoted())
        );
        let shows = |relation: &Relation| relation.is_view && relation.shows.as_ref() == Some(table);
        Ok(self.relations_where(&condition)?.into_iter().filter(shows).map(|relation| relation.place).collect())
    }
}

/// Makes a view show a table: in its place where it has the same columns, or more behind them, and so what stands on it stays;
/// made anew otherwise, with what was granted on it, and no more. Comments are none of it.
pub(super) fn show(view: &str, table: &str) -> String {
    show_with(view, table, "")
}

/// The same, and its comments stay, those of columns that it still has.
pub(super) fn show_as_said(view: &str, table: &str) -> String {
    let again = "FOR it IN SELECT d.text, a.attname FROM unnest(said) WITH ORDINALITY AS d(text, n) \
                 LEFT JOIN pg_attribute a ON a.attrelid = place AND a.attname = columns[d.n] \
                 WHERE columns[d.n] = '' OR a.attname IS NOT NULL LOOP \
                 IF it.attname IS NULL THEN EXECUTE format('COMMENT ON VIEW %s IS %L', name, it.text); \
                 ELSE EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', name, it.attname, it.text); END IF; END LOOP;";
    show_with(view, table, again)
}

/// Makes some roles the only ones that may read a view, besides its owner.
pub(super) fn readers(view: &str, roles: &BTreeSet<String>) -> String {
    let body = format!(
        "DECLARE it record; BEGIN FOR it IN SELECT a.grantee, coalesce(r.rolname::text, 'public') AS name FROM pg_class c \
         CROSS JOIN aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee \
         WHERE c.oid = to_regclass({view}) AND a.grantee <> c.relowner AND a.privilege_type = 'SELECT' LOOP \
         IF it.name <> ALL (ARRAY[{roles}]::text[]) THEN EXECUTE format('REVOKE SELECT ON %s FROM %s CASCADE', {view}, \
         CASE it.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(it.name) END); END IF; END LOOP; END",
        view = literal(view),
        roles = list(roles.iter().map(String::as_str)),
    );
    let named = |role: &String| if role.eq_ignore_ascii_case("public") { "PUBLIC".to_owned() } else { quote(role) };
    let roles: Vec<String> = roles.iter().map(named).collect();
    let grant = match roles.is_empty() {
        true => String::new(),
        false => format!("GRANT SELECT ON {view} TO {};\n", roles.join(", ")),
    };
    format!("DO {};\n{grant}", literal(&body))
}

fn show_with(view: &str, table: &str, comments: &str) -> String {
    let who = "CASE it.grantee WHEN 0 THEN 'PUBLIC' ELSE it.grantee::regrole::text END";
    let described = "pg_description d LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0 \
                     WHERE d.classoid = 'pg_class'::regclass AND d.objoid = place";
    let body = format!(
        "DECLARE name text := {name}; place oid := to_regclass(name); me oid; acl aclitem[]; said text[]; columns text[]; options text[]; it record; \
         BEGIN SELECT array_agg(d.description), array_agg(coalesce(a.attname::text, '')) INTO said, columns FROM {described}; \
         SELECT reloptions INTO options FROM pg_class WHERE oid = place; \
         BEGIN CREATE OR REPLACE VIEW {view} AS SELECT * FROM {table}; \
         EXCEPTION WHEN invalid_table_definition THEN \
         IF EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = place AND attacl IS NOT NULL) \
         OR EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = place AND NOT tgisinternal) \
         OR EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = place AND rulename <> '_RETURN') THEN \
         RAISE EXCEPTION 'view % changes its columns, and has rights on columns, rules or triggers that would be lost', name \
         USING HINT = 'Drop these, promote, and make them again.'; END IF; \
         SELECT relacl, relowner INTO acl, me FROM pg_class WHERE oid = place; \
         DROP VIEW {view}; CREATE VIEW {view} AS SELECT * FROM {table}; place := to_regclass(name); \
         FOR it IN SELECT (aclexplode(relacl)).* FROM pg_class WHERE oid = place LOOP \
         IF it.grantee <> me THEN EXECUTE format('REVOKE ALL ON %s FROM %s', name, {who}); END IF; END LOOP; \
         FOR it IN SELECT * FROM aclexplode(acl) WHERE grantee <> me LOOP \
         EXECUTE format('GRANT %s ON %s TO %s%s', it.privilege_type, name, {who}, \
         CASE WHEN it.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END); END LOOP; END; \
         IF options IS NOT NULL THEN EXECUTE format('ALTER VIEW %s SET (%s)', name, array_to_string(options, ', ')); END IF; \
         IF said IS NOT NULL THEN FOR it IN SELECT a.attname FROM {described} LOOP \
         IF it.attname IS NULL THEN EXECUTE format('COMMENT ON VIEW %s IS NULL', name); \
         ELSE EXECUTE format('COMMENT ON COLUMN %s.%I IS NULL', name, it.attname); END IF; END LOOP; {comments} END IF; END",
        name = literal(view)
    );
    format!("DO {};\n", literal(&body))
}

fn relation(row: &Row) -> Result<Relation, WarehouseError> {
    let (schema, name): (String, String) = (row.get(0)?, row.get(1)?);
    let (is_sqlmesh, shows): (Option<bool>, Option<String>) = (row.get(3)?, row.get(4)?);
    Ok(Relation {
        place: TableName { schema, name },
        is_view: row.get(2)?,
        shows: shows.map(TableName::physical),
        is_sqlmesh: is_sqlmesh == Some(true),
    })
}
