//! The everyday road on PostgreSQL: real git, the real vmesh, and a server that `tests/postgres/run.sh` starts.

use std::sync::atomic::{AtomicBool, Ordering};

use std::time::Duration;

use postgres::{IsolationLevel, Transaction};

use crate::support::postgres::connect;
use crate::support::{Done, Sandbox};

/// A repository whose warehouse is a database of its own.
struct Shop {
    sandbox: Sandbox,
}

impl Shop {
    fn empty() -> Self {
        Self { sandbox: Sandbox::on_postgres() }
    }

    /// The same with models on main and hooks installed.
    fn with_models(models: &[(&str, &str)]) -> Self {
        let shop = Self::empty();
        for (name, sql) in models {
            shop.sandbox.model(name, sql);
        }
        shop.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT * FROM (VALUES (1, 10), (2, 20)) AS t(id, amount)",
        );
        shop.git("add --all").good();
        shop.git("commit --quiet -m models").good();
        shop.vmesh("hooks install").good();
        shop
    }

    fn promoted(models: &[(&str, &str)]) -> Self {
        let shop = Self::with_models(models);
        shop.vmesh("promote --yes").good();
        shop
    }

    fn vmesh(&self, args: &str) -> Done {
        self.run(&format!("vmesh {args}"))
    }

    fn git(&self, args: &str) -> Done {
        self.run(&format!("git {args}"))
    }

    fn run(&self, script: &str) -> Done {
        self.sandbox.shell(script)
    }

    fn sql(&self, sql: &str) {
        self.sandbox.sql(sql);
    }

    /// The rows of a query: values side by side.
    #[track_caller]
    fn rows(&self, sql: &str) -> Vec<String> {
        self.sandbox.rows(sql).into_iter().map(|row| row.join(" ")).collect()
    }

    #[track_caller]
    fn value(&self, sql: &str) -> String {
        self.rows(sql).join(", ")
    }

    fn tables(&self) -> Vec<String> {
        self.rows("SELECT relname FROM pg_class WHERE relnamespace = 'vmesh_snapshots'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1")
    }

    /// What is there is what the records say, and there is nothing to do.
    fn is_sound(&self) {
        let lost = "SELECT count(*) FROM vmesh_state.pointers p WHERE to_regclass('vmesh_snapshots.' || quote_ident(p.table_name)) IS NULL";
        assert_eq!(self.value(lost), "0", "a pointer leads nowhere");
    }
}

const SHOP: [(&str, &str); 3] = [
    ("orders", "SELECT id, amount FROM raw.orders"),
    ("marts.totals", "SELECT sum(amount) AS total, count(*) AS n FROM orders"),
    ("marts.big", "MODEL (kind VIEW);\nSELECT id FROM orders WHERE amount > 15"),
];

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn branches_have_environments_and_a_merge_moves_prod() {
    let shop = Shop::promoted(&SHOP);
    assert_eq!(shop.value("SELECT total, n FROM marts.totals"), "30 2");
    assert_eq!(shop.value("SELECT id FROM marts.big"), "2");
    let tables = shop.tables();
    let told = shop.git("switch --create alice").good();
    assert!(!told.contains("error"), "{told}");
    assert_eq!(shop.value("SELECT total FROM dev__alice__marts.totals"), "30");
    assert_eq!(shop.tables(), tables, "a branch that changes nothing makes nothing");
    shop.sandbox.model("marts.totals", "SELECT sum(amount) * 2 AS doubled FROM orders");
    shop.git("commit --quiet --all -m double").good();
    assert_eq!(shop.value("SELECT doubled FROM dev__alice__marts.totals"), "60");
    assert_eq!(shop.value("SELECT total FROM marts.totals"), "30");
    assert_eq!(shop.tables().len(), tables.len() + 1, "only what changed is made");
    shop.git("switch --quiet main && git merge --quiet --no-edit alice").good();
    assert_eq!(shop.value("SELECT doubled FROM marts.totals"), "60", "other columns in the same view");
    assert_eq!(shop.tables().len(), tables.len() + 1, "what the branch built is what prod shows");
    shop.vmesh("rollback --yes").good();
    assert_eq!(shop.value("SELECT total FROM marts.totals"), "30");
    shop.vmesh("promote --yes").good();
    shop.git("branch --quiet -D alice").good();
    shop.vmesh("gc --yes").good();
    assert_eq!(shop.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'dev%'"), "0");
    assert!(shop.vmesh("status").good().contains("prod"));
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn what_is_in_the_way_stays_and_what_users_made_is_not_dropped() {
    let shop = Shop::with_models(&SHOP);
    shop.sql("CREATE SCHEMA prod; CREATE TABLE prod.orders AS SELECT 7 AS mine");
    let told = shop.vmesh("promote --yes").fails(1);
    assert!(told.contains("prod.orders"), "{told}");
    assert_eq!(shop.value("SELECT mine FROM prod.orders"), "7");
    shop.sql("DROP TABLE prod.orders");
    shop.vmesh("promote --yes").good();
    shop.sql("CREATE VIEW public.mine AS SELECT id FROM prod.orders");
    shop.sandbox.model("orders", "SELECT id, amount, 1 AS one FROM raw.orders");
    shop.git("add --all").good();
    shop.git("commit --quiet -m one").good();
    assert_eq!(shop.value("SELECT one FROM prod.orders LIMIT 1"), "1", "a column more needs no new view");
    shop.sandbox.model("orders", "SELECT 1 AS one, id FROM raw.orders");
    shop.sandbox.model("marts.totals", "SELECT count(*) AS n FROM orders");
    shop.sandbox.model("marts.big", "SELECT id FROM orders");
    shop.git("add --all").good();
    let told = shop.git("commit --quiet -m other");
    let again = shop.vmesh("promote --yes");
    assert_eq!(again.code, Some(1), "{told:?} {again:?}");
    assert!(again.err.contains("view public.mine depends on view prod.orders"), "{}", again.err);
    assert_eq!(shop.value("SELECT count(*) FROM public.mine"), "2", "a view of the user's still stands");
    shop.sql("DROP VIEW public.mine");
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.value("SELECT one FROM prod.orders LIMIT 1"), "1");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn rows_that_come_later_are_taken_in_by_runs_and_restatements() {
    let shop = Shop::promoted(&SHOP);
    shop.sql("INSERT INTO raw.orders VALUES (3, 30)");
    let told = shop.vmesh("run prod --ignore-cron").good();
    assert!(told.contains("ran 2 models"), "{told}");
    assert_eq!(shop.value("SELECT total, n FROM marts.totals"), "60 3");
    shop.sql("UPDATE raw.orders SET amount = 100 WHERE id = 3");
    shop.vmesh("plan prod --yes --restate-model orders").good();
    assert_eq!(shop.value("SELECT total, n FROM marts.totals"), "130 3");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn seeds_have_types_and_audits_stop_what_is_wrong() {
    let shop = Shop::with_models(&SHOP);
    shop.sandbox.write("seeds/rates.csv", "day,rate,note,n\n2026-01-01,1.5,\"a, b\",1\n2026-01-02,,x,2\n");
    let model = "MODEL (name rates, kind SEED (path '../seeds/rates.csv'))";
    shop.sandbox.write("models/rates.sql", &format!("{model};\n"));
    let types = "SELECT string_agg(data_type, ', ' ORDER BY ordinal_position) FROM information_schema.columns \
                 WHERE table_schema = 'prod' AND table_name = 'rates'";
    shop.git("add --all").good();
    shop.git("commit --quiet -m rates").good();
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.value(types), "date, numeric, text, bigint");
    assert_eq!(shop.rows("SELECT * FROM prod.rates ORDER BY day"), ["2026-01-01 1.5 a, b 1", "2026-01-02 NULL x 2"]);
    shop.sandbox
        .model("orders", "MODEL (audits (not_null(columns := (id)), no_tens));\nSELECT id, amount FROM raw.orders");
    shop.sandbox.write("audits/no_tens.sql", "AUDIT (name no_tens);\nSELECT * FROM @this_model WHERE amount = 10\n");
    shop.git("add --all").good();
    let told = shop.git("commit --quiet -m audited");
    assert!(told.err.contains("no_tens"), "{told:?}");
    let told = shop.vmesh("promote --yes").fails(1);
    assert!(told.contains("no_tens") && told.contains("10"), "{told}");
    assert_eq!(shop.value("SELECT count(*) FROM prod.orders"), "2");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn strangers_call_nothing_that_acts() {
    let shop = Shop::promoted(&SHOP);
    // what the owner of the database has there, and nobody shall read or call by chance
    shop.sql(
        "CREATE TABLE public.orders AS SELECT 66 AS id; \
         CREATE FUNCTION public.acts(record) RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM raw.orders; RETURN 1; END'; \
         CREATE FUNCTION public.first(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM raw.orders; RETURN 1; END'; \
         CREATE FUNCTION public.acts_too(int, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN DELETE FROM raw.orders; RETURN true; END'; \
         CREATE SEQUENCE public.seq; \
         CREATE OPERATOR pg_catalog.@> (leftarg = int, rightarg = int, function = public.acts_too)",
    );
    shop.git("switch --quiet --create mallory").good();
    for (query, called) in [
        ("SELECT pg_read_file('/etc/passwd') AS x", "pg_read_file"),
        ("SELECT set_config('x.y', 'z', false) AS x", "set_config"),
        ("SELECT query_to_xml('DROP TABLE raw.orders', true, true, '') AS x", "query_to_xml"),
        ("WITH gone AS (DELETE FROM raw.orders RETURNING id) SELECT id FROM gone", "may write"),
        ("SELECT id INTO raw.copy FROM raw.orders", "may write"),
        ("SELECT usename FROM pg_shadow", "the server's own"),
        ("SELECT * FROM ONLY orders", "the table behind this"),
        ("SELECT s.acts AS x FROM (SELECT 1 AS a) s", "does not exist"),
        ("SELECT first(1) AS x", "does not exist"),
        ("SELECT NULL::prod.orders AS x", "can't cast to this type"),
        ("WITH \"Orders\" AS (SELECT 5 AS id) SELECT * FROM orders", "orders"),
        ("SELECT id FROM shop.prod.orders", "a database's name"),
        ("WITH RECURSIVE a AS (SELECT id FROM orders), orders AS (SELECT 5 AS id) SELECT * FROM a", "WITH RECURSIVE"),
        ("SELECT 1 AS x; DROP TABLE raw.orders", "no statement that can stand around a query"),
        ("SELECT ('public.seq').nextval AS x", "a field is taken of a value"),
        ("SELECT o AS x FROM raw.orders AS o", "would hold rows of a table"),
        ("SELECT g.nextval AS x FROM unnest(ARRAY['public.seq']) AS g", "this calls nextval(regclass)"),
        (
            "CREATE TEMP TABLE t AS SELECT g.nextval AS n FROM unnest(ARRAY['public.seq']) AS g;\nSELECT 1 AS x",
            "this calls nextval(regclass)",
        ),
        (
            "CREATE TEMP VIEW v AS SELECT g.ts_stat IS NULL AS n FROM unnest(ARRAY['SELECT 1']) AS g;\nSELECT 1 AS x",
            "this calls ts_stat(text)",
        ),
        (
            "SELECT 1::bigint AS x;\nUPDATE @this_model SET x = g.nextval FROM unnest(ARRAY['public.seq']) AS g",
            "this calls nextval(regclass)",
        ),
        ("SELECT 1 AS x FROM raw.orders WHERE id @> 1", "acts_too(integer,integer)"),
        ("CREATE TEMP TABLE v AS SELECT 1 AS a;\nDELETE FROM v;\nSELECT 1 AS x", "may not touch `v`"),
        ("CREATE TEMP VIEW \"V\" AS SELECT * FROM raw.orders;\nDELETE FROM \"V\";\nSELECT 1 AS x", "may not touch `V`"),
        ("SELECT id FROM \"Orders\"", "\"Orders\""),
    ] {
        shop.sandbox.write("models/evil.sql", &format!("MODEL (name evil);\n{query}\n"));
        let told = shop.vmesh("plan --yes").fails(1);
        assert!(told.contains(called), "{query}: {told}");
    }
    for (header, told) in [
        ("kind INCREMENTAL_BY_UNIQUE_KEY (unique_key (lo_import('/etc/hostname')))", "can't call `lo_import`"),
        ("kind INCREMENTAL_BY_UNIQUE_KEY (unique_key (public.first(id)))", "can't call `first`"),
        ("kind INCREMENTAL_BY_PARTITION, partitioned_by (('public.seq').nextval)", "a field is taken of a value"),
        ("kind SCD_TYPE_2_BY_COLUMN (unique_key (id::regclass::text), columns (id))", "can't cast to this type"),
        ("kind INCREMENTAL_BY_UNIQUE_KEY (unique_key (id FROM raw.orders))", "more than an expression"),
        ("columns (id regclass)", "none of PostgreSQL's own plain types"),
    ] {
        shop.sandbox.write("models/evil.sql", &format!("MODEL (name evil, {header});\nSELECT id FROM raw.orders\n"));
        let said = shop.vmesh("plan --yes").fails(1);
        assert!(said.contains(told), "{header}: {said}");
    }
    // a test sees what it gives
    shop.sandbox.write("models/evil.sql", "MODEL (name evil);\nSELECT id FROM raw.orders\n");
    for query in ["SELECT id FROM raw.orders", "SELECT id FROM marts.totals"] {
        let test = format!(
            "test_evil:\n  model: evil\n  inputs: {{raw.orders: {{query: '{query}'}}}}\n  outputs: {{query: [{{id: 1}}]}}\n"
        );
        shop.sandbox.write("tests/test_evil.yaml", &test);
        let done = shop.vmesh("test");
        assert!(done.code == Some(1) && done.out.contains("of which the test gives no rows"), "{query}: {done:?}");
    }
    assert_eq!(shop.value("SELECT count(*) FROM raw.orders"), "2");
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn an_error_points_at_the_line_that_was_written() {
    let shop = Shop::promoted(&SHOP);
    shop.git("switch --quiet --create alice").good();
    shop.sandbox.model("marts.totals", "SELECT\n  sum(amout) AS total\nFROM orders");
    let told = shop.vmesh("plan --yes").fails(1);
    assert!(told.contains("models/marts/totals.sql:2:7") || told.contains("totals.sql:2:7"), "{told}");
    assert!(told.contains("column \"amout\" does not exist"), "{told}");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_promotion_that_is_killed_leaves_all_or_nothing() {
    let shop = Shop::promoted(&SHOP);
    for (moment, amount) in [("publish:begin", 2), ("publish:views", 3), ("publish:records", 4), ("publish:done", 5)] {
        shop.sandbox.model("orders", &format!("SELECT id, amount * {amount} AS amount FROM raw.orders"));
        shop.run("export VMESH_HOOKS=off; git add --all && git -c core.hooksPath=/dev/null commit --quiet -m more")
            .good();
        let before = shop.value("SELECT sum(amount) FROM prod.orders");
        let killed = shop.run(&format!("export VMESH_TEST_KILL_AT={moment}; vmesh promote --yes"));
        let now = shop.value("SELECT sum(amount) FROM prod.orders");
        let totals = shop.value("SELECT total FROM marts.totals");
        assert_eq!(now, totals, "{moment}: {killed:?}");
        let wanted = if moment == "publish:done" { (30 * amount).to_string() } else { before };
        assert_eq!(now, wanted, "{moment}: {killed:?}");
        shop.vmesh("promote --yes").good();
        assert_eq!(shop.value("SELECT sum(amount) FROM prod.orders"), (30 * amount).to_string());
    }
    shop.vmesh("gc --yes").good();
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn one_writes_at_a_time_and_the_next_goes_on() {
    let shop = Shop::promoted(&SHOP);
    let mut holder = connect(shop.sandbox.url());
    holder.batch_execute("SELECT pg_advisory_lock(508641506152)").unwrap();
    shop.sandbox.model("orders", "SELECT id, amount + 1 AS amount FROM raw.orders");
    shop.run("git -c core.hooksPath=/dev/null commit --quiet --all -m plus").good();
    let waits = std::thread::scope(|scope| {
        let promoting = scope.spawn(|| shop.vmesh("promote --yes"));
        std::thread::sleep(std::time::Duration::from_millis(1500));
        assert_eq!(shop.value("SELECT sum(amount) FROM prod.orders"), "30", "readers need no lock");
        drop(holder);
        promoting.join().unwrap()
    });
    assert!(waits.err.contains("wait"), "{waits:?}");
    waits.good();
    assert_eq!(shop.value("SELECT sum(amount) FROM prod.orders"), "32");
}

/// Ends what waits for it, even where a test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A model for each of these numbers, which says that number.
fn numbered(shop: &Shop, names: std::ops::Range<u32>, says: &str) {
    names.for_each(|name| shop.sandbox.model(&format!("m{name}"), says));
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn readers_find_all_of_the_old_or_all_of_the_new_and_none_fails() {
    let shop = Shop::with_models(&[]);
    numbered(&shop, 10..30, "SELECT 0 AS v");
    shop.git("add --all").good();
    shop.git("commit --quiet -m zero").good();
    shop.vmesh("promote --yes").good();
    let done = AtomicBool::new(false);
    let read = |first: &str, last: &str| {
        let mut client = connect(shop.sandbox.url());
        let mut seen = 0;
        while !done.load(Ordering::SeqCst) {
            let sql = format!("SELECT a.v, b.v, c.v FROM prod.{first} a, prod.m15 b, prod.{last} c");
            let row = client.query_one(&sql, &[]).unwrap_or_else(|error| panic!("{error:?}"));
            let values: Vec<i32> = (0..3).map(|at| row.get(at)).collect();
            assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
            seen += 1;
        }
        seen
    };
    let seen = std::thread::scope(|scope| {
        // in the order in which views are moved, and against it
        let readers = [scope.spawn(|| read("m10", "m29")), scope.spawn(|| read("m29", "m10"))];
        let end = End(&done);
        for round in 1..=6 {
            // with other columns every second time
            let more = if round % 2 == 0 { ", 1 AS more" } else { "" };
            numbered(&shop, 10..30, &format!("SELECT {round} AS v{more}"));
            shop.run("git -c core.hooksPath=/dev/null commit --quiet --all -m next && vmesh promote --yes").good();
        }
        drop(end);
        readers.map(|reader| reader.join().unwrap())
    });
    assert!(seen.iter().all(|seen| *seen > 20), "{seen:?}");
    shop.is_sound();
}

/// Commits models that take long enough for something to happen meanwhile.
fn add_slow_models(shop: &Shop) {
    for number in 0..8 {
        let slow = format!("SELECT count(*) AS n, {number} AS number FROM generate_series(1, 4000000)");
        shop.sandbox.model(&format!("slow{number}"), &slow);
    }
    shop.git("add --all").good();
    shop.run("git -c core.hooksPath=/dev/null commit --quiet -m slow").good();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_lost_connection_blames_no_model_and_changes_nothing() {
    let shop = Shop::promoted(&SHOP);
    add_slow_models(&shop);
    let told = std::thread::scope(|scope| {
        let promoting = scope.spawn(|| shop.vmesh("promote --yes"));
        std::thread::sleep(std::time::Duration::from_millis(700));
        shop.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        promoting.join().unwrap().fails(1)
    });
    assert!(told.contains("the connection was lost") && !told.contains("mend the query"), "{told}");
    assert_eq!(shop.value("SELECT to_regclass('prod.slow7') IS NULL"), "true");
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.value("SELECT number FROM prod.slow7"), "7");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_builder_gives_way_between_two_models() {
    let shop = Shop::promoted(&SHOP);
    shop.git("worktree add --quiet -b bob ../bob-of-$(basename $PWD)").good();
    add_slow_models(&shop);
    let ended = |script: &str| {
        let done = shop.run(script);
        (std::time::Instant::now(), done)
    };
    let (promoted, planned) = std::thread::scope(|scope| {
        let promoting = scope.spawn(|| ended("vmesh promote --yes"));
        std::thread::sleep(std::time::Duration::from_millis(700));
        let planned = ended("cd ../bob-of-$(basename $PWD) && vmesh plan --yes");
        (promoting.join().unwrap(), planned)
    });
    shop.run("rm -r ../bob-of-$(basename $PWD)").good();
    assert!(planned.0 < promoted.0, "{:?} {:?}", planned.1, promoted.1);
    planned.1.good();
    promoted.1.good();
    assert_eq!(shop.value("SELECT number FROM prod.slow7"), "7");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn what_was_granted_on_a_view_stays() {
    let shop = Shop::promoted(&SHOP);
    let role = format!("reader_{}", std::process::id());
    shop.sql(&format!(
        "CREATE ROLE {role}; GRANT SELECT ON prod.orders TO {role}; GRANT SELECT ON prod.orders TO PUBLIC"
    ));
    let may = || shop.value(&format!("SELECT has_table_privilege('{role}', 'prod.orders', 'SELECT')"));
    for query in ["SELECT id, amount + 1 AS amount FROM raw.orders", "SELECT amount, id, 1 AS one FROM raw.orders"] {
        shop.sandbox.model("orders", query);
        shop.git("commit --quiet --all -m next").good();
        assert_eq!(may(), "true", "{query}");
    }
    assert_eq!(shop.value("SELECT one FROM prod.orders LIMIT 1"), "1");
    shop.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_header_says_who_may_read_prod_s_view() {
    let shop = Shop::promoted(&SHOP);
    let (one, other) = (format!("one_{}", std::process::id()), format!("other_{}", std::process::id()));
    shop.sql(&format!("CREATE ROLE {one}; CREATE ROLE {other}; GRANT SELECT ON prod.orders TO PUBLIC, {one}, {other}"));
    let may = |role: &str, view: &str| {
        shop.value(&format!("SELECT has_table_privilege('{role}', '{view}', 'SELECT')")) == "true"
    };
    let say = |grants: &str| {
        let model = format!("MODEL ({grants});\nSELECT id, amount FROM raw.orders");
        shop.sandbox.model("orders", &model);
    };
    shop.git("switch --quiet --create alice").good();
    say(&format!("grants (select = ['{one}'])"));
    shop.git("commit --quiet --all -m one").good();
    shop.vmesh("plan --yes").good();
    assert!(!may(&one, "dev__alice.orders"), "a branch chooses nobody");
    shop.git("switch --quiet main").good();
    shop.git("merge --quiet alice").good();
    assert_eq!((may(&one, "prod.orders"), may(&other, "prod.orders")), (true, false));
    // what nobody says stays, and a rollback says what was said
    say("owner ada");
    shop.git("commit --quiet --all -m two").good();
    assert_eq!((may(&one, "prod.orders"), may(&other, "prod.orders")), (true, false));
    say(&format!("grants ('select' = ['{other}', PUBLIC])"));
    shop.git("commit --quiet --all -m three").good();
    assert_eq!((may(&one, "prod.orders"), may(&other, "prod.orders")), (true, true), "PUBLIC may");
    shop.run("vmesh rollback --yes $(git rev-parse HEAD~2)").good();
    assert_eq!((may(&one, "prod.orders"), may(&other, "prod.orders")), (true, false));
    // many at once, in a schema that takes the place of another
    let grants = format!("MODEL (grants (select = ['{other}']));");
    numbered(&shop, 100..170, &format!("{grants}\nSELECT 0 AS v"));
    shop.git("add --all").good();
    shop.git("commit --quiet -m many").good();
    numbered(&shop, 100..170, &format!("{}\nSELECT 1 AS v", grants.replace(&other, &one)));
    shop.git("commit --quiet --all -m more").good();
    assert_eq!(shop.value("SELECT v FROM prod.m101"), "1");
    assert_eq!((may(&one, "prod.m101"), may(&other, "prod.m101")), (true, false));
    say("grants (select = [nobody_there])");
    let told = shop.git("commit --quiet --all -m nobody").err;
    assert!(told.contains("role \"nobody_there\" does not exist"), "{told}");
    say("grants (insert = [nobody_there])");
    let told = shop.vmesh("lint").fails(1);
    assert!(told.contains("`insert` can't be granted"), "{told}");
    shop.sql(&format!("DROP OWNED BY {one}, {other}; DROP ROLE {one}; DROP ROLE {other}"));
}

/// The statements of a page's SQL that begin with this one, for other roles and another database.
fn of_docs(begin: &str, words: &[(&str, &str)]) -> String {
    let page = include_str!("../../docs/postgres.md");
    let block = page.split("```sql\n").find(|block| block.starts_with(begin)).unwrap();
    let block = block.split("```").next().unwrap();
    words.iter().fold(block.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_role_of_developers_builds_branches_and_cannot_write_prod() {
    let shop = Shop::with_models(&SHOP);
    let number = std::process::id();
    let (prod, dev) = (format!("prod_{number}"), format!("dev_{number}"));
    let database = shop.value("SELECT current_database()");
    shop.sql(&format!(
        "CREATE ROLE {prod} LOGIN; CREATE ROLE {dev} LOGIN; GRANT CREATE, TEMPORARY ON DATABASE {database} TO {prod}; \
         GRANT USAGE ON SCHEMA raw TO {prod}, {dev}; GRANT SELECT ON raw.orders TO {prod}, {dev}"
    ));
    let of = |role: &str| shop.sandbox.url().replace("user=vmesh", &format!("user={role}"));
    let as_role = |role: &str, script: &str| {
        shop.run(&format!("VMESH_TEST_URL='{}' && export VMESH_TEST_URL && {script}", of(role)))
    };
    as_role(&prod, "vmesh promote --yes").good();
    let doctor = || shop.vmesh(&format!("doctor --role {dev}"));
    assert!(doctor().good().contains("can't write prod"), "it may do nothing yet");
    let words =
        [("vmesh_prod", prod.as_str()), ("vmesh_dev", &dev), ("DATABASE warehouse", &format!("DATABASE {database}"))];
    shop.sql(&of_docs("GRANT vmesh_dev", &words));
    let told = doctor().good();
    assert!(told.contains("not its 3 views"), "{told}");
    // a branch, by developers
    as_role(&dev, "git switch --quiet --create alice").good();
    shop.sandbox.model("orders", "SELECT id, amount + 1 AS amount FROM raw.orders");
    as_role(&dev, "git commit --quiet --all -m plus && vmesh plan --yes").good();
    assert_eq!(shop.value("SELECT total FROM dev__alice__marts.totals"), "32");
    let refused = as_role(
        &dev,
        "git switch --quiet main && git -c core.hooksPath=/dev/null merge --quiet alice && vmesh promote --yes",
    );
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(shop.value("SELECT total FROM marts.totals"), "30");
    // what was built for the branch is prod's once it is promoted, and nothing is built again
    let told = as_role(&prod, "vmesh promote --yes").good();
    assert!(told.contains("0 to build"), "{told}");
    assert_eq!(shop.value("SELECT total FROM marts.totals"), "32");
    let told = doctor().good();
    assert!(told.contains("can't write prod"), "{told}");
    // and goes on for both
    shop.sql("INSERT INTO raw.orders VALUES (3, 30)");
    as_role(&prod, "vmesh run prod --ignore-cron").good();
    assert_eq!(shop.value("SELECT total FROM marts.totals"), "63");
    as_role(&dev, "git switch --quiet --create bob && echo 'SELECT id FROM marts.big' > models/own.sql && git add --all && git commit --quiet -m own && vmesh plan --yes").good();
    assert_eq!(shop.value("SELECT count(*) FROM dev__bob.own"), "2");
    as_role(&prod, "vmesh gc --yes").good();
    // each way to prod is told
    for (grant, said) in [
        (format!("GRANT INSERT ON prod.orders TO {dev}"), "it may write to prod.orders"),
        (format!("GRANT CREATE ON SCHEMA marts TO {dev}"), "it may make things in the schema marts"),
        ("DROP POLICY drops ON vmesh_state.pointers; CREATE POLICY drops ON vmesh_state.pointers FOR DELETE USING (true)".to_owned(), "vmesh_state.pointers"),
        ("ALTER TABLE vmesh_state.environments DISABLE ROW LEVEL SECURITY".to_owned(), "vmesh_state.environments"),
        (format!("REVOKE {dev} FROM {prod}; GRANT {prod} TO {dev}"), &format!("may act as, {prod}, which owns")),
    ] {
        shop.sql(&grant);
        let told = doctor().fails(1);
        let told = format!("{told}{}", doctor().out);
        assert!(told.contains(said), "{said}: {told}");
    }
    shop.sql(&format!(
        "REASSIGN OWNED BY {prod}, {dev} TO vmesh; DROP OWNED BY {dev}; DROP OWNED BY {prod}; DROP ROLE {dev}; DROP ROLE {prod}"
    ));
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn gc_drops_views_on_views_and_leaves_what_users_stand_on() {
    let shop = Shop::promoted(&SHOP);
    shop.sandbox.model("deep", "MODEL (kind VIEW);\nSELECT id FROM marts.big");
    shop.git("add --all").good();
    shop.git("commit --quiet -m deep").good();
    shop.git("switch --quiet --create alice").good();
    shop.sandbox.model("marts.big", "MODEL (kind VIEW);\nSELECT id FROM orders WHERE amount > 5");
    shop.vmesh("plan --yes").good();
    assert_eq!(shop.value("SELECT count(*) FROM dev__alice.deep"), "2");
    let own: Vec<String> = shop.tables().into_iter().filter(|name| name.starts_with("marts__big")).collect();
    let used = shop
        .value("SELECT table_name FROM vmesh_state.pointers WHERE environment = 'dev__alice' AND model = 'marts.big'");
    assert!(own.contains(&used) && own.len() == 2, "{own:?}");
    shop.sql(&format!("CREATE VIEW public.mine AS SELECT * FROM vmesh_snapshots.{used}"));
    shop.git("switch --quiet --force main").good();
    shop.git("branch --quiet -D alice").good();
    shop.vmesh("gc --yes").good();
    assert_eq!(shop.value("SELECT count(*) FROM public.mine"), "2");
    assert_eq!(shop.tables().iter().filter(|name| name.starts_with("deep")).count(), 1, "{:?}", shop.tables());
    shop.sql("DROP VIEW public.mine");
    shop.vmesh("gc --yes").good();
    assert!(!shop.tables().contains(&used));
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_table_that_is_made_again_takes_the_views_of_others_with_it() {
    let shop = Shop::promoted(&[
        ("orders", "SELECT id, amount FROM raw.orders"),
        ("totals", "SELECT sum(amount) AS total FROM orders"),
        ("seen", "MODEL (kind VIEW);\nSELECT total FROM totals"),
    ]);
    shop.git("switch --quiet --create alice").good();
    shop.sandbox.model("totals", "SELECT sum(amount) * 2 AS total FROM orders");
    shop.git("commit --quiet --all -m double").good();
    shop.sql("INSERT INTO raw.orders VALUES (3, 30)");
    shop.vmesh("run prod --ignore-cron").good();
    shop.git("switch --quiet main").good();
    shop.git("merge --quiet --no-edit alice").good();
    assert_eq!(shop.value("SELECT p.total, s.total FROM prod.totals p, prod.seen s"), "120 120");
    let branch = shop.value("SELECT p.total, s.total FROM dev__alice.totals p, dev__alice.seen s");
    assert!(["120 120", "60 60"].contains(&branch.as_str()), "{branch}");
    shop.vmesh("gc --yes").good();
    assert!(shop.vmesh("doctor").good().contains("every view shows its snapshot"));
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_table_that_is_made_again_waits_for_its_own_views_alone() {
    let shop = Shop::promoted(&[SHOP[0], ("fixed", "SELECT 1 AS one")]);
    let fixed = shop.value("SELECT table_name FROM vmesh_state.pointers WHERE model = 'fixed'");
    shop.sql(&format!("CREATE VIEW public.other AS SELECT * FROM vmesh_snapshots.{fixed}"));
    // as a builder of another table has it
    let mut other = connect(shop.sandbox.url());
    other.batch_execute("BEGIN; ALTER VIEW public.other RENAME TO another").unwrap();
    shop.sql("ALTER TABLE raw.orders ALTER amount TYPE bigint");
    shop.run("timeout 20 vmesh run prod --ignore-cron").good();
    assert_eq!(shop.value("SELECT pg_typeof(amount) FROM prod.orders LIMIT 1"), "bigint");
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn readers_go_on_while_a_table_gets_other_columns() {
    let shop = Shop::with_models(&[]);
    shop.sql("CREATE TABLE raw.many AS SELECT id, 1 AS v FROM generate_series(1, 300000) AS t(id)");
    shop.sandbox.model("a", "SELECT id, v FROM raw.many");
    shop.sandbox.model("seen", "MODEL (kind VIEW);\nSELECT id, v FROM a WHERE id < 10");
    shop.git("add --all").good();
    shop.git("commit --quiet -m many").good();
    shop.vmesh("promote --yes").good();
    shop.git("branch --quiet dev").good();
    shop.vmesh("plan dev --yes").good();
    let done = AtomicBool::new(false);
    let read = |from: &str| {
        while !done.load(Ordering::SeqCst) {
            // each time by one who knows nothing of the tables yet
            let mut client = connect(shop.sandbox.url());
            // in one step: what is prepared would have to be so again
            let asked = client.batch_execute(&format!("SELECT v FROM {from} WHERE id = 3"));
            asked.unwrap_or_else(|error| panic!("{error:?}"));
        }
    };
    std::thread::scope(|scope| {
        let end = End(&done);
        let readers = ["prod.a", "prod.seen", "dev__dev.seen"].map(|from| scope.spawn(move || read(from)));
        for kind in ["bigint", "numeric", "integer"] {
            shop.sql(&format!("ALTER TABLE raw.many ALTER v TYPE {kind}"));
            shop.vmesh("run prod --ignore-cron").good();
            assert_eq!(shop.value("SELECT pg_typeof(v) FROM prod.seen LIMIT 1"), kind);
        }
        drop(end);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    shop.sql("CREATE VIEW public.mine AS SELECT v FROM prod.a; ALTER TABLE raw.many ALTER v TYPE bigint");
    let told = shop.vmesh("run prod --ignore-cron").fails(1);
    assert!(told.contains("view public.mine depends on view prod.a") && told.contains("make it anew"), "{told}");
    assert_eq!(shop.value("SELECT pg_typeof(v) FROM prod.a LIMIT 1"), "integer", "it shows what it showed");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_project_on_duckdb_is_told_what_would_not_run_here() {
    let server = Sandbox::on_postgres();
    let project = Sandbox::bare_project();
    project.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 1 AS id, 2.5::DOUBLE AS amount, ['a'] AS tags");
    project.write("seeds/regions.csv", "code,name\n1,north\n");
    project.model("regions", "MODEL (kind SEED (path '$root/seeds/regions.csv'))");
    project.model("orders", "SELECT id, amount, tags[1] AS tag FROM raw.orders");
    project.model("totals", "MODEL (audits (not_null(columns := (total)), forall(criteria := (total > 0))));\nSELECT r.name, sum(o.amount) AS total FROM orders o JOIN regions r ON r.code = o.id GROUP BY r.name");
    project.model("listed", "SELECT id, list_sort([1, 2]) AS sorted FROM orders");
    project.model("kept", "SELECT id + 1 AS id,\n  amount::DOUBLE AS amount\nFROM orders");
    project.model("below", "SELECT id FROM kept");
    project
        .model("checked", "MODEL (audits (forall(criteria := (regexp_matches(tag, 'a')))));\nSELECT tag FROM orders");
    project.model("filed", "SELECT id FROM raw.orders");
    project.commit("models");
    project.vmesh(&["promote", "--yes"]).good();
    let asked = project.shell(&format!("vmesh doctor --engine postgres --url '{}'", server.url()));
    assert_eq!(asked.code, Some(1), "{asked:?}");
    insta::assert_snapshot!("not_on_postgres", format!("{}{}", asked.err, asked.out));
    let asked = project.shell(&format!("vmesh doctor --engine postgres --json --url '{}'", server.url()));
    let told: serde_json::Value = serde_json::from_str(&asked.out).unwrap();
    assert_eq!(told["models"], 8, "{told}");
    for name in ["filed", "orders", "regions", "totals"] {
        assert!(told["fit"].as_array().unwrap().iter().any(|fit| fit == name), "{told}");
    }
    assert_eq!(
        server.value("SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'"),
        "2",
        "nothing was made"
    );
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn names_that_the_server_would_cut_short_are_refused() {
    let shop = Shop::promoted(&SHOP);
    let long = "a".repeat(63);
    for last in ["1", "2"] {
        shop.sandbox.model(&format!("{long}{last}"), "SELECT 1 AS a");
    }
    shop.git("add --all").good();
    shop.run("git -c core.hooksPath=/dev/null commit --quiet -m long").good();
    let told = shop.vmesh("promote --yes").fails(1);
    assert!(told.contains("63 bytes") && told.contains("a shorter name"), "{told}");
    assert_eq!(shop.value(&format!("SELECT to_regclass('prod.{long}') IS NULL")), "true");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_server_that_is_not_there_is_told_without_its_secrets() {
    let shop = Shop::promoted(&SHOP);
    let told = shop.sandbox.shell("unset VMESH_TEST_URL; vmesh status").fails(1);
    assert!(told.contains("the environment has no VMESH_TEST_URL") && !told.contains("DuckDB"), "{told}");
    let told =
        shop.sandbox.shell("VMESH_TEST_URL='host=127.0.0.1 port=1 user=vmesh password=hunter22' vmesh status").fails(1);
    assert!(told.contains("onnection refused") && !told.contains("hunter22") && !told.contains("DuckDB"), "{told}");
    let said: String = shop.sandbox.url().split_whitespace().map(|word| format!("{word}\n")).collect();
    shop.sandbox.write(".git/services", &format!("[other]\nhost=nowhere\n[shop]\n{said}"));
    let by_name = |url: &str, args: &str| {
        shop.run(&format!("PGSERVICEFILE=$PWD/.git/services VMESH_TEST_URL='{url}' vmesh {args}"))
    };
    for url in ["service=shop", "postgresql:///?service=shop", "application_name=x service=shop"] {
        assert!(by_name(url, "query 'SELECT sum(amount) AS sum FROM orders'").good().contains("30"), "{url}");
    }
    let told = by_name("service=shop dbname=nothing_there", "status").fails(1);
    assert!(told.contains("database \"nothing_there\" does not exist"), "{told}");
    let told = by_name("service=none", "status").fails(1);
    assert!(told.contains("there is no service `none` in") && told.contains("/services"), "{told}");
    // a branch without models, which has no schema
    shop.git("switch --quiet --orphan empty").good();
    shop.sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    shop.git("add --all").good();
    shop.git("commit --quiet -m empty").good();
    shop.vmesh("plan --yes").good();
    shop.git("switch --quiet main").good();
    shop.git("branch --quiet -D empty").good();
    shop.vmesh("gc --yes").good();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn what_cannot_be_done_is_said_before_anything_is_done() {
    let shop = Shop::promoted(&SHOP);
    shop.git("switch --quiet --create alice").good();
    for (text, told) in [
        ("SET VARIABLE a = 1;\nSELECT id FROM orders", "PostgreSQL has no variables of a session"),
        ("CREATE TEMP MACRO twice(x) AS 2 * x;\nSELECT id FROM orders", "PostgreSQL has no temporary macros"),
        ("SELECT * FROM read_csv('data/x.csv')", "can't call `read_csv`"),
        (
            "MODEL (name other, kind INCREMENTAL_BY_TIME_RANGE (time_column (day, '%U')));\n\
             SELECT '1' AS day WHERE '1' BETWEEN @start_ds AND @end_ds",
            "has the format '%U', which this engine has no words for",
        ),
    ] {
        shop.sandbox.model("other", text);
        let said = shop.vmesh("plan --yes").fails(1);
        assert!(said.contains(told), "{text}: {said}");
    }
    assert!(
        shop.vmesh("query --format parquet 'SELECT id FROM orders'").fails(1).contains("can't be used on PostgreSQL")
    );
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn statements_run_around_the_query_and_leave_nothing_behind() {
    let shop = Shop::promoted(&SHOP);
    shop.git("switch --quiet --create alice").good();
    let long = "long_".repeat(9) + "name";
    let text = format!(
        "MODEL (name marts.{long});\n\
         CREATE OR REPLACE TEMP TABLE wanted AS SELECT id FROM orders WHERE amount > 15;\n\
         SELECT id, amount FROM raw.orders JOIN wanted USING (id);\n\
         UPDATE @this_model SET amount = amount + t.n FROM marts.totals AS t WHERE t.n = 2;\n\
         INSERT INTO @this_model SELECT 99, 0;\n\
         CREATE UNIQUE INDEX by_the_key_of_the_orders ON @this_model (id)"
    );
    shop.sandbox.write("models/long.sql", &text);
    shop.vmesh("plan --yes").good();
    let rows = format!("SELECT id, amount FROM dev__alice__marts.{long} ORDER BY id");
    assert_eq!(shop.rows(&rows), ["2 22", "99 0"]);
    let index = "SELECT indexname FROM pg_indexes WHERE schemaname = 'vmesh_snapshots'";
    assert_eq!(shop.rows(index).len(), 1);
    // filled again, with the index that is there
    shop.sql("UPDATE raw.orders SET amount = 30 WHERE id = 2");
    shop.vmesh("run --ignore-cron").good();
    assert_eq!(shop.rows(&rows), ["2 32", "99 0"]);
    assert_eq!(shop.rows(index).len(), 1);
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_declared_type_loses_nothing_in_silence() {
    let shop = Shop::promoted(&SHOP);
    shop.git("switch --quiet --create alice").good();
    for (declared, value, told) in [
        ("INT", "2.6", "which does not hold the value 2.6"),
        ("NUMERIC(9, 2)", "1.2345", "which does not hold the value 1.2345"),
        ("DATE", "TIMESTAMP '2026-01-01 13:45'", "which does not hold the value 2026-01-01 13:45:00"),
        ("VARCHAR(3)", "'abcdef'", "which does not hold the value abcdef"),
        ("NUMERIC(9, 2)", "1.20", ""),
        ("NUMERIC", "1.2345", ""),
        ("BIGINT", "'5'", ""),
        ("TIMESTAMP", "DATE '2026-01-01'", ""),
        ("DOUBLE PRECISION", "0.1", ""),
    ] {
        for kind in ["FULL", "INCREMENTAL_UNMANAGED"] {
            let model =
                format!("MODEL (name m, kind {kind}, columns (X {declared}));\nSELECT {value} AS x FROM orders");
            shop.sandbox.write("models/m.sql", &model);
            let done = shop.vmesh("plan --yes");
            assert_eq!(done.code, Some(i32::from(!told.is_empty())), "{declared} {value}: {done:?}");
            assert!(done.err.contains(told), "{declared} {value}: {}", done.err);
        }
    }
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_unit_test_sees_the_rows_that_it_gives_and_no_others() {
    let shop = Shop::promoted(&SHOP);
    let test = "test_it:\n  model: it\n  inputs:\n    raw.events: {columns: {tags: 'text[]', more: jsonb}, rows: \
                [{id: 1, amount: 2.5, tags: [a, b], more: {k: [1, x]}}]}\n    raw.orders: [{id: 1, amount: 7}]\n  outputs:\n    \
                query: [{id: 1, amount: 2.5, first: b, more: {k: [1, x]}, raw: 7, rate: 0.30000000000000004}]\n";
    let model = "SELECT o.id, o.amount, o.tags[2] AS first, o.more, r.amount AS raw, \
                 CAST(0.1 AS float8) + CAST(0.2 AS float8) AS rate FROM raw.events AS o JOIN raw.orders AS r USING (id)";
    shop.git("switch --quiet --create alice").good();
    shop.sandbox.model("it", model);
    shop.sandbox.write("tests/test_it.yaml", test);
    assert!(shop.vmesh("test").good().contains("0 failed"));
    let told = shop.run("sed -i 's/raw: 7/raw: 8/' tests/test_it.yaml; vmesh test");
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("1 missing (-), 1 unexpected (+)"), "{}", told.out);
    let tables = "SELECT count(*) FROM pg_class WHERE relname LIKE 'vmesh_actual%' OR relnamespace::regnamespace::text LIKE 'vmesh_given%'";
    assert_eq!(shop.value(tables), "0");
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn many_views_move_at_once_with_all_that_belongs_to_them() {
    let shop = Shop::with_models(&[]);
    numbered(&shop, 100..170, "MODEL (description 'said');\nSELECT 0 AS v");
    shop.git("add --all").good();
    shop.git("commit --quiet -m zero").good();
    shop.vmesh("promote --yes").good();
    let role = format!("many_{}", std::process::id());
    shop.sql(&format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA prod TO {role}; GRANT SELECT ON prod.m101 TO {role} WITH GRANT OPTION; \
         COMMENT ON SCHEMA prod IS 'mine'; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {role}"
    ));
    let next_with = |value: usize, more: usize| {
        numbered(&shop, 100..170, &format!("MODEL (description 'said');\nSELECT {value} AS v, 1 AS more{more}"));
        shop.run("git -c core.hooksPath=/dev/null commit --quiet --all -m next && vmesh promote --yes").good();
        assert_eq!(shop.value("SELECT sum(a.v + b.v) FROM prod.m100 a, prod.m169 b"), (2 * value).to_string());
        shop.value(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'vmesh\\_gone%' OR nspname LIKE 'vmesh\\_next%'",
        )
    };
    let next = |value: usize| next_with(value, value);
    let before = shop.value("SELECT 'prod'::regnamespace::oid");
    assert_eq!(next(1), "0", "nothing is left of it");
    assert_ne!(shop.value("SELECT 'prod'::regnamespace::oid"), before, "another schema took its place");
    let may = |view: &str| shop.value(&format!("SELECT has_table_privilege('{role}', 'prod.{view}', 'SELECT')"));
    assert_eq!((may("m101").as_str(), may("m102").as_str()), ("true", "false"), "as it was granted, and no more");
    assert_eq!(shop.value(&format!("SELECT has_schema_privilege('{role}', 'prod', 'USAGE')")), "true");
    assert_eq!(shop.value("SELECT obj_description('prod'::regnamespace, 'pg_namespace')"), "mine");
    assert_eq!(shop.value("SELECT obj_description('prod.m150'::regclass, 'pg_class')"), "said");
    // a view of a user's keeps the schema where it is
    shop.sql("CREATE VIEW public.mine AS SELECT v FROM prod.m120");
    let before = shop.value("SELECT 'prod'::regnamespace::oid");
    numbered(&shop, 100..170, "MODEL (description 'said');\nSELECT 5 AS v, 1 AS more1");
    shop.run("git -c core.hooksPath=/dev/null commit --quiet --all -m five && vmesh promote --yes").good();
    assert_eq!(shop.value("SELECT v FROM public.mine"), "5");
    assert_eq!(shop.value("SELECT 'prod'::regnamespace::oid"), before);
    shop.sql("DROP VIEW public.mine");
    // who has read one view finds the others as they were, and a view that is being made stands on what there will be
    let (mut reader, mut maker) = (connect(shop.sandbox.url()), connect(shop.sandbox.url()));
    let mut reading = reader.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().unwrap();
    let read = |reading: &mut Transaction<'_>, view: &str| -> i32 {
        reading.query_one(&format!("SELECT v FROM prod.{view}"), &[]).unwrap().get(0)
    };
    assert_eq!(read(&mut reading, "m100"), 5);
    let mut making = maker.transaction().unwrap();
    making
        .batch_execute("CREATE VIEW public.mine AS SELECT v FROM prod.m101; CREATE COLLATION prod.c (locale = 'C')")
        .unwrap();
    std::thread::scope(|scope| {
        let promoting = scope.spawn(|| next_with(6, 1));
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(read(&mut reading, "m169"), 5);
        reading.commit().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        making.commit().unwrap();
        assert_eq!(promoting.join().unwrap(), "0");
    });
    assert_eq!(shop.value("SELECT v FROM public.mine"), "6");
    assert_eq!(shop.value("SELECT count(*) FROM pg_collation WHERE collnamespace = 'prod'::regnamespace"), "1");
    shop.sql("DROP VIEW public.mine; DROP COLLATION prod.c");
    assert_eq!(next(7), "0");
    shop.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn a_history_widens_and_columns_of_any_name_are_known_again() {
    let model = "MODEL (name kept, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns *));\nSELECT id, note, more FROM raw.notes";
    let odd = "SELECT id AS \"a.b\", 1 AS \"c,\"\"d\" FROM raw.notes";
    let shop = Shop::with_models(&[("kept", model), ("odd", odd)]);
    shop.sql(
        "CREATE TABLE raw.notes (id int, note varchar(5), more json); INSERT INTO raw.notes VALUES (1, 'x', '{}')",
    );
    shop.vmesh("promote --yes --execution-time 2026-01-01").good();
    shop.sql("ALTER TABLE raw.notes ALTER COLUMN note TYPE text; UPDATE raw.notes SET note = 'longer than that'");
    shop.vmesh("run prod --execution-time 2026-01-02").good();
    assert_eq!(shop.value("SELECT string_agg(note, ', ' ORDER BY valid_from) FROM prod.kept"), "x, longer than that");
    shop.sandbox.model("odd", &odd.replace("1 AS", "2 AS"));
    shop.git("commit --quiet --all -m two").good();
    assert_eq!(shop.value("SELECT \"c,\"\"d\" FROM prod.odd"), "2");
    shop.git("switch --quiet --create alice").good();
    let twice = "MODEL (name twice, kind INCREMENTAL_UNMANAGED);\nSELECT id, 1 AS \"Key\", 2 AS key FROM raw.notes";
    shop.sandbox.write("models/twice.sql", twice);
    assert!(shop.vmesh("plan --yes").fails(1).contains("but for the case of letters"));
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/postgres/run.sh"]
fn what_only_postgresql_can_parse_is_built_and_tracked() {
    let base = "SELECT 1 AS id, CAST('{\"a\": 1}' AS jsonb) AS j";
    let query = "SELECT id, j ? 'a' AS has, 5 # 3 AS x, |/ 16.0 AS root FROM base ORDER BY id USING <";
    let shop = Shop::promoted(&[("base", base), ("reads", query)]);
    assert_eq!(shop.rows("SELECT * FROM prod.reads"), ["1 true 6 4"]);
    shop.git("switch --quiet --create alice").good();
    shop.sandbox.model("base", &base.replace("\"a\"", "\"b\""));
    shop.git("commit --quiet --all -m other").good();
    assert_eq!(shop.rows("SELECT has FROM dev__alice.reads"), ["false"]);
    assert_eq!(shop.rows("SELECT has FROM prod.reads"), ["true"]);
    shop.is_sound();
}

/// Runs alone: everybody's server goes.
#[test]
#[ignore = "needs a server of its own: sh tests/postgres/run.sh"]
fn a_killed_server_leaves_all_or_nothing() {
    let kill =
        std::env::var("VMESH_TEST_POSTGRES_KILL").expect("what kills the server, which tests/postgres/run.sh says");
    let shop = Shop::with_models(&SHOP);
    let (mut interrupted, mut shown, mut whole) = (0, 0, Duration::ZERO);
    for round in 0..9_u32 {
        numbered(&shop, 100..170, &format!("SELECT {round} AS v"));
        let daily = format!(
            "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1), start '2026-01-01');\n\
             SELECT CAST(@start_ds AS date) AS day, {round} AS v FROM raw.orders"
        );
        shop.sandbox.write("models/daily.sql", &daily);
        shop.git("add --all").good();
        shop.run("git -c core.hooksPath=/dev/null commit --quiet -m next").good();
        let promote = "vmesh promote --yes --execution-time 2026-01-06";
        if round == 0 {
            // how long it takes when nobody disturbs it
            let began = std::time::Instant::now();
            shop.run(promote).good();
            whole = began.elapsed();
            continue;
        }
        let done = std::thread::scope(|scope| {
            let promoting = scope.spawn(|| shop.run(promote));
            std::thread::sleep(whole * round / 10);
            assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
            promoting.join().unwrap()
        });
        assert!(!done.err.contains("panicked"), "{}", done.err);
        interrupted += u64::from(done.code != Some(0));
        let values = (100..170).map(|name| format!("SELECT v FROM prod.m{name}")).collect::<Vec<_>>().join(" UNION ");
        let values = shop.rows(&values);
        assert!(values == [round.to_string()] || values == [shown.to_string()], "round {round}: {values:?} {done:?}");
        shop.run(promote).good();
        shown = round;
        assert_eq!(
            shop.value("SELECT min(v) + max(v) FROM (SELECT v FROM prod.m100 UNION ALL SELECT v FROM prod.m169) AS t"),
            (2 * round).to_string()
        );
        assert_eq!(shop.value("SELECT count(*) || ' ' || sum(v) FROM prod.daily"), format!("10 {}", 10 * round));
        shop.is_sound();
    }
    assert!(interrupted > 2, "the server was never killed in the midst of it");
    shop.vmesh("gc --yes").good();
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'vmesh\\_gone%' OR nspname LIKE 'vmesh\\_next%'";
    assert_eq!(shop.value(left), "0");
}
