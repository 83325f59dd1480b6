//! A schema of views that takes the place of another: readers wait for two names in the catalogue, not for each view.

use crate::adapter::engine::records::{Others, Swap};
use crate::domain::name::literal;

/// In place, a view takes a third of a millisecond: some tens of them are no wait that anyone would notice.
pub(super) const SWAP: Swap = Swap { above: 50, is_free, moment: MOMENT, copy, clear };

/// Transactions that only read have no number, and this one's own is not told.
const MOMENT: &str = "SELECT pg_current_snapshot()::text";

/// Locks views until the transaction ends, all at once: one after the other they would take long enough for a reader to come
/// between.
pub(super) fn lock(views: &[String], others: Others) -> String {
    match others {
        Others::Changing => format!("LOCK TABLE {} IN ACCESS SHARE MODE;\n", views.join(", ")),
        Others::Reading => {
            format!("DO {};\n", literal(&format!("DECLARE {HELD} BEGIN {} END", keeping_readers_off(views))))
        }
    }
}

/// What the block below declares.
pub(super) const HELD: &str = "held record;";

/// The block that keeps readers off views. LOCK TABLE takes what a view shows as well: where that is another role's, each view is
/// told the owner that it has, which locks it alone.
pub(super) fn keeping_readers_off(views: &[String]) -> String {
    let names: Vec<String> = views.iter().map(|view| literal(view)).collect();
    format!(
        "BEGIN LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; EXCEPTION WHEN insufficient_privilege THEN \
         FOR held IN SELECT CAST(c.oid AS regclass) AS name, pg_get_userbyid(c.relowner) AS owner \
         FROM unnest(ARRAY[{}]::text[]) AS v(name) JOIN pg_class c ON c.oid = to_regclass(v.name) LOOP \
         EXECUTE format('ALTER VIEW %s OWNER TO %I', held.name, held.owner); END LOOP; END;",
        views.join(", "),
        names.join(", ")
    )
}

/// Whether a schema and its views are ours, and nothing depends on them: views and functions of users', their own rules and
/// triggers, rights on single columns, rights that things to come shall have.
fn is_free(schema: &str) -> String {
    let schema = literal(schema);
    format!(
        "WITH ours AS (SELECT c.oid, c.reltype, c.relowner, c.reloptions, t.typarray FROM pg_class c JOIN pg_type t ON t.oid = c.reltype \
         WHERE c.relnamespace = to_regnamespace(quote_ident({schema}))), \
         me AS (SELECT oid FROM pg_roles WHERE rolname = current_user) \
         SELECT nspowner = (SELECT oid FROM me) \
         AND NOT EXISTS (SELECT 1 FROM ours WHERE relowner <> (SELECT oid FROM me) OR reloptions IS NOT NULL) \
         AND NOT EXISTS (SELECT 1 FROM pg_default_acl WHERE defaclnamespace = n.oid) \
         AND NOT EXISTS (SELECT 1 FROM pg_attribute a JOIN ours ON a.attrelid = ours.oid WHERE a.attacl IS NOT NULL) \
         AND NOT EXISTS (SELECT 1 FROM pg_depend d JOIN ours ON d.refobjid = ours.oid \
          WHERE d.refclassid = 'pg_class'::regclass AND d.deptype IN ('n', 'a') AND NOT EXISTS (SELECT 1 FROM pg_rewrite r \
          WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class = ours.oid AND r.rulename = '_RETURN')) \
         AND NOT EXISTS (SELECT 1 FROM pg_depend d JOIN ours ON d.refobjid IN (ours.reltype, ours.typarray) \
          WHERE d.refclassid = 'pg_type'::regclass AND d.deptype = 'n') \
         AND NOT EXISTS (SELECT 1 FROM pg_rewrite r JOIN ours ON r.ev_class = ours.oid WHERE r.rulename <> '_RETURN') \
         FROM pg_namespace n WHERE nspname = {schema}"
    )
}

/// Gives a schema and its views what was granted on another, and the views of the same names there: that and no more, whatever
/// new things get by default.
fn copy(from: &str, to: &str) -> String {
    let (from, to) = (literal(from), literal(to));
    let schema = |name: &str| format!("(SELECT oid FROM pg_namespace WHERE nspname = {name})");
    let (old, new) = (schema(&from), schema(&to));
    let who = "CASE it.grantee WHEN 0 THEN 'PUBLIC' ELSE it.grantee::regrole::text END";
    let grantable = "CASE WHEN it.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END";
    let body = format!(
        "DECLARE it record; BEGIN \
         FOR it IN SELECT (aclexplode(nspacl)).*, nspowner AS owner FROM pg_namespace WHERE oid = {new} LOOP \
         IF it.grantee <> it.owner THEN EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %s', {to}, {who}); END IF; END LOOP; \
         FOR it IN SELECT (aclexplode(nspacl)).*, nspowner AS owner FROM pg_namespace WHERE oid = {old} LOOP \
         IF it.grantee <> it.owner THEN EXECUTE format('GRANT %s ON SCHEMA %I TO %s%s', it.privilege_type, {to}, {who}, \
         {grantable}); END IF; END LOOP; \
         FOR it IN SELECT (aclexplode(n.relacl)).*, n.relowner AS owner, n.relname FROM pg_class n JOIN pg_class o \
         ON o.relname = n.relname AND o.relnamespace = {old} WHERE n.relnamespace = {new} LOOP \
         IF it.grantee <> it.owner THEN EXECUTE format('REVOKE ALL ON %I.%I FROM %s', {to}, it.relname, {who}); \
         END IF; END LOOP; \
         FOR it IN SELECT (aclexplode(o.relacl)).*, o.relowner AS owner, n.relname FROM pg_class n JOIN pg_class o \
         ON o.relname = n.relname AND o.relnamespace = {old} WHERE n.relnamespace = {new} LOOP \
         IF it.grantee <> it.owner THEN EXECUTE format('GRANT %s ON %I.%I TO %s%s', it.privilege_type, {to}, it.relname, \
         {who}, {grantable}); END IF; END LOOP; \
         FOR it IN SELECT obj_description({old}, 'pg_namespace') AS text LOOP \
         IF it.text IS NOT NULL THEN EXECUTE format('COMMENT ON SCHEMA %I IS %L', {to}, it.text); END IF; END LOOP; END"
    );
    format!("DO {};\n", literal(&body))
}

/// Drops schemas and their views, some hundred of them at a time: the server can't lock as many as one likes at once. Where
/// somebody still reads one, the rest goes another time.
fn clear(prefix: &str) -> String {
    // a schema goes once all have ended who could be making something in it: the server would drop it under them
    let pattern = literal(&format!("{}%", prefix.replace('_', "\\_")));
    let body = format!(
        "DECLARE it record; dropped int := 0; is_held bool := false; BEGIN \
         PERFORM set_config('lock_timeout', '100ms', false); \
         FOR it IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname LIKE {pattern} AND c.relkind = 'v' LOOP \
         BEGIN EXECUTE format('DROP VIEW %I.%I', it.nspname, it.relname); \
         EXCEPTION WHEN lock_not_available THEN is_held := true; WHEN dependent_objects_still_exist THEN NULL; END; \
         EXIT WHEN is_held; dropped := dropped + 1; IF dropped % 200 = 0 THEN COMMIT; END IF; END LOOP; \
         FOR it IN SELECT nspname FROM pg_namespace n WHERE nspname LIKE {pattern} \
         AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = n.oid) \
         AND NOT EXISTS (SELECT 1 FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid() \
         AND (a.datname IS NULL OR a.datname = current_database()) AND age(l.transactionid) >= age(n.xmin)) LOOP \
         EXECUTE format('DROP SCHEMA %I', it.nspname); END LOOP; \
         PERFORM set_config('lock_timeout', '0', false); END"
    );
    format!("DO {};\n", literal(&body))
}
