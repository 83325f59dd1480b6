//! Spark, on a server that `sh tests/spark/run.sh` starts.

use std::process::Command;
use std::time::Duration;

use crate::support::{CHAIN, Done, Sandbox, spark, wait_until};

/// A shop on Spark.
struct Shop(Sandbox);

impl Shop {
    fn with_models(models: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::on_spark();
        for (name, sql) in models {
            sandbox.model(name, sql);
        }
        sandbox.git(&["add", "--all"]).good();
        sandbox.git(&["commit", "--quiet", "-m", "models"]).good();
        sandbox.vmesh(&["hooks", "install"]).good();
        Self(sandbox)
    }

    fn promoted(models: &[(&str, &str)]) -> Self {
        let shop = Self::with_models(models);
        shop.vmesh("promote --yes").good();
        shop
    }

    fn vmesh(&self, args: &str) -> Done {
        self.0.vmesh(&args.split(' ').collect::<Vec<_>>())
    }

    fn git(&self, args: &str) -> Done {
        self.0.git(&args.split(' ').collect::<Vec<_>>())
    }

    /// Rows of a query, with a blank between two values.
    #[track_caller]
    fn rows(&self, sql: &str) -> Vec<String> {
        self.0.rows(sql).into_iter().map(|row| row.join(" ")).collect()
    }

    /// The catalogue, by another client.
    fn server(&self) -> spark::Server {
        spark::Server::at(self.0.url())
    }

    /// The attempts that lie in the catalogue.
    fn attempts(&self) -> Vec<String> {
        let server = self.server();
        let views = server.names("VIEWS", "vmesh_snapshots");
        server.names("TABLES", "vmesh_snapshots").into_iter().filter(|name| !views.contains(name)).collect()
    }

    #[track_caller]
    fn is_sound(&self) {
        self.0.is_sound();
    }
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_branch_is_an_environment_and_a_merge_moves_prod() {
    let shop = Shop::promoted(&CHAIN);
    assert_eq!(shop.rows("SELECT total FROM marts.totals"), ["60"]);
    assert_eq!(shop.rows("SELECT * FROM marts.report"), ["total 60"]);
    let told = shop.git("switch --quiet --create alice").good();
    assert_eq!(told, "");
    assert_eq!(shop.rows("SELECT total FROM dev__alice__marts.totals"), ["60"]);
    shop.0.model("marts.totals", "SELECT sum(amount) * 2 AS total FROM staging.orders");
    let plan = shop.vmesh("plan").good();
    assert!(plan.contains("2 to build, 2 to reuse, 2 pointers to swap"), "{plan}");
    assert!(
        plan.contains("views move one by one, in less than 1 s: readers may see some of them before the others"),
        "{plan}"
    );
    shop.git("commit --quiet --all -m double").good();
    assert_eq!(shop.rows("SELECT total FROM dev__alice__marts.totals"), ["120"]);
    assert_eq!(shop.rows("SELECT total FROM marts.report"), ["60"]);
    shop.git("switch --quiet main").good();
    let merged = shop.git("merge --quiet alice");
    assert!(merged.err.contains("2 pointers swapped, nothing to build"), "{}", merged.err);
    assert_eq!(shop.rows("SELECT total FROM marts.report"), ["120"]);
    shop.is_sound();
    shop.vmesh("rollback --yes").good();
    assert_eq!(shop.rows("SELECT total FROM marts.report"), ["60"]);
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.rows("SELECT total FROM marts.report"), ["120"]);
    // what nobody shows any more goes, and the branch with its schemas
    shop.git("branch --quiet --delete --force alice").good();
    shop.vmesh("gc --yes").good();
    shop.is_sound();
    assert!(shop.rows("SHOW SCHEMAS").iter().all(|schema| !schema.starts_with("dev__")));
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_view_follows_its_table_when_that_is_filled_again() {
    let shop = Shop::with_models(&[("a", "SELECT * FROM raw.events"), ("b", "SELECT count(*) AS n FROM a")]);
    shop.0.sql("CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT 1 AS id");
    shop.vmesh("promote --yes").good();
    shop.0.sql("CREATE TABLE raw.events AS SELECT id, 'x' AS name FROM range(3)");
    shop.vmesh("run prod --ignore-cron").good();
    assert_eq!(shop.rows("SELECT * FROM prod.a ORDER BY id"), ["0 x", "1 x", "2 x"]);
    assert_eq!(shop.rows("SELECT n FROM prod.b"), ["3"]);
    shop.vmesh("run prod --ignore-cron").good();
    shop.vmesh("run prod --ignore-cron").good();
    // of each table, the rows of now and of before
    assert_eq!(shop.attempts().len(), 4, "{:?}", shop.attempts());
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn an_audit_keeps_wrong_rows_from_everyone() {
    let audited = |rows: &str| {
        format!("MODEL (name a, audits (not_null(columns := (v))));\nSELECT * FROM VALUES {rows} AS t(id, v)")
    };
    let shop = Shop::promoted(&[("a", &audited("(1, 'x\\\\y')"))]);
    shop.0.model("a", &audited("(1, 'x'), (2, NULL), (3, NULL)"));
    shop.0.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--all", "-m", "wrong"]).good();
    let told = shop.vmesh("promote --yes").fails(1);
    assert!(told.contains("audit `not_null` of `a`: 2 rows are wrong"), "{told}");
    assert_eq!(shop.rows("SELECT * FROM prod.a"), ["1 x\\y"]);
    let table = told.split("SELECT * FROM ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_eq!(shop.rows(&format!("SELECT * FROM {table} ORDER BY id")), ["2 NULL", "3 NULL"]);
    assert_eq!(shop.attempts().len(), 1, "the attempt is gone");
    shop.0.model("a", &audited("(1, 'x')"));
    shop.git("commit --quiet --all -m right").good();
    assert_eq!(shop.rows("SELECT * FROM prod.a"), ["1 x"]);
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn the_same_rows_are_shared_and_part_again() {
    let shop = Shop::with_models(&[("a", "SELECT id, v FROM raw.t"), ("b", "SELECT sum(v) AS n FROM a")]);
    shop.0.sql("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT id, id * 2 AS v FROM range(5)");
    shop.vmesh("promote --yes").good();
    shop.git("switch --quiet --create alice").good();
    shop.0.model("a", "SELECT id, id + id AS v FROM raw.t");
    let told = shop.git("commit --quiet --all -m other").err;
    assert!(told.contains("1 model below not: the same rows") || told.contains("the same 5 rows"), "{told}");
    assert_eq!(shop.attempts().len(), 2, "{:?}", shop.attempts());
    shop.0.sql("CREATE TABLE raw.t AS SELECT id, 7 AS v FROM range(2)");
    shop.vmesh("run prod --ignore-cron").good();
    assert_eq!(shop.rows("SELECT * FROM prod.a ORDER BY id"), ["0 7", "1 7"]);
    assert_eq!(shop.rows("SELECT max(v) FROM dev__alice.a"), ["8"]);
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn seeds_and_unit_tests_and_queries() {
    let shop = Shop::with_models(&[]);
    shop.0.write("seeds/s.csv", "id,day,name\n1,2026-01-01,it's \\ \"q\"\n2,,\n");
    shop.0.write("models/s.sql", "MODEL (name s, kind SEED (path '../seeds/s.csv'));\n");
    shop.0.model("t", "SELECT id, coalesce(name, 'none') AS name FROM s");
    shop.0.write(
        "tests/test_t.yaml",
        "test_none:\n  model: t\n  inputs:\n    s:\n      - {id: 1, name: null}\n      - {id: 2, name: x}\n  outputs:\n    query:\n      - {id: 1, name: none}\n      - {id: 2, name: x}\n",
    );
    shop.0.commit_quietly("all");
    shop.vmesh("test").good();
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.rows("SELECT * FROM prod.s ORDER BY id"), ["1 2026-01-01 it's \\ \"q\"", "2 NULL NULL"]);
    assert_eq!(shop.rows("SELECT * FROM prod.t ORDER BY id"), ["1 it's \\ \"q\"", "2 none"]);
    let json = shop.0.vmesh(&["query", "SELECT * FROM t ORDER BY id", "--format", "json"]).json();
    assert_eq!(json, serde_json::json!([{"id": 1, "name": "it's \\ \"q\""}, {"id": 2, "name": "none"}]));
    let csv = shop.0.vmesh(&["query", "SELECT * FROM s ORDER BY id", "--format", "csv"]).good();
    assert_eq!(csv, "id,day,name\n1,2026-01-01,\"it's \\ \"\"q\"\"\"\n2,,\n");
    shop.0.write("tests/test_t.yaml", &shop.0.read("tests/test_t.yaml").replace("name: none", "name: other"));
    let told = shop.vmesh("test");
    assert!((told.out.clone() + &told.err).contains("other"), "{told:?}");
    let wrong = shop.0.vmesh(&["query", "SELECT id,\n  nme FROM t"]).fails(1);
    assert!(wrong.contains("nme") && wrong.contains("LINE 2"), "{wrong}");
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn what_spark_cannot_do_is_told_before_anything_is_built() {
    let refused = |model: &str| {
        let shop = Shop::with_models(&[]);
        shop.0.write("models/a.sql", model);
        shop.0.commit_quietly("a");
        let done = shop.vmesh("promote --yes");
        assert_ne!(done.code, Some(0), "{model}");
        assert!(shop.attempts().is_empty());
        done.err
    };
    let statement = refused("MODEL (name a);\nCREATE TEMP TABLE x AS SELECT 1 AS id;\nSELECT 1 AS id");
    assert!(statement.contains("statements around a query can't be used on Spark yet"), "{statement}");
    let odd = refused("MODEL (name \"a b\");\nSELECT 1 AS id");
    assert!(odd.contains("other signs in its name"), "{odd}");
    for attack in [
        "SELECT reflect('java.lang.System', 'getenv', 'HOME') AS a",
        "SELECT * FROM text.`/etc/hostname`",
        "SELECT * FROM IDENTIFIER('vmesh_snapshots.x')",
        "SELECT TRANSFORM (1) USING 'cat' AS (a)",
        "SELECT 'a\\' || reflect('b', 'c') || 'c' AS a",
        "SELECT 1 AS a -- \\\n, reflect('b', 'c') AS b",
    ] {
        refused(attack);
    }
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_stranger_s_branch_reaches_nothing_but_rows() {
    let shop = Shop::promoted(&[("q", "SELECT 'q' AS s, 'r' AS t"), ("r", "SELECT s, t FROM q")]);
    shop.git("switch --quiet --create evil").good();
    for key in ["reflect('java.lang.System', 'getProperty', 'user.dir')", "version()"] {
        let model =
            format!("MODEL (name k, kind SCD_TYPE_2_BY_COLUMN (unique_key {key}, columns [s]));\nSELECT s, t FROM q");
        shop.0.write("models/k.sql", &model);
        let told = shop.vmesh("plan").fails(1);
        assert!(told.contains("a header can't call"), "{told}");
    }
    std::fs::remove_file(shop.0.path().join("models/k.sql")).unwrap();
    // a text that ends with a backslash takes no quote along
    let inputs = |first: &str, second: &str| {
        format!(
            "test_r:\n  model: r\n  inputs:\n    q:\n      - {{s: '{first}', t: '{second}'}}\n  outputs:\n    query:\n      - {{s: '{first}', t: '{second}'}}\n"
        )
    };
    shop.0.write(
        "tests/test_r.yaml",
        &inputs("a\\", " AS STRING), CAST(1 AS STRING))) AS x(s, t) UNION ALL SELECT version(), version() --"),
    );
    shop.vmesh("test").good();
    shop.0.write("tests/test_r.yaml", &inputs("C:\\new\\table", "''"));
    shop.vmesh("test").good();
    shop.0.model("r", "SELECT s, CAST(length(s) AS STRING) AS t FROM q");
    shop.0.write(
        "tests/test_r.yaml",
        &inputs("C:\\new", "")
            .replace("query:\n      - {s: 'C:\\new', t: ''}", "query:\n      - {s: 'C:\\new', t: '6'}"),
    );
    shop.vmesh("test").good();
    shop.vmesh("test --create r --name other").good();
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn views_of_models_follow_what_they_read() {
    let shop = Shop::with_models(&[("w", "SELECT id, y FROM v")]);
    shop.0.write("models/v.sql", "MODEL (name v, kind VIEW);\nSELECT *, x * 2 AS y FROM raw.t");
    shop.0.sql("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT 1 AS id, CAST(1.2 AS DECIMAL(5, 1)) AS x");
    shop.0.commit_quietly("v");
    shop.vmesh("promote --yes").good();
    shop.0.sql("CREATE TABLE raw.t AS SELECT 3000000000 AS id, CAST(1.2345 AS DECIMAL(12, 4)) AS x, X'00ff' AS more");
    shop.vmesh("run prod --ignore-cron").good();
    assert_eq!(shop.rows("SELECT id, y FROM prod.v"), ["3000000000 2.4690"]);
    assert_eq!(shop.rows("SELECT * FROM prod.w"), ["3000000000 2.4690"]);
    let told = shop.0.vmesh(&["query", "SELECT more FROM v"]).good();
    assert!(told.contains("00FF"), "{told}");
}

/// Attempts to kill vmesh at each moment of a promotion.
#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_killed_vmesh_is_caught_up_with() {
    let moments = [
        "build:1",
        "built:1",
        "build:2",
        "built:3",
        "publish:begin",
        "publish:views",
        "publish:committed",
        "publish:done",
    ];
    for moment in moments {
        let shop = Shop::promoted(&CHAIN);
        shop.vmesh("hooks uninstall").good();
        shop.0.model("staging.orders", "SELECT * FROM (VALUES (1, 11), (2, 22)) AS t(id, amount)");
        shop.0.commit("new");
        let done = shop.0.vmesh_command(&["promote", "--yes"]).env("VMESH_TEST_KILL_AT", moment).output().unwrap();
        assert_eq!(done.status.code(), None, "not killed at {moment}");
        let shown = shop.rows("SELECT total FROM marts.report");
        assert_eq!(shown, [if moment == "publish:done" { "33" } else { "60" }], "{moment}");
        // any command that looks at the warehouse catches up
        shop.vmesh("status").good();
        let shown = shop.rows("SELECT total FROM marts.report");
        assert_eq!(
            shown,
            [if moment.starts_with("publish:committed") || moment == "publish:done" { "33" } else { "60" }],
            "{moment}"
        );
        shop.vmesh("promote --yes").good();
        assert_eq!(shop.rows("SELECT total FROM marts.report"), ["33"], "{moment}");
        shop.is_sound();
    }
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_killed_builder_leaves_no_orphan() {
    let slow = "SELECT count(*) AS n FROM range(600000) a JOIN range(600000) b ON a.id * b.id % 7 = 3";
    let shop = Shop::with_models(&[("a", slow)]);
    let mut builder = shop.0.vmesh_command(&["promote", "--yes"]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    builder.kill().unwrap();
    builder.wait().unwrap();
    // the next one stops what the server goes on with
    shop.0.model("a", "SELECT 5 AS n");
    shop.0.commit_quietly("quick");
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.rows("SELECT n FROM prod.a"), ["5"]);
    assert_eq!(shop.attempts().len(), 1);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(shop.attempts().len(), 1, "it came too late");
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn two_builders_at_once_build_the_right_rows_once() {
    let shop = Shop::with_models(&[("a", "SELECT id FROM range(100000)"), ("b", "SELECT count(*) AS n FROM a")]);
    let mut builders: Vec<_> = (0..2).map(|_| shop.0.vmesh_command(&["promote", "--yes"]).spawn().unwrap()).collect();
    builders.iter_mut().for_each(|builder| assert!(builder.wait().unwrap().success()));
    assert_eq!(shop.rows("SELECT n FROM prod.b"), ["100000"]);
    assert_eq!(shop.rows("SELECT count(*) FROM prod.a"), ["100000"]);
    assert_eq!(shop.attempts().len(), 2, "{:?}", shop.attempts());
    shop.is_sound();
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_vmesh_that_is_killed_while_views_move_goes_on_where_it_was() {
    let names: Vec<String> = (100..140).map(|number| format!("m{number}")).collect();
    let models = |value: i32| -> Vec<(String, String)> {
        names
            .iter()
            .map(|name| (name.clone(), format!("MODEL (name {name}, kind VIEW);\nSELECT {value} AS v")))
            .collect()
    };
    let shop = Shop::with_models(&[]);
    let write = |value: i32| {
        models(value).iter().for_each(|(name, text)| shop.0.write(&format!("models/{name}.sql"), text));
        shop.0.commit_quietly("models");
    };
    write(0);
    shop.vmesh("promote --yes").good();
    let shown = || {
        shop.rows(&names.iter().map(|name| format!("SELECT v FROM prod.{name}")).collect::<Vec<_>>().join(" UNION "))
    };
    let mut mixed = 0;
    for round in 1..=4 {
        write(round);
        let mut promote = shop.0.vmesh_command(&["promote", "--yes"]).spawn().unwrap();
        wait_until("the first view moves", || shown().contains(&round.to_string()));
        promote.kill().unwrap();
        promote.wait().unwrap();
        mixed += usize::from(shown().len() == 2);
        shop.vmesh("status").good();
        assert_eq!(shown(), [round.to_string()], "{round}");
        shop.is_sound();
    }
    assert!(mixed > 0, "it was never killed in the midst of it");
}

#[test]
#[ignore = "needs a server of its own: sh tests/spark/run.sh"]
fn a_killed_server_is_told_and_nothing_is_lost() {
    let kill = std::env::var("VMESH_TEST_SPARK_KILL").expect("what kills the server, which tests/spark/run.sh says");
    let shop = Shop::promoted(&[("a", "SELECT 1 AS n")]);
    shop.0.model("a", "SELECT count(*) AS n FROM range(600000) a JOIN range(600000) b ON a.id * b.id % 7 = 3");
    shop.0.commit_quietly("slow");
    let done = std::thread::scope(|scope| {
        let promoting = scope.spawn(|| shop.vmesh("promote --yes"));
        std::thread::sleep(Duration::from_secs(3));
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        promoting.join().unwrap()
    });
    let told = done.fails(1);
    assert!(told.contains("the server can't be reached"), "{told}");
    assert!(!told.contains("panicked"));
    shop.0.model("a", "SELECT 2 AS n");
    shop.0.commit_quietly("quick");
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.rows("SELECT n FROM prod.a"), ["2"]);
    shop.is_sound();
}

#[test]
#[ignore = "needs two servers: sh tests/postgres/run.sh --with sh tests/spark/run.sh --own"]
fn records_may_lie_in_postgresql() {
    let database = crate::support::postgres::Server::new();
    let shop = Shop::with_models(&CHAIN);
    let settings = format!("[hooks]\nbuild = \"inline\"\n\n[state]\nurl = \"{}\"\n", database.url);
    shop.0.write("vmesh.toml", &settings);
    shop.0.commit_quietly("records");
    shop.vmesh("promote --yes").good();
    assert_eq!(shop.rows("SELECT total FROM marts.report"), ["60"]);
    assert_eq!(database.rows("SELECT count(*) FROM vmesh_state.pointers")[0][0], "4");
    shop.git("switch --quiet --create alice").good();
    shop.0.model("marts.totals", "SELECT sum(amount) * 2 AS total FROM staging.orders");
    shop.git("commit --quiet --all -m double").good();
    assert_eq!(shop.rows("SELECT total FROM dev__alice__marts.report"), ["120"]);
    shop.is_sound();
    assert!(!shop.0.warehouse().exists());
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_command_tells_the_token() {
    let shop = Shop::with_models(&[("a", "SELECT 1 AS n")]);
    let settings = "[hooks]\nbuild = \"inline\"\n\n[engine]\ntoken_command = \"env:VMESH_TEST_COMMAND\"\n";
    shop.0.write("vmesh.toml", settings);
    shop.0.commit_quietly("token");
    let url = shop.0.url().trim_end_matches("/;token=tests");
    assert!(url.len() < shop.0.url().len(), "a server that wants a token");
    let promote = |command: &str| {
        let mut vmesh = shop.0.vmesh_command(&["promote", "--yes"]);
        vmesh.env("VMESH_TEST_URL", url);
        if !command.is_empty() {
            vmesh.env("VMESH_TEST_COMMAND", command);
        }
        Done::of(vmesh.output().unwrap())
    };
    for (command, why) in [
        ("", "the environment has no VMESH_TEST_COMMAND"),
        ("echo log in first >&2; exit 1", "the token command failed (exit status: 1): log in first"),
        ("echo another", "the server can't be reached"),
    ] {
        let told = promote(command).fails(1);
        assert!(told.contains(why) && told.contains("help: "), "{command}: {told}");
    }
    promote("echo tests").good();
    assert_eq!(shop.rows("SELECT n FROM prod.a"), ["1"]);
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn another_server_that_speaks_the_protocol_is_refused() {
    let sail = std::env::var("VMESH_TEST_SAIL").expect("a server of pysail's, which tests/spark/run.sh starts");
    let shop = Shop::with_models(&CHAIN);
    let mut vmesh = shop.0.vmesh_command(&["promote", "--yes"]);
    let told = Done::of(vmesh.env("VMESH_TEST_URL", &sail).output().unwrap()).fails(1);
    assert!(told.contains("this server takes 'a''b' for two texts") && told.contains("Spark 4.0 or newer"), "{told}");
    // nothing is left of it; and one that has records is asked as well
    shop.vmesh("promote --yes").good();
    let mut vmesh = shop.0.vmesh_command(&["query", "SELECT 1 AS one"]);
    let told = Done::of(vmesh.env("VMESH_TEST_URL", &sail).output().unwrap()).fails(1);
    assert!(told.contains("for two texts"), "{told}");
}

#[test]
#[ignore = "needs a server: sh tests/spark/run.sh"]
fn a_server_behind_tls_is_trusted_by_its_certificate() {
    let said = |name: &str| std::env::var(name).expect("tests/spark/run.sh says it");
    let shop = Shop::with_models(&[("a", "SELECT 1 AS n")]);
    let promote = |authority: &str| {
        let mut vmesh = shop.0.vmesh_command(&["promote", "--yes"]);
        vmesh.env("VMESH_TEST_URL", said("VMESH_TEST_SPARK_TLS")).env("SSL_CERT_FILE", authority);
        Done::of(vmesh.output().unwrap())
    };
    let told = promote("/dev/null").fails(1);
    assert!(told.contains("can't be opened") && told.contains("TLS"), "{told}");
    promote(&said("VMESH_TEST_SPARK_AUTHORITY")).good();
    assert_eq!(shop.rows("SELECT n FROM prod.a"), ["1"]);
}
