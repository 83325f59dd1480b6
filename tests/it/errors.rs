//! Bad input: what people read, word for word.

use crate::support::{CHAIN, Sandbox};

/// What `vmesh plan` says of a project with these files, exit code first.
fn plan(files: &[(&str, &str)]) -> String {
    let sandbox = Sandbox::bare_project();
    sandbox.commit("empty");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for (path, text) in files {
        sandbox.write(path, text);
    }
    let done = sandbox.vmesh(&["plan", "--yes"]);
    let line = |line: &str| match line.split_once(" in ") {
        Some((built, _)) if line.starts_with("built ") => format!("{built} in # s\n"),
        _ => format!("{line}\n"),
    };
    format!("exit {}\n{}", done.code.unwrap(), done.err.lines().map(line).collect::<String>())
}

#[test]
fn a_query_that_does_not_parse() {
    insta::assert_snapshot!(plan(&[("models/a.sql", "SELECT id,\n  name\nFORM customers\n")]));
}

#[test]
fn an_unknown_property() {
    insta::assert_snapshot!(plan(&[("models/a.sql", "MODEL (\n  name a,\n  graim id\n);\nSELECT 1 AS id\n")]));
}

#[test]
fn a_kind_that_the_engine_has_not() {
    let sql = "MODEL (name a, kind MANAGED);\nSELECT 1 AS id\n";
    insta::assert_snapshot!(plan(&[("models/a.sql", sql)]));
}

#[test]
fn a_column_that_the_kind_needs() {
    let sql = "MODEL (\n  name a,\n  kind SCD_TYPE_2 (unique_key id)\n);\nSELECT 1 AS id, now() AS update_at\n";
    insta::assert_snapshot!(plan(&[("models/a.sql", sql)]));
}

#[test]
fn a_model_that_reads_itself() {
    insta::assert_snapshot!(plan(&[("models/a.sql", "SELECT *\nFROM a\n")]));
}

#[test]
fn models_in_a_circle() {
    insta::assert_snapshot!(plan(&[
        ("models/a.sql", "SELECT * FROM b"),
        ("models/b.sql", "SELECT * FROM c"),
        ("models/c.sql", "SELECT * FROM a"),
    ]));
}

#[test]
fn two_models_of_one_name() {
    insta::assert_snapshot!(plan(&[
        ("models/a.sql", "SELECT 1 AS x"),
        ("models/other/b.sql", "MODEL (name A);\nSELECT 2 AS x"),
    ]));
}

#[test]
fn a_missing_seed() {
    insta::assert_snapshot!(plan(&[("models/a.sql", "MODEL (name a, kind SEED (path '../seeds/a.csv'));")]));
}

#[test]
fn an_unknown_column() {
    insta::assert_snapshot!(plan(&[
        ("models/a.sql", "SELECT 1 AS id, 'x' AS name"),
        ("models/b.sql", "SELECT\n  a.id,\n  a.nmae\nFROM a\n"),
    ]));
}

#[test]
fn a_build_that_fails() {
    insta::assert_snapshot!(plan(&[
        ("models/a.sql", "SELECT 'x' AS amount"),
        ("models/b.sql", "SELECT\n  a.amount::INTEGER AS amount\nFROM a\n"),
        ("models/c.sql", "SELECT * FROM b"),
    ]));
}

#[test]
fn a_table_that_is_not_there() {
    insta::assert_snapshot!(plan(&[
        ("models/staging/orders.sql", "SELECT 1 AS id"),
        ("models/b.sql", "SELECT *\nFROM staging.ordres\n"),
    ]));
}

#[test]
fn tables_read_through_a_function() {
    insta::assert_snapshot!(plan(&[("models/a.sql", "SELECT * FROM query_table('b')")]));
}

#[test]
fn files_outside_of_the_project_are_not_read() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "key\n1234\n").unwrap();
    let path = secret.path().display().to_string();
    for sql in [
        format!("SELECT * FROM '{path}'"),
        format!("SELECT * FROM read_csv('{path}')"),
        format!("SELECT content FROM read_text('{path}')"),
    ] {
        let said = plan(&[("models/a.sql", &sql)]);
        assert!(said.starts_with("exit 1") && !said.contains("1234"), "{sql}\n{said}");
    }
}

#[test]
fn a_file_of_the_project_is_read() {
    let sandbox = Sandbox::bare_project();
    sandbox.write("data/a.csv", "x\n1\n2\n");
    sandbox.model("a", "SELECT sum(x) AS x FROM 'data/a.csv'");
    sandbox.commit("file");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT x FROM prod.a"), "3");
    // a file counts like a query: what a branch changes in it is that branch's, and a merge brings it to prod
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("data/a.csv", "x\n1\n2\n10\n");
    sandbox.commit("ten more");
    assert_eq!(sandbox.value("SELECT x FROM dev__alice.a"), "13");
    assert_eq!(sandbox.value("SELECT x FROM prod.a"), "3");
    sandbox.write("data/a.csv", "x\n100\n");
    sandbox.git(&["switch", "--quiet", "main", "--force"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(sandbox.value("SELECT x FROM prod.a"), "13");
    sandbox.is_sound();
}

#[test]
fn gits_own_files_are_not_read() {
    let said = plan(&[("models/a.sql", "SELECT content FROM read_text('.git/config')")]);
    assert!(said.starts_with("exit 1") && !said.contains("[core]"), "{said}");
}

#[test]
fn an_unknown_setting() {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", "[engine]\npth = \"x.duckdb\"\n");
    insta::assert_snapshot!(sandbox.vmesh(&["status"]).fails(1));
}

#[test]
fn not_a_repository_and_not_a_project() {
    let sandbox = Sandbox::empty();
    let error = sandbox.vmesh(&["status"]).fails(1);
    assert!(error.contains("is not in a Git repository") && error.contains("vmesh init"), "{error}");
    sandbox.git(&["init", "--quiet"]).good();
    let error = sandbox.vmesh(&["status"]).fails(1);
    assert!(error.contains("no vmesh.toml") && error.contains("vmesh init"), "{error}");
}

#[test]
fn nothing_committed() {
    let sandbox = Sandbox::bare_project();
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("nothing is committed on `main`"), "{error}");
}

#[test]
fn a_table_of_the_users_is_never_replaced() {
    for (kind, make) in [
        ("table", "CREATE TABLE marts.totals AS SELECT 42 AS x"),
        ("view", "CREATE VIEW marts.totals AS SELECT 42 AS x"),
    ] {
        let sandbox = Sandbox::with_models(&CHAIN);
        sandbox.sql(&format!("CREATE SCHEMA marts; {make}"));
        let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
        assert!(error.contains(&format!("a {kind} of that name is there already")), "{error}");
        assert!(error.contains("RENAME TO"), "{error}");
        assert_eq!(sandbox.value("SELECT x FROM marts.totals"), "42");
        assert_eq!(sandbox.views("staging").len(), 0, "nothing was shown");
        assert_eq!(sandbox.snapshots(), 0, "nothing was built");
    }
    let sandbox = Sandbox::with_models(&CHAIN);
    sandbox.sql(
        "CREATE SCHEMA sqlmesh__marts; CREATE TABLE sqlmesh__marts.totals__1 AS SELECT 1 AS x; CREATE SCHEMA marts; \
         CREATE SCHEMA staging; CREATE VIEW marts.totals AS SELECT * FROM sqlmesh__marts.totals__1; \
         CREATE VIEW staging.customers AS SELECT * FROM sqlmesh__marts.totals__1",
    );
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("2 models can't be shown") && error.contains("views of SQLMesh"), "{error}");
    let help = "DROP VIEW \"marts\".\"totals\"; DROP VIEW \"staging\".\"customers\"";
    assert!(error.contains(help), "{error}");
    sandbox.sql(help);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn a_file_that_is_no_warehouse() {
    let sandbox = Sandbox::with_models(&CHAIN);
    let noise = "this is not a database, ".repeat(1000);
    std::fs::write(sandbox.warehouse(), &noise).unwrap();
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("is not a DuckDB file"), "{error}");
    assert_eq!(std::fs::read_to_string(sandbox.warehouse()).unwrap(), noise);
}

#[test]
fn a_warehouse_of_a_newer_vmesh() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.sql("UPDATE vmesh_state.format SET version = 99");
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("written by a newer vmesh"), "{error}");
}

#[test]
fn no_terminal_no_question() {
    let sandbox = Sandbox::with_models(&CHAIN);
    let error = sandbox.vmesh(&["promote"]).fails(2);
    assert!(error.contains("--yes"), "{error}");
}

#[test]
fn a_branch_cannot_choose_the_warehouse() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "stranger"]).good();
    let other = sandbox.path().join("other.duckdb");
    sandbox
        .write("vmesh.toml", &format!("[engine]\npath = {:?}\n[hooks]\nbuild = \"inline\"\n", other.to_str().unwrap()));
    sandbox.commit("another warehouse");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert!(!other.exists());
}

#[test]
fn what_is_hardly_meant() {
    let model = "MODEL (\n  name a,\n  grain idd,\n  column_descriptions (nme = 'what it is called'),\n  \
                 audits (positive(x := id, y := 2))\n);\nSELECT 1 AS id, 'x' AS name;\n\n\
                 AUDIT (name positive);\nSELECT * FROM @this_model WHERE @x <= 0";
    insta::assert_snapshot!(plan(&[("models/a.sql", model)]));
}

#[test]
fn a_key_that_is_no_column() {
    let sql = "MODEL (name a, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key idd));\nSELECT 1 AS id\n";
    insta::assert_snapshot!(plan(&[("models/a.sql", sql)]));
}

#[test]
fn a_missing_comma() {
    insta::assert_snapshot!(plan(&[("models/a.sql", "MODEL (\n  name a\n  kind FULL\n);\nSELECT 1 AS id\n")]));
}

#[test]
fn a_cell_of_another_type() {
    let model = "MODEL (name o, kind SEED (path '../seeds/o.csv'), columns (id INT, day DATE, amount INT))";
    let rows = "id,day,amount\n1,2026-01-02,10\n\n2,2026-01-02,\"2\n3\"\n02,2026-01-02,2x\n";
    insta::assert_snapshot!(plan(&[("models/o.sql", model), ("seeds/o.csv", rows)]));
    let rows = rows.replace("\"2\n3\"", "4");
    insta::assert_snapshot!(plan(&[("models/o.sql", model), ("seeds/o.csv", &rows)]));
}

#[test]
fn conflicts_of_a_merge() {
    let text = "SELECT\n<<<<<<< HEAD\n  1 AS id\n=======\n  2 AS id\n>>>>>>> alice\n";
    insta::assert_snapshot!(plan(&[("models/a.sql", text)]));
}

#[test]
fn a_time_column_of_numbers() {
    let model = "MODEL (name a, kind INCREMENTAL_BY_TIME_RANGE (time_column id), start '2026-01-01');\n\
                 SELECT 1 AS id WHERE id BETWEEN @start_ds AND @end_ds";
    let told = plan(&[("models/a.sql", model)]);
    assert!(told.contains("`time_column id` is of type INTEGER, and has no format"), "{told}");
}

#[test]
fn an_environment_that_sqlmesh_would_make() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let told = sandbox.vmesh(&["plan", "dev"]).fails(1);
    assert!(told.contains("environments follow branches: git switch -c dev"), "{told}");
}

#[test]
fn what_is_wrong_in_a_commit_is_said_to_be() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.model("marts.totals", "SELECT nope FROM staging.orders");
    sandbox.commit_quietly("broken");
    sandbox.model("marts.totals", "SELECT 1 AS n");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("= note: as it is in commit "), "{told}");
}

#[test]
fn problems_of_many_files_stand_in_the_order_of_the_files() {
    let sandbox = Sandbox::bare_project();
    for number in 0..90 {
        let sql = if number % 30 == 7 { "SELECT 1 AS".to_owned() } else { format!("SELECT {number} AS x") };
        sandbox.model(&format!("m{number:02}"), &sql);
    }
    let told = sandbox.vmesh(&["plan"]).fails(1);
    let at = ["m07.sql:1", "m37.sql:1", "m67.sql:1"].map(|place| told.find(place).unwrap());
    assert!(at.is_sorted(), "{told}");
    for number in [7, 37, 67] {
        sandbox.model(&format!("m{number:02}"), "SELECT 1 AS x");
    }
    let listed = sandbox.vmesh(&["ls", "--json"]).json();
    let models: Vec<&str> = listed.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(models.len() == 90 && models.is_sorted(), "{models:?}");
}
