//! How far a change reaches: what takes nothing of it is not built, and is filled later from what stands above it then.

use crate::support::{Sandbox, postgres};

/// A table that nobody manages; `orders` above three models, of which each takes other columns.
const SHOP: [(&str, &str); 5] = [
    ("orders", "SELECT id, amount, 'x' AS note FROM source.orders"),
    ("totals", "SELECT sum(amount) AS total FROM orders"),
    ("notes", "MODEL (kind VIEW);\nSELECT id, note, amount FROM orders"),
    ("labels", "SELECT id, note || '!' AS label FROM notes"),
    ("report", "SELECT total + 1 AS more FROM totals"),
];

fn shop() -> Sandbox {
    let sandbox = Sandbox::with_models(&SHOP);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id, 10 AS amount");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

/// The models that a plan of the working tree would build.
fn builds(sandbox: &Sandbox) -> Vec<String> {
    let plan = sandbox.vmesh(&["plan", "--format", "json"]).json();
    let steps = plan["models"].as_array().unwrap();
    let built = steps.iter().filter(|step| step["action"] == "build");
    built.map(|step| step["name"].as_str().unwrap().to_owned()).collect()
}

fn note(sandbox: &Sandbox, note: &str) {
    sandbox.model("orders", &format!("SELECT id, amount, '{note}' AS note FROM source.orders"));
}

#[test]
fn what_takes_nothing_of_a_change_is_not_built() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let orders = |query: &str| sandbox.model("orders", query);
    for (query, expected) in [
        ("SELECT id, amount, 'y' AS note FROM source.orders", vec!["orders", "notes", "labels"]),
        (
            "SELECT id, amount * 2 AS amount, 'x' AS note FROM source.orders",
            vec!["orders", "notes", "totals", "report"],
        ),
        ("SELECT id, amount, 'x' AS note, 1 AS added FROM source.orders", vec!["orders", "notes"]),
        (
            "SELECT note, amount, id FROM (SELECT id, amount, 'x' AS note FROM source.orders) AS q",
            vec!["orders", "notes"],
        ),
        (
            "SELECT id, amount, 'x' AS note FROM source.orders WHERE id > 0",
            vec!["orders", "notes", "labels", "totals", "report"],
        ),
        (
            "SELECT DISTINCT id, amount, 'x' AS note FROM source.orders",
            vec!["orders", "notes", "labels", "totals", "report"],
        ),
        ("SELECT id, amount, 'x' AS note FROM source.orders -- the same", vec![]),
    ] {
        orders(query);
        let mut built = builds(&sandbox);
        let mut expected = expected;
        built.sort();
        expected.sort_unstable();
        assert_eq!(built, expected, "{query}");
    }
    orders("SELECT id, amount, 'y' AS note FROM source.orders");
    let told = sandbox.vmesh(&["plan", "--explain"]).good();
    for line in ["columns: ~note", "takes nothing of what changed in orders", "2 below the change take nothing of it"] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn a_column_that_takes_a_name_away_is_seen() {
    let models = [
        ("a", "SELECT 1 AS id"),
        ("b", "SELECT 1 AS id, 5 AS v"),
        ("c", "SELECT b.id, (SELECT max(t) FROM (SELECT v AS t FROM a) AS x) AS w FROM b"),
    ];
    let sandbox = Sandbox::promoted(&models);
    assert_eq!(sandbox.value("SELECT w FROM prod.c"), "5");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a", "SELECT 1 AS id, 7 AS v");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT w FROM dev__alice.c"), "7");
    sandbox.is_sound();
}

/// Some models, one of them with another text on the branch, and what the last one gives then.
type Case<'a> = (&'a [(&'a str, &'a str)], (&'a str, &'a str), &'a [&'a str]);

#[track_caller]
fn give(cases: &[Case<'_>]) {
    for (models, (changed, text), expected) in cases {
        let sandbox = Sandbox::promoted(models);
        sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
        sandbox.model(changed, text);
        sandbox.vmesh(&["plan", "--yes"]).good();
        let last = models.last().unwrap().0;
        let rows = sandbox.rows(&format!("SELECT r FROM dev__alice.{last} ORDER BY r")).concat();
        assert_eq!(&rows, expected, "{changed}: {text}");
        sandbox.is_sound();
    }
}

#[test]
fn what_a_window_a_group_or_an_order_is_made_of_counts() {
    let pairs = ("x", "SELECT 1 AS id, 10 AS v UNION ALL SELECT 2 AS id, -5 AS v");
    let keys = ("x", "SELECT * FROM (VALUES (1, 1), (1, 1), (2, 1)) AS t(j, k)");
    let three = ("x", "SELECT * FROM (VALUES (1, 1, 9), (2, 2, 1), (3, 3, 5)) AS t(id, k, v)");
    give(&[
        (
            &[pairs, ("p", "SELECT id, sum(v) OVER () AS s FROM x WHERE v > 0"), ("c", "SELECT s AS r FROM p")],
            ("p", "SELECT id, s FROM (SELECT id, v, sum(v) OVER () AS s FROM x) AS q WHERE v > 0"),
            &["5"],
        ),
        (
            &[
                keys,
                ("p", "SELECT q.k, count(*) AS n FROM (SELECT j, k FROM x GROUP BY j, k) AS q GROUP BY q.k"),
                ("c", "SELECT k, n AS r FROM p"),
            ],
            ("p", "SELECT k, count(*) AS n FROM x GROUP BY j, k, k"),
            &["1", "2"],
        ),
        (
            &[three, ("p", "SELECT id FROM x ORDER BY k, v LIMIT 2"), ("c", "SELECT sum(id) AS r FROM p")],
            ("p", "SELECT id FROM (SELECT id, k, v FROM x ORDER BY k) AS q ORDER BY v LIMIT 2"),
            &["5"],
        ),
    ]);
}

#[test]
fn a_column_that_is_called_like_a_table_around_hides_nothing() {
    give(&[(
        &[
            ("o", "SELECT 1 AS id, 5 AS w"),
            ("b", "SELECT 5 AS k, 100 AS v, 1 AS o UNION ALL SELECT 6 AS k, 200 AS v, 1 AS o"),
            ("c", "SELECT o.id, (SELECT max(v) FROM b WHERE b.k = o.w) AS r FROM o"),
        ],
        ("o", "SELECT 1 AS id, 6 AS w"),
        &["200"],
    )]);
}

#[test]
fn names_mean_what_the_engine_says() {
    // PostgreSQL takes "W" for another name than w, and puts the columns of USING in front
    if !postgres::is_tested() {
        return;
    }
    give(&[
        (
            &[
                ("o", "SELECT 1 AS id, 5 AS w"),
                ("b", "SELECT 5 AS k, 100 AS v, 9 AS \"W\" UNION ALL SELECT 6 AS k, 200 AS v, 9 AS \"W\""),
                ("c", "SELECT o.id, (SELECT max(v) FROM b WHERE k = w) AS r FROM o"),
            ],
            ("o", "SELECT 1 AS id, 6 AS w"),
            &["200"],
        ),
        (
            &[
                ("o", "SELECT 1 AS key, 5 AS id"),
                ("x", "SELECT 9 AS a, 5 AS id UNION ALL SELECT 9 AS a, 6 AS id"),
                ("y", "SELECT 5 AS id, 100 AS b UNION ALL SELECT 6 AS id, 200 AS b"),
                ("p", "SELECT * FROM x JOIN y USING (id)"),
                ("c", "SELECT o.key, (SELECT max(b) FROM p AS t(m) WHERE m = id) AS r FROM o"),
            ],
            ("o", "SELECT 1 AS key, 6 AS id"),
            &["200"],
        ),
        (
            &[
                ("x", "SELECT 1 AS id"),
                ("p", "SELECT 'a ' AS a UNION ALL SELECT CAST('b' AS char(2)) AS a"),
                ("c", "SELECT length(a) AS r FROM p"),
            ],
            ("p", "SELECT a FROM (SELECT 'a ' AS a) AS q UNION ALL SELECT CAST('b' AS char(2)) AS a"),
            &["1", "2"],
        ),
    ]);
}

#[test]
fn what_was_reused_is_filled_from_what_prod_shows() {
    let sandbox = shop();
    let totals = sandbox.views("prod")["totals"].clone();
    note(&sandbox, "y");
    sandbox.commit("another note");
    assert_eq!(sandbox.views("prod")["totals"], totals, "it takes nothing of it");
    // by run, from the new version of its parent
    sandbox.sql("INSERT INTO source.orders VALUES (2, 20)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("SELECT total, more FROM prod.totals, prod.report"), [["30", "31"]]);
    // by restating its parent, of which there is another version again, and what gc leaves
    note(&sandbox, "z");
    sandbox.commit("yet another");
    sandbox.sql("INSERT INTO source.orders VALUES (3, 30)");
    sandbox.vmesh(&["gc", "--yes"]).good();
    sandbox.vmesh(&["plan", "prod", "--restate-model", "orders", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT total, more FROM prod.totals, prod.report"), [["60", "61"]]);
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.labels"), "3");
    assert_eq!(sandbox.views("prod")["totals"], totals);
    sandbox.is_sound();
}

#[test]
fn a_rollback_shows_and_fills_what_stood_there() {
    let sandbox = shop();
    note(&sandbox, "y");
    sandbox.commit("another note");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    sandbox.sql("INSERT INTO source.orders VALUES (2, 20)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("SELECT total, more FROM prod.totals, prod.report"), [["30", "31"]]);
    assert_eq!(sandbox.rows("SELECT DISTINCT label FROM prod.labels"), [["x!"]]);
    sandbox.vmesh(&["plan", "prod", "--restate-model", "source.orders", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT total, more FROM prod.totals, prod.report"), [["30", "31"]]);
    sandbox.is_sound();
}

#[test]
fn a_branch_reuses_its_own_while_it_edits_what_is_above() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("totals", "SELECT sum(amount) * 100 AS total FROM orders");
    sandbox.commit("hundreds");
    let totals = sandbox.views("dev__alice")["totals"].clone();
    for edit in ["y", "z", "w"] {
        note(&sandbox, edit);
        assert_eq!(builds(&sandbox).len(), 3, "orders, the view and what takes the note");
        sandbox.commit(edit);
        assert_eq!(sandbox.views("dev__alice")["totals"], totals);
    }
    // a run of prod is no reason to build, nor is the merge
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(builds(&sandbox), Vec::<String>::new());
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.totals"), "1000");
    sandbox.is_sound();
}

#[test]
fn what_stood_above_rows_of_another_time_is_no_substitute() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", "SELECT id, amount + 1 AS amount, 'x' AS note FROM source.orders");
    sandbox.commit("one more");
    assert_eq!(sandbox.value("SELECT total FROM dev__alice.totals"), "11");
    // alice's `orders` is filled again, and then edited where `totals` doesn't look
    sandbox.sql("INSERT INTO source.orders VALUES (2, 20)");
    sandbox.vmesh(&["plan", "--restate-model", "orders", "--yes"]).good();
    sandbox.model("orders", "SELECT id, amount + 1 AS amount, 'y' AS note FROM source.orders");
    sandbox.commit("another note");
    assert_eq!(sandbox.value("SELECT total FROM dev__alice.totals"), "32");
    sandbox.is_sound();
}

#[test]
fn a_columns_relatives_are_told() {
    let sandbox = shop();
    let told = sandbox.vmesh(&["lineage", "orders.amount"]).good();
    for line in ["└─ source.orders.amount", "├─ notes.amount", "└─ totals.total", "   └─ report.more"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let told = sandbox.vmesh(&["lineage", "LABELS.Label", "--format", "json"]).json();
    assert_eq!((&told["column"], &told["upstream"][0]["table"]), (&"label".into(), &"notes".into()));
    let error = sandbox.vmesh(&["lineage", "orders.amuont"]).fails(1);
    assert!(error.contains("did you mean `orders.amount`?"), "{error}");
}

#[test]
fn columns_of_sources_are_known_once_they_are_written_down() {
    let models = [("mid", "SELECT *, 1 AS k FROM source.orders"), ("top", "SELECT sum(amount) AS t FROM mid")];
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql(
        "CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id, 10 AS amount, {'a': 1} AS \"Odd one\"",
    );
    let told = sandbox.vmesh(&["create-external-models"]).good();
    assert!(told.starts_with("external_models.yaml: 1 table"), "{told}");
    assert!(sandbox.vmesh(&["create-external-models"]).good().starts_with("external_models.yaml is up to date"));
    let written = sandbox.read("external_models.yaml");
    sandbox.shell("rm external_models.yaml").good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let edit = |k: usize| sandbox.model("mid", &format!("SELECT *, {k} AS k FROM source.orders"));
    edit(2);
    assert_eq!(builds(&sandbox), ["mid", "top"], "nobody knows what the star gives");
    edit(1);
    sandbox.write("external_models.yaml", &written);
    sandbox.commit("columns");
    edit(2);
    assert_eq!(builds(&sandbox), ["mid"]);
    let told = sandbox.vmesh(&["lineage", "top.t"]).good();
    assert!(told.contains("source.orders.amount"), "{told}");
}

#[test]
fn a_merge_that_is_built_ahead_leaves_prod_s_tables_as_they_are() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    note(&sandbox, "y");
    sandbox.commit("another note");
    sandbox.vmesh(&["plan", "alice", "--merged", "--yes"]).good();
    sandbox.sql("INSERT INTO source.orders VALUES (2, 20)");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "orders", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT total, more FROM prod.totals, prod.report"), [["30", "31"]]);
    sandbox.is_sound();
}

#[test]
fn other_words_for_the_same_build_nothing_below() {
    let models = [
        ("base", "SELECT i AS id, i * 2 AS amount FROM range(3) t(i)"),
        ("orders", "SELECT c.id, c.amount + 1 AS more FROM base AS c WHERE c.amount > 1"),
        ("below", "SELECT sum(more) AS total FROM orders"),
    ];
    let sandbox = Sandbox::promoted(&models);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for text in [
        "SELECT c.id AS id, c.amount + 1 AS more FROM base AS c WHERE c.amount > 1",
        "SELECT x.id, x.amount + 1 AS more FROM base AS x WHERE x.amount > 1",
        "SELECT id, amount + 1 AS more FROM base WHERE amount > 1",
        "WITH c AS (SELECT * FROM base) SELECT id, amount + 1 AS more FROM c WHERE amount > 1",
        "WITH few AS (SELECT amount, id FROM base WHERE amount > 1) SELECT id, amount + 1 AS more FROM few",
        "FROM base SELECT id, amount + 1 AS more WHERE amount > 1",
        "SELECT id, (amount + 1) AS more FROM (SELECT id, amount FROM base) WHERE (amount) > 1",
    ] {
        sandbox.model("orders", text);
        let plan = sandbox.vmesh(&["plan"]).good();
        assert_eq!(builds(&sandbox), ["orders"], "{text}: {plan}");
    }
    for text in [
        "SELECT c.id, c.amount + 2 AS more FROM base AS c WHERE c.amount > 1",
        "SELECT c.id, c.amount + 1 AS more FROM base AS c WHERE c.amount > 2",
        "SELECT c.id, c.amount + 1 AS More FROM base AS c WHERE c.amount > 1",
        "SELECT c.amount + 1 AS more, c.id FROM base AS c WHERE c.amount > 1",
        "SELECT DISTINCT c.id, c.amount + 1 AS more FROM base AS c WHERE c.amount > 1",
        "SELECT c.id, 1 + c.amount AS more FROM base AS c WHERE c.amount > 1",
    ] {
        sandbox.model("orders", text);
        assert!(builds(&sandbox).contains(&"orders".to_owned()), "{text}");
    }
    sandbox.is_sound();
}

/// A branch that was made of what prod showed before.
fn behind(orders: &str, changed: &str) -> Sandbox {
    let sandbox = Sandbox::with_models(&[("orders", orders), ("totals", "SELECT count(*) AS n FROM orders")]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["branch", "alice"]).good();
    sandbox.model("orders", changed);
    sandbox.commit("one");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.sql("INSERT INTO raw.orders VALUES (2)");
    let told = sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert!(!told.contains("left") && !told.contains("of its own"), "{told}");
    sandbox
}

#[test]
fn a_run_fills_tables_of_the_branch_s_own_where_a_rollback_would_show_those_it_has() {
    let sandbox = behind("SELECT * FROM raw.orders", "SELECT id, 1 AS one FROM raw.orders");
    let shown = |schema: &str| {
        sandbox.value(&format!("SELECT (SELECT count(*) FROM {schema}.orders) || ' ' || n FROM {schema}.totals"))
    };
    let told = sandbox.vmesh(&["run", "alice", "--ignore-cron"]).good();
    assert_eq!(
        told,
        "dev__alice · ran 2 models\n  orders  in a table of its own from now on\n  totals  in a table of its own from now on\n"
    );
    assert_eq!(shown("dev__alice"), "2 2");
    sandbox.sql("INSERT INTO raw.orders VALUES (3)");
    let told = sandbox.vmesh(&["run", "alice", "--ignore-cron", "--json"]).json();
    assert_eq!((&told["apart"], &told["left"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(shown("dev__alice"), "3 3");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(shown("prod"), "1 1", "a rollback shows the rows of then");
    assert_eq!(shown("dev__alice"), "3 3");
    assert!(sandbox.vmesh(&["plan", "alice"]).good().contains("nothing to do"));
    sandbox.is_sound();
}

#[test]
fn a_run_tells_what_it_leaves_since_it_goes_on_with_prod_s_rows() {
    let history = |query: &str| format!("MODEL (kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [id]));\n{query}");
    let sandbox = behind(&history("SELECT id FROM raw.orders"), &history("SELECT id, 1 AS one FROM raw.orders"));
    let run = ["run", "alice", "--ignore-cron", "--execution-time", "2100-01-01"];
    let told = sandbox.vmesh(&run).good();
    assert!(told.contains("which a rollback would show: orders"), "{told}");
    assert!(told.contains("git merge main takes what prod shows now"), "{told}");
    assert_eq!(sandbox.vmesh(&[&run[..], &["--json"]].concat()).json()["left"][0], "orders");
    sandbox.git(&["merge", "--quiet", "--no-edit", "main"]).good();
    let told = sandbox.vmesh(&run).good();
    assert!(!told.contains("left"), "{told}");
}

#[test]
fn what_was_filled_from_the_very_rows_that_its_own_tables_have_now_is_not_made_of_itself() {
    let models = [
        ("orders", "SELECT * FROM raw.orders"),
        ("daily", "SELECT id, count(*) AS n FROM orders GROUP BY id"),
        ("totals", "SELECT sum(n) AS n FROM daily"),
    ];
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "--create", "alice"]).good();
    sandbox.model("totals", "SELECT sum(n) * 10 AS n FROM daily");
    sandbox.commit("ten");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.model("orders", "SELECT id + 1 AS id FROM raw.orders");
    sandbox.commit("one");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    let told = sandbox.vmesh(&["run", "alice", "--ignore-cron"]).good();
    assert!(told.contains("  totals\n") && told.contains("  daily  in a table of its own from now on"), "{told}");
    assert_eq!(sandbox.value("SELECT n FROM dev__alice.totals"), "10");
    assert!(sandbox.vmesh(&["plan", "alice"]).good().contains("nothing to do"));
    sandbox.is_sound();
}
