//! What a query calls, as the server has read it: a second look behind the gate, which knows its words alone.
//!
//! A function that nobody calls holds the query, or the statement, as the server's parser made it of the text, whatever the
//! spelling: each function, operator and cast is in there by its number.

use super::Database;
use crate::adapter::engine::records::{Row, SqlSession, list};
use crate::adapter::engine::{BuildError, WarehouseError};
use crate::domain::model::Run;
use crate::domain::name::SNAPSHOTS_SCHEMA;
use crate::domain::sql::policy;

/// The function, which lies among temporary things.
const PROBE: &str = "pg_temp.vmesh_probe()";

impl Database {
    /// Refuses a query, or a statement that changes rows, which calls anything but PostgreSQL's own functions that compute,
    /// its operators and its casts.
    pub(super) fn look_at_calls(&self, doing: &str, text: &str) -> Result<(), WarehouseError> {
        // a line before the text, as in what runs it
        let make = format!("CREATE OR REPLACE FUNCTION {PROBE} RETURNS void LANGUAGE sql BEGIN ATOMIC\n{text}\n; END");
        self.run_one(doing, &make)?;
        let found = self.all(doing, &calls())?;
        self.run(doing, &format!("DROP FUNCTION {PROBE}"))?;
        refuse(&found)
    }

    /// The same of a statement around a query. What an index computes can't name a table, and calls what the gate lets pass.
    pub(super) fn look_at_statement(&self, doing: &str, statement: &Run) -> Result<(), WarehouseError> {
        let is_change = ["INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| statement.sql.starts_with(verb));
        match &statement.query {
            Some(query) => self.look_at_calls(doing, query),
            None if is_change => self.look_at_calls(doing, &statement.sql),
            None => Ok(()),
        }
    }
}

fn refuse(found: &[Row]) -> Result<(), WarehouseError> {
    let Some(call) = found.first() else { return Ok(()) };
    Err(BuildError::Unfit {
        what: call.get::<String>(0)?,
        help: "PostgreSQL's own functions that compute can be called, and models read by their names; the owner of the database may \
               wrap other things in a view",
    }
    .into())
}

/// The query of what the function calls or reads that it may not. Where there is no function, nobody has looked.
fn calls() -> String {
    let own = "oprnamespace = 'pg_catalog'::regnamespace";
    let plain =
        |column: &str| format!("(SELECT typnamespace FROM pg_type WHERE oid = {column}) = 'pg_catalog'::regnamespace");
    format!(
        "WITH read AS (SELECT prosqlbody::text AS tree FROM pg_proc WHERE oid = to_regprocedure('{PROBE}')) \
         SELECT 'this calls ' || p.oid::regprocedure || ': vmesh doesn''t know that it only computes' FROM (SELECT DISTINCT found[2]::oid AS oid FROM read, \
         regexp_matches(tree, ':(funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) ([0-9]+)', 'g') AS found) AS called \
         JOIN pg_proc p ON p.oid = called.oid \
         WHERE NOT (p.pronamespace = 'pg_catalog'::regnamespace AND (p.proname IN ({}) \
         OR p.oid IN (SELECT oprcode FROM pg_operator WHERE {own}) \
         OR p.oid IN (SELECT castfunc FROM pg_cast WHERE {} AND {}))) \
         UNION ALL SELECT 'this reads ' || c.oid::regclass || ' past the environment' FROM read, \
         regexp_matches(tree, ':relid ([0-9]+)', 'g') AS found JOIN pg_class c ON c.oid = found[1]::oid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'vmesh_state' \
         OR n.nspname <> '{SNAPSHOTS_SCHEMA}' AND n.nspname !~ '^pg_temp' AND EXISTS (SELECT 1 FROM pg_rewrite r \
         JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass \
         JOIN pg_class t ON t.oid = d.refobjid WHERE r.ev_class = c.oid \
         AND t.relnamespace = to_regnamespace('{SNAPSHOTS_SCHEMA}')) \
         UNION ALL SELECT 'there is nothing that can be looked at' WHERE NOT EXISTS (SELECT 1 FROM read WHERE tree IS NOT NULL) \
         ORDER BY 1 LIMIT 1",
        list(policy::functions_of_postgres()),
        plain("castsource"),
        plain("casttarget")
    )
}
