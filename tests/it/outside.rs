//! Sources beyond the repository: what main's settings allow, and nothing else.

use duckdb::Connection;

use crate::support::{Sandbox, binary, rows};

/// A repository in `repo`, with sources in an ignored folder, in folders beside it, and in a database of DuckDB's.
fn shop() -> Sandbox {
    let sandbox = Sandbox::nested();
    let root = sandbox.path().parent().unwrap().to_owned();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    let settings = "[hooks]\nbuild = \"inline\"\n[sources]\nfiles = [\"data/raw/\", \"../landing\"]\n[sources.attach]\n\
                    legacy = \"../legacy.duckdb\"\n";
    sandbox.write("vmesh.toml", settings);
    sandbox.write(".gitignore", "/data/raw/\n/warehouse\n");
    sandbox.write("data/raw/orders.csv", "id,amount\n1,10\n");
    sandbox.write("data/committed.csv", "id\n7\n");
    std::fs::create_dir(root.join("landing")).unwrap();
    let parquet = format!("COPY (SELECT 1 AS id, 'Ada' AS name) TO '{}/landing/people.parquet'", root.display());
    Connection::open_in_memory().unwrap().execute_batch(&parquet).unwrap();
    legacy(&sandbox, "CREATE SCHEMA shop; CREATE TABLE shop.returns AS SELECT 1 AS id, 3 AS amount");
    sandbox.model("orders", "SELECT id, amount FROM read_csv('data/raw/*.csv')");
    sandbox.model("people", "MODEL (name people, kind VIEW);\nSELECT * FROM '../landing/people.parquet'");
    sandbox.model("returns", "SELECT * FROM legacy.shop.returns");
    let net = "SELECT p.name, o.amount - r.amount AS net, c.id AS committed FROM orders AS o JOIN people AS p USING (id)\n\
               JOIN returns AS r USING (id), read_csv('data/committed.csv') AS c";
    sandbox.model("net", net);
    sandbox.commit("a shop");
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox
}

/// Runs statements in the database beside the warehouse.
fn legacy(sandbox: &Sandbox, sql: &str) {
    let file = sandbox.path().parent().unwrap().join("legacy.duckdb");
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn models_read_what_main_s_settings_allow() {
    let sandbox = shop();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM prod.net"), [["Ada", "7", "7"]]);
    // a view over a file is read by every client, wherever it stands
    assert_eq!(sandbox.rows("FROM prod.people"), [["1", "Ada"]]);
    assert_eq!(sandbox.vmesh(&["query", "FROM people", "--format", "csv"]).good(), "id,name\n1,Ada\n");
    // such rows change no fingerprint
    sandbox.write("data/raw/more.csv", "id,amount\n1,100\n");
    legacy(&sandbox, "UPDATE shop.returns SET amount = 5");
    assert!(sandbox.vmesh(&["plan", "--exit-code", "--no-build"]).code == Some(0));
    // they are read when it is time, or when someone asks
    sandbox.vmesh(&["run", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("FROM prod.net ORDER BY ALL"), [["Ada", "5", "7"], ["Ada", "95", "7"]]);
    sandbox.write("data/raw/more.csv", "id,amount\n1,200\n");
    sandbox.vmesh(&["plan", "--yes", "--restate-model", "orders"]).good();
    assert_eq!(sandbox.rows("FROM prod.net ORDER BY ALL"), [["Ada", "5", "7"], ["Ada", "195", "7"]]);
    // by the path of what they read, too
    sandbox.write("data/raw/more.csv", "id,amount\n1,300\n");
    sandbox.vmesh(&["plan", "--yes", "--restate-model", "data/raw/*"]).good();
    assert_eq!(sandbox.rows("FROM prod.net ORDER BY ALL"), [["Ada", "5", "7"], ["Ada", "295", "7"]]);
    // also by that of one file, where a pattern means it
    sandbox.write("data/raw/more.csv", "id,amount\n1,400\n");
    sandbox.vmesh(&["plan", "--yes", "--restate-model", "./data/raw/more.csv"]).good();
    assert_eq!(sandbox.rows("FROM prod.net ORDER BY ALL"), [["Ada", "5", "7"], ["Ada", "395", "7"]]);
    sandbox.is_sound();
    let told = sandbox.vmesh(&["doctor"]).good();
    assert!(told.contains("all 3 of [sources] and `extensions` are there"), "{told}");
    sandbox.write(".gitignore", "/warehouse\n");
    let told = sandbox.vmesh(&["doctor"]).good();
    assert!(
        told.contains("Git doesn't ignore `data/raw/`") && told.contains("echo '/data/raw/' >> .gitignore"),
        "{told}"
    );
}

#[test]
fn a_source_that_moves_makes_its_readers_due() {
    let sandbox = shop();
    let entry = "{ path = \"data/raw/\", freshness = \"content\" }";
    sandbox.write("vmesh.toml", &sandbox.read("vmesh.toml").replace("\"data/raw/\"", entry));
    sandbox.model("within", "MODEL (name within, kind EMBEDDED);\nSELECT * FROM 'data/raw/orders.csv'");
    sandbox.model("through", "SELECT sum(amount) AS amount FROM within");
    sandbox.commit("freshness");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let ran = || sandbox.vmesh(&["run", "prod", "--json"]).json()["models"].as_array().unwrap().len();
    assert_eq!(ran(), 0);
    sandbox.write("data/raw/orders.csv", "id,amount\n1,10\n");
    assert_eq!(ran(), 0, "the same bytes");
    sandbox.write("data/raw/orders.csv", "id,amount\n1,11\n");
    let told = sandbox.vmesh(&["plan", "prod"]);
    assert!(
        told.err.contains("the sources of `orders`, `through` have changed since they were filled: vmesh run prod"),
        "{told:?}"
    );
    assert_eq!(ran(), 2);
    assert_eq!(sandbox.rows("FROM prod.orders"), [["1", "11"]]);
    assert_eq!(sandbox.rows("FROM prod.through"), [["11"]]);
    assert_eq!(ran(), 0);
}

#[test]
fn a_linked_worktree_reads_the_same_sources() {
    let sandbox = shop();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "alice", "../alice"]).good();
    let alice = sandbox.path().parent().unwrap().join("alice");
    std::fs::write(alice.join("models/orders.sql"), "SELECT id, amount + 1 AS amount FROM read_csv('data/raw/*.csv')")
        .unwrap();
    sandbox.vmesh_in(&alice, &["plan", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT amount FROM dev__alice.orders"), [["11"]]);
}

#[test]
fn incremental_models_read_sources() {
    let sandbox = shop();
    let text = "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');\n\
                SELECT day::DATE AS day, n FROM read_csv('data/raw/days/*.csv') WHERE day BETWEEN @start_ds AND @end_ds";
    sandbox.write("data/raw/days/a.csv", "day,n\n2026-01-01,1\n2026-01-02,2\n");
    sandbox.model("orders", "SELECT 1 AS id, 10 AS amount");
    sandbox.model("daily", text);
    sandbox.commit("days");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT sum(n) FROM prod.daily"), "3");
    sandbox.write("data/raw/days/b.csv", "day,n\n2026-01-02,40\n");
    sandbox.vmesh(&["plan", "--yes", "--restate-model", "daily", "--start", "2026-01-02"]).good();
    assert_eq!(sandbox.value("SELECT sum(n) FROM prod.daily"), "43");
}

#[test]
fn a_branch_opens_no_door() {
    let sandbox = shop();
    let root = sandbox.path().parent().unwrap().to_owned();
    std::fs::create_dir(root.join("secret")).unwrap();
    std::fs::write(root.join("secret/a.csv"), "id\n99\n").unwrap();
    Connection::open(root.join("secret/b.duckdb")).unwrap().execute_batch("CREATE TABLE t AS SELECT 99 AS id").unwrap();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "evil"]).good();
    let settings = sandbox.read("vmesh.toml").replace("\"../landing\"", "\"../landing\", \"../secret/\", \"/\"");
    sandbox.write("vmesh.toml", &format!("{settings}stolen = \"../secret/b.duckdb\"\n"));
    for sql in [
        "FROM read_csv('../secret/a.csv')",
        "FROM '../secret/a.csv'",
        "FROM '../landing/../secret/a.csv'",
        "FROM read_csv('../landing/*/../../secret/a.csv')",
        "FROM read_csv('data/raw/../../../secret/a.csv')",
        "FROM read_text('/etc/passwd')",
        "FROM glob('/etc/*')",
        "FROM stolen.main.t",
        "FROM '../secret/b.duckdb'",
        "FROM read_csv('../landings/a.csv')",
        "FROM read_csv('data/raw/' || '../../../secret/a.csv')",
        "FROM read_csv(['data/raw/orders.csv', '../secret/a.csv'])",
    ] {
        sandbox.model("evil", &format!("SELECT * {sql}"));
        let done = sandbox.vmesh(&["plan", "--yes"]);
        let all = format!("{}{}", done.out, done.err);
        assert!(done.code == Some(1) && !all.contains("panicked"), "{sql}: {all}");
        let views = sandbox.rows("SELECT view_name FROM duckdb_views() WHERE schema_name = 'dev__evil'");
        assert!(!views.iter().any(|view| view[0] == "evil"), "{sql}");
    }
}

/// What lies in a source's folder because a branch brought it is no source.
#[test]
fn a_branch_puts_nothing_among_the_sources() {
    let sandbox = shop();
    let root = sandbox.path().parent().unwrap().to_owned();
    std::fs::create_dir(root.join("secret")).unwrap();
    std::fs::write(root.join("secret/a.csv"), "id,amount\n1,99\n").unwrap();
    sandbox.vmesh(&["promote", "--yes"]).good();
    let before = sandbox.rows("FROM prod.net");
    let refused = |what: &str| {
        for args in [&["run", "prod", "--ignore-cron"][..], &["plan", "prod", "--yes", "--restate-model", "orders"]] {
            let done = sandbox.vmesh(args);
            let all = format!("{}{}", done.out, done.err);
            assert!(done.code == Some(1) && all.contains("is Git's, and no source"), "{what}: {args:?}: {all}");
        }
        assert_eq!(sandbox.rows("FROM prod.net"), before, "{what}");
    };
    let unhooked = |args: &[&str]| sandbox.git(&[&["-c", "core.hooksPath=/dev/null"][..], args].concat()).good();
    // a file
    unhooked(&["switch", "--quiet", "-c", "file"]);
    sandbox.write("data/raw/evil.csv", "id,amount\n1,99\n");
    unhooked(&["add", "--force", "data/raw/evil.csv"]);
    unhooked(&["commit", "--quiet", "-m", "a file"]);
    refused("a file");
    unhooked(&["switch", "--quiet", "main"]);
    // a link to a file, and one in place of a folder
    for (name, target) in [("data/raw/link.csv", "../../../secret/a.csv"), ("data/raw/more", "../../../secret")] {
        unhooked(&["switch", "--quiet", "-c", &format!("b{}", name.len())]);
        std::os::unix::fs::symlink(target, sandbox.path().join(name)).unwrap();
        unhooked(&["add", "--force", name]);
        unhooked(&["commit", "--quiet", "-m", "a link"]);
        refused(name);
        unhooked(&["switch", "--quiet", "main"]);
    }
    // a link in place of the whole folder, which Git puts where only ignored files were
    unhooked(&["switch", "--quiet", "-c", "folder"]);
    std::fs::rename(sandbox.path().join("data/raw"), root.join("aside")).unwrap();
    std::os::unix::fs::symlink("../../secret", sandbox.path().join("data/raw")).unwrap();
    unhooked(&["add", "--force", "data/raw"]);
    unhooked(&["commit", "--quiet", "-m", "a folder"]);
    refused("a folder");
    unhooked(&["switch", "--quiet", "main"]);
    std::fs::rename(root.join("aside"), sandbox.path().join("data/raw")).unwrap();
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("FROM prod.net"), before);
}

/// Through a view, an embedded model or a database as well.
#[test]
fn a_branch_puts_nothing_behind_views_and_databases() {
    let sandbox = shop();
    let root = sandbox.path().parent().unwrap().to_owned();
    std::fs::create_dir(root.join("secret")).unwrap();
    std::fs::write(root.join("secret/s.csv"), "id,amount\n1,999\n").unwrap();
    let settings = sandbox.read("vmesh.toml");
    sandbox.write("vmesh.toml", &format!("{settings}nested = \"data/raw/inner.duckdb\"\n"));
    Connection::open(sandbox.path().join("data/raw/inner.duckdb"))
        .unwrap()
        .execute_batch("CREATE TABLE t AS SELECT 1 AS id")
        .unwrap();
    sandbox.model("seen", "MODEL (name seen, kind VIEW);\nSELECT id, amount FROM 'data/raw/*.csv'");
    sandbox.model("within", "MODEL (name within, kind EMBEDDED);\nSELECT id, amount FROM read_csv('data/raw/*.csv')");
    sandbox.model("over_view", "SELECT * FROM seen");
    sandbox.model("over_embedded", "SELECT * FROM within");
    sandbox.model("over_inner", "SELECT * FROM nested.main.t");
    sandbox.commit("more ways");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let shown =
        || ["over_view", "over_embedded", "over_inner"].map(|model| sandbox.rows(&format!("FROM prod.{model}")));
    let before = shown();
    let unhooked = |args: &[&str]| sandbox.git(&[&["-c", "core.hooksPath=/dev/null"][..], args].concat()).good();
    unhooked(&["switch", "--quiet", "-c", "planted"]);
    sandbox.write("data/raw/evil.csv", "id,amount\n66,666\n");
    Connection::open(sandbox.path().join("data/raw/inner.duckdb"))
        .unwrap()
        .execute_batch("UPDATE t SET id = 66")
        .unwrap();
    unhooked(&["add", "--force", "data/raw/evil.csv", "data/raw/inner.duckdb"]);
    unhooked(&["commit", "--quiet", "-m", "planted"]);
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).fails(1);
    assert_eq!(shown(), before);
    sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", "over_embedded"]).fails(1);
    assert_eq!(shown(), before);
    unhooked(&["switch", "--quiet", "main"]);
    // a link in place of the folder, and models that look through it
    unhooked(&["switch", "--quiet", "-c", "linked"]);
    std::fs::rename(sandbox.path().join("data/raw"), root.join("aside")).unwrap();
    std::os::unix::fs::symlink("../../secret", sandbox.path().join("data/raw")).unwrap();
    sandbox.model("em", "MODEL (name em, kind EMBEDDED);\nSELECT * FROM read_csv('data/raw/s.csv')");
    sandbox.model("steal", "SELECT * FROM em");
    sandbox.model("pivoted", "PIVOT 'data/raw/s.csv' ON id USING sum(amount)");
    unhooked(&["add", "--force", "--all"]);
    unhooked(&["commit", "--quiet", "-m", "linked"]);
    for model in ["steal", "pivoted"] {
        sandbox.vmesh(&["plan", "--yes"]).fails(1);
        let views = sandbox.rows(&format!("SELECT count(*) FROM duckdb_views() WHERE view_name = '{model}'"));
        assert_eq!(views, [["0"]]);
        let _ = std::fs::remove_file(sandbox.path().join("models/pivoted.sql"));
    }
}

#[test]
fn git_s_own_is_no_source() {
    let sandbox = shop();
    sandbox.write("vmesh.toml", &sandbox.read("vmesh.toml").replace("\"data/raw/\"", "\"./\""));
    sandbox.commit("all of it");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for sql in [
        "read_text('.git/config')",
        "read_text('.g*/config')",
        "read_blob('**/warehouse.*')",
        "read_text('*/*/hooks/*')",
    ] {
        sandbox.model("own", &format!("SELECT * FROM {sql}"));
        sandbox.vmesh(&["plan", "--yes"]).fails(1);
    }
    // what some leave out stops nobody else
    sandbox.model("other", "SELECT 1 AS one");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("means what is Git's own"), "{told}");
    let built = sandbox.value("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'other__%'");
    assert_eq!(built, "1", "the others are built");
}

#[test]
fn an_attached_table_may_be_called_like_a_model() {
    let sandbox = shop();
    sandbox.model("shop.returns", "SELECT id, amount FROM legacy.shop.returns");
    sandbox.commit("taken over");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM shop.returns"), [["1", "3"]]);
    legacy(&sandbox, "UPDATE shop.returns SET amount = 4");
    sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", "legacy.shop.returns"]).good();
    assert_eq!(sandbox.rows("FROM shop.returns"), [["1", "4"]]);
    sandbox.model("legacy.x", "SELECT 1 AS one");
    assert!(sandbox.vmesh(&["lint"]).fails(1).contains("`legacy` is the name of an attached database, too"));
}

#[test]
fn what_is_known_of_an_attached_table_outlasts_its_absence() {
    let sandbox = shop();
    sandbox.vmesh(&["create-external-models"]).good();
    let before = sandbox.read("external_models.yaml");
    assert!(before.contains("legacy.shop.returns"), "{before}");
    let file = sandbox.path().parent().unwrap().join("legacy.duckdb");
    std::fs::rename(&file, file.with_extension("aside")).unwrap();
    sandbox.vmesh(&["create-external-models"]).good();
    assert_eq!(sandbox.read("external_models.yaml"), before);
}

#[test]
fn a_query_that_sees_names_of_files_is_warned_of() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("named", "SELECT id, filename FROM read_csv('data/raw/*.csv', filename = true)");
    let done = sandbox.vmesh(&["plan", "--yes"]);
    assert!(done.err.contains("the query sees names of files: they are told from the root of the disk"), "{done:?}");
}

#[test]
fn committed_files_and_others_are_told_apart() {
    let sandbox = shop();
    sandbox.write("data/raw/kept/a.csv", "id\n1\n");
    sandbox.git(&["add", "--force", "data/raw/kept/a.csv"]).good();
    sandbox.model("net", "SELECT sum(id) AS net FROM read_csv('data/raw/kept/*.csv')");
    sandbox.commit("committed");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("FROM prod.net"), "1");
    sandbox.write("data/raw/kept/b.csv", "id\n2\n");
    sandbox.model("net", "SELECT sum(id) AS net, 1 AS one FROM read_csv('data/raw/kept/*.csv')");
    let told = sandbox.commit("both");
    assert!(told.contains("means committed files, and others that no commit has"), "{told}");
    assert_eq!(sandbox.value("FROM prod.net"), "1");
}

#[test]
fn a_database_that_is_not_there_is_missed_by_those_who_read_it() {
    let sandbox = shop();
    let secret = "hunter2-canary";
    let settings = sandbox.read("vmesh.toml");
    sandbox.write("vmesh.toml", &format!("{settings}crm = \"env:CRM_FILE\"\ngone = \"../gone.duckdb\"\n"));
    sandbox.commit("more sources");
    let with_secret = |args: &[&str]| {
        let mut command = sandbox.command(binary().to_str().unwrap(), &sandbox.path());
        let output = command.env("CRM_FILE", format!("/nowhere/{secret}.duckdb")).args(args).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    // whoever reads another one is not stopped
    let (code, told) = with_secret(&["promote", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    let (_, told) = with_secret(&["doctor"]);
    assert!(told.contains("`crm` is not attached: there is no file $CRM_FILE"), "{told}");
    assert!(told.contains("`gone` is not attached: there is no file"), "{told}");
    let absent = sandbox.vmesh(&["doctor"]).good();
    assert!(absent.contains("`crm` is not attached: the environment has no CRM_FILE"), "{absent}");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("accounts", "SELECT * FROM crm.main.accounts");
    let (code, told) = with_secret(&["plan", "--yes"]);
    assert!(code == Some(1) && told.contains("`crm` is not attached: there is no file $CRM_FILE"), "{told}");
    assert!(!told.contains(secret), "{told}");
}

#[test]
fn secrets_come_from_the_environment() {
    let sandbox = shop();
    let settings = sandbox.read("vmesh.toml");
    let with = |secrets: &str| sandbox.write("vmesh.toml", &format!("{settings}{secrets}"));
    with("[engine.secrets.acme]\ntype = \"http\"\nbearer_token = \"hunter2-canary\"\n");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("`bearer_token` may be secret") && told.contains("env:ACME_BEARER_TOKEN"), "{told}");
    with(
        "[engine.secrets.acme]\ntype = \"http\"\nbearer_token = \"env:ACME_TOKEN\"\n[engine.secrets.odd]\n\
         type = \"odd\"\nkey = \"env:ACME_TOKEN\"\n",
    );
    sandbox.commit("secrets");
    // they are missed by nobody who needs none
    sandbox.vmesh(&["promote", "--yes"]).good();
    let told = sandbox.vmesh(&["doctor"]).good();
    assert!(told.contains("the secret `acme` is not there: the environment has no ACME_TOKEN"), "{told}");
    let with_secret = |args: &[&str]| {
        let mut command = sandbox.command(binary().to_str().unwrap(), &sandbox.path());
        let output = command.env("ACME_TOKEN", "hunter2-canary").args(args).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let told = with_secret(&["doctor"]);
    assert!(!told.contains("`acme`") && told.contains("the secret `odd` is not there: "), "{told}");
    // whoever asks sees that they are there, and no model sees that much
    let told = with_secret(&["query", "FROM duckdb_secrets()"]);
    assert!(told.contains("bearer_token=redacted") && !told.contains("canary"), "{told}");
    for query in
        ["FROM duckdb_secrets()", "FROM which_secret('https://x/', 'http')", "SELECT getenv('ACME_TOKEN') AS x"]
    {
        sandbox.model("spy", query);
        let told = with_secret(&["lint"]);
        assert!(told.contains("error: ") && !told.contains("canary"), "{told}");
    }
    std::fs::remove_file(sandbox.path().join("models/spy.sql")).unwrap();
    let told = with_secret(&["promote", "--yes", "--json"]) + &with_secret(&["status", "--json"]);
    assert!(!told.contains("canary"), "{told}");
    let records = std::process::Command::new("grep").args(["-rlF", "hunter2-canary"]).arg(sandbox.path()).output();
    assert_eq!(String::from_utf8_lossy(&records.unwrap().stdout), "", "no file has it");
}

#[test]
fn secrets_that_a_person_keeps_in_duckdb_are_there() {
    let sandbox = shop();
    let home = sandbox.path().parent().unwrap().join("home");
    let kept = home.join(".duckdb/stored_secrets");
    let make = format!(
        "SET secret_directory = '{}'; CREATE PERSISTENT SECRET kept (TYPE http, BEARER_TOKEN 'hunter2-canary')",
        kept.display()
    );
    Connection::open_in_memory().unwrap().execute_batch(&make).unwrap();
    let settings = sandbox.read("vmesh.toml");
    sandbox.write("vmesh.toml", &settings.replace("\"../landing\"", "\"../landing\", \"https://acme.example/\""));
    sandbox.commit("a source on another machine");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let mut command = sandbox.command(binary().to_str().unwrap(), &sandbox.path());
    let query = ["query", "SELECT name, persistent FROM duckdb_secrets()", "--format", "csv"];
    let output = command.env("HOME", &home).args(query).output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(told, "name,persistent\nkept,true\n");
}

#[test]
fn what_is_told_of_a_path_says_how_to_allow_it() {
    let sandbox = shop();
    sandbox.model("x", "SELECT 'data/raw/orders.csv' AS a, * FROM 'data/raw/orders.csv'");
    let told = sandbox.vmesh(&["lint"]).fails(1);
    assert!(
        told.contains("stands in this query as a value, too") && told.contains("read_csv('data/raw/orders.csv')"),
        "{told}"
    );
    sandbox.model("x", "SELECT * FROM '/srv/x.csv'");
    let told = sandbox.vmesh(&["lint"]).fails(1);
    assert!(told.contains("have main's settings allow it: `files` of [sources], or `vmesh_sources`"), "{told}");
}

#[test]
fn sources_of_a_sqlmesh_project_are_a_variable() {
    let sandbox = Sandbox::nested();
    let root = sandbox.path().parent().unwrap().to_owned();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    let config = "gateways:\n  local:\n    connection:\n      type: duckdb\n      catalogs:\n        wh: wh.duckdb\n        \
                  old: ../old.duckdb\nmodel_defaults:\n  dialect: duckdb\nvariables:\n  vmesh_sources: [../landing/]\n";
    sandbox.write("config.yaml", config);
    sandbox.write(".gitignore", "*.duckdb*\n.vmesh*\n");
    std::fs::create_dir(root.join("landing")).unwrap();
    std::fs::write(root.join("landing/a.csv"), "id\n1\n").unwrap();
    Connection::open(root.join("old.duckdb")).unwrap().execute_batch("CREATE TABLE t AS SELECT 2 AS id").unwrap();
    sandbox.write(
        "models/a.sql",
        "MODEL (name shop.a, kind FULL);\nSELECT id FROM '../landing/a.csv' UNION ALL FROM old.main.t",
    );
    sandbox.commit("a project");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let connection = Connection::open(sandbox.path().join("wh.duckdb")).unwrap();
    assert_eq!(rows(&connection, "FROM shop.a ORDER BY ALL"), [["1"], ["2"]]);
}

#[test]
fn what_can_t_be_run_stops_nobody_else() {
    let sandbox = Sandbox::bare_project();
    let settings = sandbox.read("vmesh.toml");
    sandbox.model("orders", "SELECT id FROM ext.people");
    sandbox.write(
        "models/people.py",
        "from sqlmesh import model\n\n@model(\n    \"ext.people\",\n)\ndef execute(context): ...\n",
    );
    sandbox.write("models/clicks.sql", "MODEL (name ext.clicks, dialect bigquery);\nSELECT `id` FROM `raw`.`clicks`");
    sandbox.write("models/kept.sql", "MODEL (name ext.kept, kind MANAGED);\nSELECT 1 AS id");
    sandbox.commit("a project");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(
        told.contains("models in Python are not supported") && told.contains("unsupported = \"external\""),
        "{told}"
    );
    sandbox.write("vmesh.toml", &format!("[project]\nunsupported = \"external\"\n{settings}"));
    sandbox.commit("the others are external");
    sandbox.sql("CREATE SCHEMA ext; CREATE TABLE ext.people AS SELECT 1 AS id");
    let done = sandbox.vmesh(&["promote", "--yes"]);
    let all = format!("{}{}", done.out, done.err);
    for what in [
        "`models/people.py` is a model in Python: `ext.people` is read as a table that vmesh doesn't make",
        "`models/clicks.sql` is a model in the dialect bigquery: `ext.clicks` is read as",
        "`models/kept.sql` is a model of kind MANAGED: `ext.kept` is read as",
    ] {
        assert!(done.code == Some(0) && all.contains(what), "{all}");
    }
    assert_eq!(sandbox.rows("FROM prod.orders"), [["1"]]);
    sandbox.model("wrong", "MODEL (name wrong, kind FUL);\nSELECT 1");
    assert!(sandbox.vmesh(&["lint"]).fails(1).contains("unknown kind"));
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("wrong", "SELECT * FROM ext.clicks");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    let why = "note: `models/clicks.sql` is a model in the dialect bigquery";
    assert!(told.contains(why) && told.contains("help: have a table `ext.clicks` in the warehouse"), "{told}");
}
