//! A stranger's branch, checked out with hooks installed and read by every command: nothing is written, read or run.

use crate::policy::{HOSTILE, texts};
use crate::support::Sandbox;

/// What nobody may see: it stands in vmesh's records, in a file beside the repository, and in a table.
const SECRET: &str = "s3cr3t-canary";

/// A repository with prod, a sequence and a table to harm, and a file outside.
fn victim() -> Sandbox {
    let sandbox = Sandbox::nested().filled(&[
        (
            "staging.orders",
            &format!("MODEL (name staging.orders, description '{SECRET}');\nSELECT 1 AS id, 'a' AS status"),
        ),
        ("orders", "SELECT id FROM staging.orders"),
    ]);
    sandbox.write("seeds/a.csv", "id\n1\n");
    sandbox.write("../outside.csv", &format!("id\n{SECRET}\n"));
    // doors that main opens, and that lead nowhere else
    std::fs::create_dir_all(sandbox.path().join("../landing")).unwrap();
    sandbox.write("../landing/open.csv", "id\n1\n");
    duckdb::Connection::open(sandbox.path().join("../legacy.duckdb"))
        .unwrap()
        .execute_batch("CREATE TABLE t (id INT)")
        .unwrap();
    let sources =
        "[sources]\nfiles = [\"../landing/\", \"data/raw/\"]\n[sources.attach]\nlegacy = \"../legacy.duckdb\"\n";
    sandbox.write("vmesh.toml", &format!("{}{sources}", sandbox.read("vmesh.toml")));
    sandbox.commit_quietly("a file");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql(&format!(
        "CREATE SCHEMA raw; CREATE SEQUENCE raw.sq; SELECT nextval('raw.sq'); CREATE TABLE raw.secret AS SELECT '{SECRET}' AS id"
    ));
    sandbox
}

/// The files that carry a text.
fn files(kind: &str, text: &str) -> Vec<(&'static str, String)> {
    let model =
        |header: &str, rest: &str| ("models/evil.sql", format!("MODEL (name evil, kind FULL{header});\n{rest}"));
    let test = |inputs: &str, outputs: &str| {
        let test =
            format!("evil:\n  model: evil\n  inputs:\n    orders:\n{inputs}\n  outputs:\n    query:\n{outputs}\n");
        ("tests/test_evil.yaml", test)
    };
    let rows = "      rows: [{id: 1}]";
    match kind {
        "model" | "file" => vec![model("", text)],
        "statement" => vec![model("", &format!("CREATE TEMP TABLE w AS {text};\nSELECT 1 AS a"))],
        "header" => {
            let kind = format!("INCREMENTAL_BY_UNIQUE_KEY (unique_key ({text}))");
            vec![("models/evil.sql", format!("MODEL (name evil, kind {kind});\nSELECT 1 AS id"))]
        }
        "condition" => vec![model(&format!(", audits (forall(criteria := ({text})))"), "SELECT 1 AS id")],
        "audit" => vec![
            model(", audits (bad)", "SELECT 1 AS id"),
            ("audits/bad.sql", format!("AUDIT (name bad);\n{text};\nAUDIT (name alone, standalone true);\n{text}")),
        ],
        "test" => {
            let query = format!("      query: |\n        {text}");
            vec![model("", "SELECT id FROM orders"), test(&query, &query)]
        }
        "type" => {
            let typed = format!("      columns: {{id: \"{text}\"}}\n{rows}");
            vec![model("", "SELECT id FROM orders"), test(&typed, rows)]
        }
        other => panic!("no kind of text: {other}"),
    }
}

/// What would show that an attack got through.
fn canaries(sandbox: &Sandbox) -> Vec<Vec<Vec<String>>> {
    let config = sandbox.read(".git/config");
    let found = ["canary.csv", "canary.duckdb", "../canary.csv", ".tmp/canary.csv"];
    let found = found.into_iter().filter(|path| sandbox.path().join(path).exists()).map(str::to_owned);
    let queries = [
        "SELECT sequence_name, last_value::VARCHAR FROM duckdb_sequences()",
        "SELECT count(*), min(id) FROM raw.secret",
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name <> 'vmesh_state' ORDER BY ALL",
        "SELECT schema_name, view_name FROM duckdb_views() WHERE schema_name = 'prod' ORDER BY ALL",
    ];
    let mut all: Vec<_> = queries.iter().map(|sql| sandbox.rows(sql)).collect();
    all.push(vec![vec![config], found.collect()]);
    all
}

/// Plays the texts of some kinds, those whose number leaves a rest when divided.
fn play(kinds: &[&str], rest: usize, divisor: usize) {
    let sandbox = victim();
    let unhooked = |args: &[&str]| sandbox.git(&[&["-c", "core.hooksPath=/dev/null"][..], args].concat()).good();
    let before = canaries(&sandbox);
    let chosen = texts(HOSTILE).into_iter().filter(|(kind, _)| kinds.contains(kind));
    for (number, (kind, text)) in chosen.enumerate().filter(|(number, _)| number % divisor == rest) {
        unhooked(&["checkout", "--quiet", "-B", "evil", "main"]);
        for (path, content) in files(kind, text) {
            sandbox.write(path, &content);
        }
        #[cfg(unix)]
        for (target, link) in [(".", ".tmp"), ("/", "warehouse.duckdb.tmp")] {
            std::os::unix::fs::symlink(target, sandbox.path().join(link)).unwrap();
        }
        unhooked(&["add", "--all", "--force"]);
        unhooked(&["commit", "--quiet", "-m", "evil"]);
        unhooked(&["checkout", "--quiet", "main"]);
        let mut said = vec![sandbox.git(&["checkout", "evil"])];
        assert_eq!(said[0].code, Some(0), "{kind}: {text}");
        let mut commands: Vec<&[&str]> = vec![&["plan", "--yes"], &["test"], &["audit"]];
        if number % 8 == 0 {
            commands.extend::<[&[&str]; 6]>([
                &["render", "evil"],
                &["lint"],
                &["diff", "main", "evil"],
                &["table-diff", "staging.orders", "main", "evil"],
                &["query", "FROM evil"],
                &["plan", "--merged"],
            ]);
        }
        said.extend(commands.iter().map(|args| sandbox.vmesh(args)));
        assert!(said[1..4].iter().any(|done| done.code != Some(0)), "{kind}: {text}: nothing was refused");
        for done in &said {
            let all = format!("{}{}", done.out, done.err);
            let shown = all.lines().filter(|line| !line.contains(" | "));
            let leaks = shown.filter(|line| line.contains(SECRET) || line.contains("root:x:0"));
            assert_eq!(leaks.count(), 0, "{text}: {all}");
            assert!(!all.contains("panicked"), "{text}: {all}");
        }
        assert_eq!(canaries(&sandbox), before, "{kind}: {text}\n{said:#?}");
    }
}

#[test]
fn models_1() {
    play(&["model", "file"], 0, 2);
}

#[test]
fn models_2() {
    play(&["model", "file"], 1, 2);
}

#[test]
fn unit_tests_and_types() {
    play(&["test", "type"], 0, 1);
}

#[test]
fn audits_conditions_headers_and_statements() {
    play(&["audit", "condition", "header", "statement"], 0, 1);
}

#[test]
fn what_people_ask() {
    let sandbox = victim();
    let before = canaries(&sandbox);
    for (_, text) in texts(HOSTILE).into_iter().filter(|(kind, _)| *kind == "person") {
        let told = sandbox.vmesh(&["query", text]).fails(1);
        assert!(told.contains("`vmesh query`") && !told.contains(SECRET), "{text}: {told}");
        sandbox.vmesh(&["query", text, "--format", "csv"]).fails(1);
    }
    assert_eq!(canaries(&sandbox), before);
}

/// A macro of the user's own, made by hand in the warehouse, is called as ever.
#[test]
fn the_user_s_own_macros_are_called() {
    let sandbox = Sandbox::with_models(&[(
        "a",
        "MODEL (name a, audits (forall(criteria := (twice(id) = 2))));\nSELECT twice(1) / 2 AS id, n FROM many(3)",
    )]);
    sandbox.sql("CREATE MACRO twice(x) AS x * 2; CREATE MACRO many(x) AS TABLE SELECT x AS n");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM prod.a"), [["1.0", "3"]]);
    assert_eq!(sandbox.vmesh(&["query", "SELECT twice(n) AS n FROM a", "--format", "csv"]).good(), "n\n6\n");
}
