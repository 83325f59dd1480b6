//! What a query calls, as the server has read it: a second look behind the gate, which knows its words alone.
//!
//! A view that nobody reads holds the query as the server's parser made it of the text, whatever the spelling: each function,
//! operator and cast is in there by its number.

use super::Database;
use crate::adapter::engine::records::{SqlSession, list};
use crate::adapter::engine::{BuildError, WarehouseError};
use crate::domain::sql::policy;

/// The view, which lies among temporary things.
const PROBE: &str = "pg_temp.vmesh_probe";

impl Database {
    /// Refuses a query that calls anything but PostgreSQL's own functions that compute, its operators and its casts.
    pub(super) fn look_at_calls(&self, doing: &str, query: &str) -> Result<(), WarehouseError> {
        self.run(doing, &format!("DROP VIEW IF EXISTS {PROBE}"))?;
        self.run_one(doing, &format!("CREATE TEMP VIEW vmesh_probe AS\n{query}"))?;
        let found = self.all(doing, &calls())?;
        self.run(doing, &format!("DROP VIEW {PROBE}"))?;
        let Some(call) = found.first() else { return Ok(()) };
        Err(BuildError::Unfit {
            what: format!("this calls {}: vmesh doesn't know that it only computes", call.get::<String>(0)?),
            help: "PostgreSQL's own functions that compute can be called; the owner of the database may wrap others in a view",
        }
        .into())
    }
}

/// The query of what the view calls that it may not.
fn calls() -> String {
    let own = "oprnamespace = 'pg_catalog'::regnamespace";
    let plain =
        |column: &str| format!("(SELECT typnamespace FROM pg_type WHERE oid = {column}) = 'pg_catalog'::regnamespace");
    format!(
        "SELECT p.oid::regprocedure::text FROM (SELECT DISTINCT found[2]::oid AS oid FROM pg_rewrite, \
         regexp_matches(ev_action::text, ':(funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS found \
         WHERE ev_class = to_regclass('{PROBE}')) AS called JOIN pg_proc p ON p.oid = called.oid \
         WHERE NOT (p.pronamespace = 'pg_catalog'::regnamespace AND (p.proname IN ({}) \
         OR p.oid IN (SELECT oprcode FROM pg_operator WHERE {own}) \
         OR p.oid IN (SELECT castfunc FROM pg_cast WHERE {} AND {}))) ORDER BY 1 LIMIT 1",
        list(policy::functions_of_postgres()),
        plain("castsource"),
        plain("casttarget")
    )
}
