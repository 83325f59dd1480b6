//! The first day: a project begun in whatever folder, the first plan, and what vmesh says to those who err.

use crate::support::Sandbox;

/// An empty repository.
fn repository() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox
}

#[test]
fn a_project_of_somebody_gets_no_sample() {
    let sandbox = repository();
    sandbox.write("README.md", "# Shop\n");
    sandbox.write("etl/load.py", "print(1)\n");
    let said = sandbox.vmesh(&["init"]).good();
    assert!(said.contains("made 1 file, and the hooks") && said.contains("no sample was written"), "{said}");
    assert!(!sandbox.path().join("models").exists() && !sandbox.path().join("tests").exists());
    assert!(sandbox.read(".git/hooks/post-checkout").contains("vmesh"));
}

#[test]
fn a_readme_is_no_project_yet() {
    let sandbox = repository();
    sandbox.write("README.md", "# Shop\n");
    sandbox.write("LICENSE", "free\n");
    sandbox.write(".gitignore", "*.tmp\n");
    sandbox.vmesh(&["init"]).good();
    assert!(sandbox.path().join("models/marts/orders.sql").exists());
    let empty = repository();
    assert!(empty.vmesh(&["init", "--empty"]).good().contains("made 1 file, and the hooks"));
    assert!(!empty.path().join("models").exists());
}

#[test]
fn who_clones_a_project_gets_the_hooks_by_init_as_well() {
    let sandbox = repository();
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.model("a", "SELECT 1 AS x");
    let said = sandbox.vmesh(&["init"]).good();
    assert!(said.contains("vmesh.toml is read as it is; made the hooks"), "{said}");
    assert!(sandbox.read(".git/hooks/post-merge").contains("vmesh"));
    assert_eq!(sandbox.read("vmesh.toml"), "[hooks]\nbuild = \"inline\"\n");
}

#[test]
fn a_project_of_dbt_is_told_so() {
    let sandbox = repository();
    sandbox.write("dbt_project.yml", "name: shop\n");
    sandbox.write("models/orders.sql", "SELECT * FROM {{ ref('raw_orders') }}\n");
    let told = sandbox.vmesh(&["init"]).fails(2);
    assert!(told.contains("is a project of dbt") && told.contains("vmesh init --empty"), "{told}");
    assert!(!sandbox.path().join("vmesh.toml").exists());
    sandbox.vmesh(&["init", "--empty"]).good();
    assert!(sandbox.path().join("vmesh.toml").exists());
}

#[test]
fn a_warehouse_that_is_there_gets_first_models() {
    let sandbox = Sandbox::nested();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    let file = sandbox.path().parent().unwrap().join("shop.duckdb");
    let warehouse = duckdb::Connection::open(&file).unwrap();
    let sql = "CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 1 AS id, 9.5::DECIMAL(9, 2) AS \"Total Sum\"; \
               CREATE TABLE raw.\"2024\" AS SELECT 1 AS \"order\"; CREATE TABLE customers AS SELECT 'Ada' AS name";
    warehouse.execute_batch(sql).unwrap();
    drop(warehouse);
    let said = sandbox.vmesh(&["init", "--from", "../shop.duckdb"]).good();
    assert!(said.contains("made 5 files"), "{said}");
    assert!(sandbox.read("vmesh.toml").contains("path = \"../shop.duckdb\""));
    let model = sandbox.read("models/staging/orders.sql");
    assert!(model.contains("FROM raw.orders") && model.contains("\"Total Sum\""), "{model}");
    assert!(sandbox.read("external_models.yaml").contains("DECIMAL(9,2)"));
    sandbox.commit_quietly("first models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let rows =
        sandbox.vmesh(&["query", "SELECT name, \"order\" FROM staging.customers, staging.t_2024", "--format", "csv"]);
    assert_eq!(rows.good().lines().collect::<Vec<_>>(), ["name,order", "Ada,1"]);
    // nothing of theirs has changed
    let warehouse = duckdb::Connection::open(&file).unwrap();
    assert_eq!(crate::support::rows(&warehouse, "FROM raw.orders"), [["1", "9.50"]]);
    let absent = sandbox.vmesh(&["init", "elsewhere", "--from", "nothing.duckdb"]).fails(1);
    assert!(absent.contains("nothing.duckdb") && !sandbox.path().join("elsewhere").exists(), "{absent}");
    // in a project that is there, nobody would know which warehouse is meant
    let taken = sandbox.vmesh(&["init", "--from", "../shop.duckdb"]).fails(2);
    assert!(taken.contains("vmesh.toml is there already"), "{taken}");
}

#[test]
fn odd_tables_of_a_warehouse_make_no_project_that_does_not_load() {
    let sandbox = Sandbox::nested();
    let file = sandbox.path().parent().unwrap().join("caf\u{e9}\u{301} x.duckdb");
    let warehouse = duckdb::Connection::open(&file).unwrap();
    let tables =
        ["\"a b\"", "\"a-b\"", "a_b", "\"\u{65e5}\u{672c}\"", "\"2024/25\"", "\"x.csv\"", "\"new\nline\"", "\"order\""];
    let sql: String = tables.iter().map(|name| format!("CREATE TABLE raw.{name} AS SELECT 1 AS id;")).collect();
    let schemas = "CREATE SCHEMA raw; CREATE SCHEMA staging; CREATE VIEW staging.a_b AS SELECT 42 AS x; \
                   CREATE SCHEMA vmesh_audits; CREATE TABLE vmesh_audits.x AS SELECT 1 AS id; \
                   CREATE SCHEMA dev__old; CREATE TABLE dev__old.y AS SELECT 1 AS id;";
    warehouse.execute_batch(&format!("{schemas} {sql}")).unwrap();
    drop(warehouse);
    let said = sandbox.vmesh(&["init", "--from", file.to_str().unwrap()]);
    assert!(said.err.contains("no model was written for raw.2024/25, raw.new?line, raw.x.csv"), "{said:?}");
    said.good();
    sandbox.commit_quietly("first models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let names = sandbox.vmesh(&["ls", "--json"]).json();
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stg.a_b", "stg.a_b_2", "stg.a_b_3", "stg.order", "stg.t_"]);
}

#[test]
fn what_was_begun_is_taken_back_where_a_warehouse_is_none() {
    let sandbox = Sandbox::nested();
    sandbox.write("../no.duckdb", "this is no database, and long enough to be read as one: 0123456789");
    let told = sandbox.vmesh(&["init", "--from", "../no.duckdb"]).fails(1);
    assert!(told.contains("no.duckdb"), "{told}");
    assert_eq!(std::fs::read_dir(sandbox.path()).unwrap().count(), 0);
    // the warehouse of another project
    let other = Sandbox::promoted(&[("a", "SELECT 1 AS x")]);
    let told = sandbox.vmesh(&["init", "--from", other.warehouse().to_str().unwrap()]).fails(2);
    assert!(told.contains("is the warehouse of another vmesh project"), "{told}");
    assert_eq!(std::fs::read_dir(sandbox.path()).unwrap().count(), 0);
    sandbox.git(&["init", "--quiet", "--bare", "bare.git"]).good();
    let bare = sandbox.path().join("bare.git");
    sandbox.vmesh_in(&bare, &["init"]).fails(1);
    assert!(!bare.join("vmesh.toml").exists());
}

#[test]
fn models_without_tests_are_models_all_the_same() {
    let sandbox = Sandbox::with_models(&[("a", "SELECT 1 AS x"), ("b", "SELECT x FROM a")]);
    sandbox.write("tests/test_a.yaml", "test_a:\n  model: a\n  outputs:\n    query:\n    - x: 1\n");
    assert!(sandbox.vmesh(&["test", "+b"]).good().contains("1 test · 0 failed"));
    for none in ["b", "kind:view", "changed"] {
        assert!(sandbox.vmesh(&["test", none]).good().contains("no tests of these models"), "{none}");
    }
    assert!(sandbox.vmesh(&["test", "nobody"]).fails(1).contains("no test is called `nobody`"));
}

#[test]
fn before_the_first_commit_a_plan_tells_what_it_will_need() {
    let sandbox = repository();
    sandbox.vmesh(&["init"]).good();
    let told = sandbox.vmesh(&["plan"]).good();
    assert!(told.contains("+ marts.orders") && told.contains("12 to build"), "{told}");
    assert!(told.contains("nothing committed yet") && told.contains("git add --all && git commit"), "{told}");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("vmesh promote"), "{told}");
    // and it was no promise of anything
    sandbox.model("more", "SELECT 1 AS x");
    assert!(sandbox.vmesh(&["plan"]).good().contains("13 to build"));
}

#[test]
fn a_rename_is_told_as_one() {
    let sandbox = Sandbox::promoted(&[("orders", "SELECT 1 AS id"), ("totals", "SELECT count(*) AS n FROM orders")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.git(&["mv", "models/totals.sql", "models/sums.sql"]).good();
    let told = sandbox.vmesh(&["plan"]).out;
    assert!(told.contains("+ sums") && told.contains("renamed from totals: shows its table"), "{told}");
    assert!(!told.contains("- totals"), "{told}");
    // and so is the next one, though the table was made for the first of all names
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.commit_quietly("sums");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    sandbox.git(&["mv", "models/sums.sql", "models/count.sql"]).good();
    let told = sandbox.vmesh(&["plan"]).out;
    assert!(told.contains("+ count") && told.contains("renamed from sums"), "{told}");
}

#[test]
fn a_change_is_told_with_its_line_and_all_that_it_reaches_below_it() {
    let sandbox = Sandbox::promoted(&[
        ("a", "-- the first\nSELECT\n  1 AS x,\n  2 AS y"),
        ("b", "SELECT x + 1 AS x FROM a"),
        ("c", "SELECT x + 1 AS x FROM b"),
        ("d", "SELECT y FROM a"),
    ]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("models/a.sql", "-- the very first\nSELECT\n  1 AS x,\n\n  3 AS y");
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    let step = |name: &str| plan["models"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    assert_eq!(step("a")["edited"], serde_json::json!({"path": "models/a.sql", "line": 5}));
    assert_eq!(step("d")["through"], serde_json::json!(["a"]));
    assert_eq!(step("b")["through"], serde_json::json!([]));
    let told = sandbox.vmesh(&["plan"]).out;
    assert!(told.contains("~ a") && told.contains("its query changed at models/a.sql:5"), "{told}");
    assert!(told.contains("└─ d"), "{told}");
}

#[test]
fn what_looks_like_a_commit_is_no_branch_to_be() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS x")]);
    let told = sandbox.vmesh(&["rollback", "12345678", "--yes"]).fails(1);
    assert!(told.contains("no commit of this clone begins so") || told.contains("vmesh log"), "{told}");
    assert!(!told.contains("git switch -c"), "{told}");
    let told = sandbox.vmesh(&["query", "SELECT 1", "--env", "deadbeef"]).fails(1);
    assert!(told.contains("no commit of this clone begins so") && !told.contains("git switch -c"), "{told}");
}

#[test]
fn a_column_that_a_raw_table_has_not_is_told_by_the_plan() {
    let sandbox = Sandbox::with_models(&[("a", "SELECT 1 AS x")]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 1 AS id, 2 AS amount");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("b", "SELECT\n  id,\n  amout\nFROM raw.orders");
    sandbox.model("c", "SELECT id FROM b");
    let told = sandbox.vmesh(&["plan"]);
    assert!(told.out.contains("+ b") && told.code == Some(0), "{}", told.out);
    assert!(told.err.contains("`b` can't be built as it is") && told.err.contains("models/b.sql:3:3"), "{}", told.err);
    assert!(told.err.contains("amount"), "{}", told.err);
    // what `before_all` is going to make, and what a parent is going to have, nobody knows yet
    sandbox.write(
        "vmesh.toml",
        "before_all = [\"CREATE TABLE IF NOT EXISTS raw.more (id INT)\"]\n[hooks]\nbuild = \"inline\"\n",
    );
    sandbox.commit_quietly("before all");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "alice"]).good();
    assert!(!sandbox.vmesh(&["plan"]).err.contains("as it is"));
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.commit_quietly("no more");
    sandbox.git(&["branch", "--force", "main"]).good();
    sandbox.model("b", "SELECT id, amount AS y FROM raw.orders");
    let told = sandbox.vmesh(&["plan"]);
    assert!(told.err.contains("not applied: there is no terminal to ask on"), "{}", told.err);
}

#[test]
fn builds_are_remembered_and_tell_how_long_the_next_will_take() {
    let sandbox = Sandbox::promoted(&[("a", "FROM range(1000) t(x)"), ("v", "MODEL (kind VIEW); SELECT x FROM a")]);
    let builds =
        "SELECT model, rows, loads, who, branch, dirty, length(commit_id) FROM vmesh_state.builds ORDER BY model";
    let expected = [["a", "1000", "1", "Ada", "main", "false", "40"], ["v", "NULL", "1", "Ada", "main", "false", "40"]];
    assert_eq!(sandbox.rows(builds), expected);
    assert_eq!(sandbox.value("SELECT rows FROM vmesh_state.tables WHERE model = 'a'"), "1000");
    sandbox.sql("UPDATE vmesh_state.builds SET took = 12400000 WHERE model = 'a'");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a", "SELECT x + 1 AS x FROM range(500) t(x)");
    let told = sandbox.vmesh(&["plan"]).out;
    assert!(told.contains("about 12 s"), "{told}");
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    assert_eq!(plan["models"][0]["expected_seconds"], 12.4);
    sandbox.vmesh(&["plan", "--yes"]).good();
    let newest = "SELECT rows, branch, dirty FROM vmesh_state.builds WHERE model = 'a' ORDER BY ended_at DESC LIMIT 1";
    assert_eq!(sandbox.rows(newest), [["500", "alice", "true"]]);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", "a"]).good();
    assert_eq!(sandbox.rows(newest), [["1000", "main", "false"]]);
    sandbox.git(&["switch", "--quiet", "--force", "alice"]).good();
    // of each model, no more than twenty are kept
    for at in 0..22 {
        sandbox.model("a", &format!("SELECT x + {at} AS x FROM range(10) t(x)"));
        sandbox.vmesh(&["plan", "--yes"]).good();
    }
    assert_eq!(sandbox.value("SELECT count(*) FROM vmesh_state.builds WHERE model = 'a'"), "20");
}

#[test]
fn shells_complete_names_of_models_and_branches() {
    let sandbox = Sandbox::with_models(&[("marts.orders", "SELECT 1 AS id"), ("staging.orders", "SELECT 1 AS id")]);
    sandbox.git(&["branch", "alice/new"]).good();
    let completed = |line: &str| {
        let said = sandbox.shell(&format!("VMESH_COMPLETE=fish vmesh -- {line}")).good();
        said.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(completed("vmesh blame mar"), ["marts.orders"]);
    assert_eq!(completed("vmesh table-diff st"), ["staging.orders"]);
    assert_eq!(completed("vmesh query 'SELECT 1' --env al"), ["alice/new"]);
    assert_eq!(completed("vmesh diff dev"), ["dev__alice__new"]);
    assert_eq!(completed("vmesh prom"), ["promote"]);
    // files that make no project have no models, and nothing is said of it
    sandbox.write("models/broken.sql", "SELEC");
    assert_eq!(completed("vmesh blame mar"), Vec::<String>::new());
    assert!(sandbox.vmesh(&["completions", "bash"]).good().contains("VMESH_COMPLETE"));
}
