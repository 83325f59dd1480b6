//! Whose settings count: what models mean is each tree's own, where the warehouse is and what is main is main's to say.

use crate::support::Sandbox;

const RATE: &str = "[hooks]\nbuild = \"inline\"\n[variables]\nrate = 2\n";

fn shop() -> Sandbox {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", RATE);
    sandbox.model("prices", "SELECT 10 * @rate AS price");
    sandbox.commit("models");
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

fn price(sandbox: &Sandbox, schema: &str) -> String {
    sandbox.value(&format!("SELECT price FROM {schema}.prices"))
}

#[test]
fn prod_is_made_with_the_variables_of_its_commit() {
    let sandbox = shop();
    sandbox.write("vmesh.toml", &RATE.replace("rate = 2", "rate = 3"));
    sandbox.model("other", "SELECT 1 AS n");
    sandbox.git(&["add", "models"]).good();
    sandbox.git(&["commit", "--quiet", "-m", "not the settings"]).good();
    assert_eq!(price(&sandbox, "prod"), "20");
    sandbox.commit("the settings");
    assert_eq!(price(&sandbox, "prod"), "30");
    sandbox.vmesh(&["promote", "HEAD~2", "--allow-rewind", "--yes", "--no-build"]).good();
    assert_eq!(price(&sandbox, "prod"), "20");
    sandbox.is_sound();
}

#[test]
fn a_branch_has_its_own_variables_and_main_has_the_warehouse() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let own = RATE.replace("rate = 2", "rate = 5\nextra = 1") + "[engine]\npath = \"elsewhere.duckdb\"\n";
    sandbox.write("vmesh.toml", &own);
    sandbox.model("prices", "SELECT 10 * @rate + @extra AS price");
    sandbox.commit("another rate");
    assert_eq!((price(&sandbox, "dev__alice"), price(&sandbox, "prod")), ("51".to_owned(), "20".to_owned()));
    assert!(!sandbox.path().join("elsewhere.duckdb").exists());
}

#[test]
fn a_branch_does_not_become_main_by_saying_so() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "evil"]).good();
    sandbox.write("vmesh.toml", &("[project]\nmain = \"evil\"\n".to_owned() + &RATE.replace("rate = 2", "rate = 666")));
    sandbox.commit("mine");
    assert_eq!(price(&sandbox, "prod"), "20");
    assert_eq!(price(&sandbox, "dev__evil"), "6660");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(price(&sandbox, "prod"), "20");
}

#[test]
fn a_branch_takes_no_secret_from_the_environment() {
    let sandbox = Sandbox::bare_project();
    std::fs::remove_file(sandbox.path().join("vmesh.toml")).unwrap();
    let settings = "gateways:\n  local:\n    connection:\n      type: duckdb\n      database: warehouse.duckdb\n";
    sandbox.write("config.yaml", settings);
    sandbox.model("a", "SELECT 1 AS n");
    sandbox.commit("models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "evil"]).good();
    sandbox.write("config.yaml", &format!("{settings}variables:\n  secret: \"{{{{ env_var('HOME') }}}}\"\n"));
    sandbox.model("a", "SELECT @secret AS n");
    sandbox.commit_quietly("mine");
    let refused = sandbox.vmesh(&["plan", "--yes"]).fails(2);
    assert!(refused.contains("takes a variable or default from the environment"), "{refused}");
    assert!(!refused.contains(sandbox.path().to_str().unwrap()), "{refused}");
}

/// Whatever a clone knows of main, a stranger's branch is not it.
#[test]
fn a_branch_that_calls_itself_main_is_not_believed_in_any_clone() {
    let sandbox = shop();
    let engine = format!("[engine]\npath = \"{}\"\n", sandbox.warehouse().display());
    sandbox.write("vmesh.toml", &(RATE.to_owned() + &engine));
    sandbox.commit("one warehouse for all clones");
    sandbox.git(&["branch", "bob"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "evil"]).good();
    let own = "before_all = [\"CREATE TABLE pwned AS SELECT 1 AS x\"]\n[project]\nmain = \"evil\"\n".to_owned()
        + RATE
        + &engine;
    sandbox.write("vmesh.toml", &own);
    sandbox.model("prices", "SELECT 666 AS price");
    sandbox.commit_quietly("mine");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    let folder = sandbox.path();
    let clone = |name: &str, branch: &str, more: &[&str]| {
        let there = folder.with_file_name(format!("{}-{name}", folder.file_name().unwrap().to_str().unwrap()));
        let from = format!("file://{}", folder.display());
        sandbox.git(&[&["clone", "--quiet", "--branch", branch, &from, there.to_str().unwrap()], more].concat()).good();
        there
    };
    // hooks, and no main but the remote's
    let hooked = clone("hooked", "bob", &[]);
    sandbox.vmesh_in(&hooked, &["hooks", "install"]).good();
    sandbox.git_in(&hooked, &["switch", "--quiet", "evil"]).good();
    // no hooks, and nothing but the branch
    let plain = clone("plain", "evil", &[]);
    sandbox.vmesh_in(&plain, &["promote", "--yes"]);
    // a remote of another name, and hooks that were installed on the branch
    let other = clone("other", "evil", &["--origin", "upstream"]);
    sandbox.vmesh_in(&other, &["hooks", "install"]);
    sandbox.git_in(&other, &["commit", "--quiet", "--allow-empty", "-m", "mine"]).good();
    // a clone that knows no other branch: prod's record does
    let single = clone("single", "evil", &["--single-branch"]);
    let refused = sandbox.vmesh_in(&single, &["promote", "--yes"]).fails(1);
    assert!(refused.contains("prod follows branch `main`, not `evil`"), "{refused}");
    // as automation has it: nobody knows the default branch
    let detached = clone("detached", "evil", &[]);
    sandbox.git_in(&detached, &["remote", "set-head", "origin", "--delete"]).good();
    sandbox.git_in(&detached, &["checkout", "--quiet", "--detach", "origin/evil"]).good();
    sandbox.vmesh_in(&detached, &["plan", "--merged", "--yes"]);
    sandbox.vmesh_in(&detached, &["promote", "--yes"]);
    // on main itself, looked at and not committed
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "--no-commit", "--no-ff", "evil"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["merge", "--abort"]).good();
    for there in [hooked, plain, other, single, detached] {
        std::fs::remove_dir_all(there).unwrap();
    }
    assert_eq!(price(&sandbox, "prod"), "20");
    assert_eq!(sandbox.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'pwned'"), "0");
    sandbox.is_sound();
}

#[test]
fn main_hands_over_to_another_branch_by_saying_so() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "trunk"]).good();
    sandbox.write("vmesh.toml", &("[project]\nmain = \"trunk\"\n".to_owned() + RATE));
    sandbox.model("prices", "SELECT 11 * @rate AS price");
    sandbox.commit("trunk is main");
    assert_eq!(price(&sandbox, "prod"), "20", "main has not said so");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "trunk"]).good();
    sandbox.git(&["switch", "--quiet", "trunk"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(price(&sandbox, "prod"), "22");
    sandbox.git(&["branch", "--quiet", "-D", "main"]).good();
    sandbox.model("prices", "SELECT 12 * @rate AS price");
    sandbox.commit("on");
    assert_eq!(price(&sandbox, "prod"), "24");
    // nobody else can
    sandbox.git(&["switch", "--quiet", "-c", "evil"]).good();
    sandbox.write("vmesh.toml", &("[project]\nmain = \"evil\"\n".to_owned() + RATE));
    sandbox.model("prices", "SELECT 666 AS price");
    sandbox.commit("mine");
    sandbox.vmesh(&["promote", "--yes"]);
    assert_eq!(price(&sandbox, "prod"), "24");
    sandbox.is_sound();
}

#[test]
fn where_main_was_renamed_nobody_is_main_until_someone_says_so() {
    let sandbox = shop();
    sandbox.git(&["branch", "-m", "main", "trunk"]).good();
    sandbox.write("vmesh.toml", &("[project]\nmain = \"trunk\"\n".to_owned() + RATE));
    sandbox.model("prices", "SELECT 11 * @rate AS price");
    sandbox.commit("trunk is main");
    assert!(sandbox.vmesh(&["promote", "--yes"]).fails(1).contains("vmesh hooks install"));
    assert_eq!(price(&sandbox, "prod"), "20");
    sandbox.vmesh(&["hooks", "install"]).good();
    let refused = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(refused.contains("prod follows branch `main`, not `trunk`"), "{refused}");
    sandbox.vmesh(&["promote", "--yes", "--allow-rewind"]).good();
    assert_eq!(price(&sandbox, "prod"), "22");
    sandbox.is_sound();
}

/// What projects of SQLMesh write that does more than say something.
const IN_PYTHON: &str = "from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig\n\
                         def file():\n    return 'db/shop.db'\n\
                         config = Config(gateways={\"a\": GatewayConfig(connection=DuckDBConnectionConfig(database=file(), x='database=\"db/shop.db\"'))})\n";

#[test]
fn settings_in_python_that_compute_are_told_in_yaml() {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("shop/config.py", IN_PYTHON);
    sandbox.write("shop/models/a.sql", "SELECT 1 AS x");
    let shop = sandbox.path().join("shop");
    for (folder, args) in
        [(&shop, &["status"][..]), (&shop.join("models"), &["plan"]), (&sandbox.path(), &["init", "shop"])]
    {
        let told = sandbox.vmesh_in(folder, args).fails(1);
        assert!(told.contains("its value is not written out") && told.contains("shop/config.py:4:89"), "{told}");
        assert!(told.contains("config.yaml beside it") && told.contains("database: db/shop.db"), "{told}");
    }
    assert!(!shop.join("vmesh.toml").exists());
    // what is printed is what is read
    let told = sandbox.vmesh_in(&shop, &["status"]).err;
    let yaml = &told[told.find("gateways:").unwrap()..];
    let (first, rest) = yaml.split_once('\n').unwrap();
    let indent = rest.len() - rest.trim_start().len() - 2;
    let rest: Vec<&str> = rest.lines().filter_map(|line| line.get(indent..)).collect();
    let yaml = format!("{first}\n{}\n", rest.join("\n"));
    sandbox.write("shop/config.yaml", &yaml);
    sandbox.vmesh_in(&sandbox.path(), &["init", "shop"]).good();
    assert!(!shop.join("vmesh.toml").exists());
    // a config.py of anyone else
    let other = Sandbox::empty();
    other.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    other.write("config.py", "DEBUG = True\n");
    assert!(other.vmesh(&["status"]).fails(1).contains("no vmesh.toml"));
    other.vmesh(&["init", "--empty"]).good();
}

#[test]
fn settings_in_python_that_only_say_something_are_read() {
    let sandbox = Sandbox::nested();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write(
        "config.py",
        "\"\"\"The shop.\"\"\"\nimport os\nfrom pathlib import Path\n\n\
         from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig\n\n\
         ROOT = Path(__file__).resolve().parent.parent\nDB_FILE: Path = ROOT / \"shop.duckdb\"\n\n\
         config = Config(\n    gateways={\n        \"local\": GatewayConfig(\n            \
         connection=DuckDBConnectionConfig(database=str(DB_FILE), concurrent_tasks=1),\n        ),\n    },\n    \
         default_gateway=\"local\",\n    model_defaults=ModelDefaultsConfig(dialect=\"duckdb\", start=\"2026-01-01\", kind=\"FULL\"),\n    \
         variables={\"rate\": 2, \"names\": [\"a\", \"b\"], \"who\": os.getenv(\"SHOP_WHO\", \"Ada\"), \"more\": f\"{'x'}-y\"},\n)\n",
    );
    sandbox.write("models/a.sql", "SELECT @rate AS rate, @who AS who, @more AS more");
    sandbox.vmesh(&["init"]).good();
    assert!(!sandbox.path().join("vmesh.toml").exists());
    sandbox.commit_quietly("models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let row = sandbox.vmesh(&["query", "FROM a", "--env", "prod", "--format", "csv"]).good();
    assert_eq!(row.lines().collect::<Vec<_>>(), ["rate,who,more", "2,Ada,x-y"]);
    assert!(sandbox.path().parent().unwrap().join("shop.duckdb").exists());
    // main's word counts: a branch chooses no other warehouse
    sandbox.git(&["switch", "--quiet", "-c", "stranger"]).good();
    sandbox.write("config.py", &sandbox.read("config.py").replace("shop.duckdb", "stranger.duckdb"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(2);
    assert!(told.contains("takes a variable or default from the environment, which only main may do"), "{told}");
    sandbox.write("config.py", &sandbox.read("config.py").replace("os.getenv(\"SHOP_WHO\", \"Ada\")", "\"Eve\""));
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert!(!sandbox.path().parent().unwrap().join("stranger.duckdb").exists());
    // what is wrong is told at its place
    sandbox.git(&["switch", "--quiet", "--force", "main"]).good();
    sandbox.write(
        "config.py",
        &sandbox.read("config.py").replace("default_gateway=\"local\"", "default_gateway=\"lokal\""),
    );
    let told = sandbox.vmesh(&["status"]).fails(1);
    assert!(told.contains("there is no gateway `lokal`") && told.contains("config.py:16:21"), "{told}");
}

#[test]
fn the_other_names_of_a_config_yaml() {
    for name in ["sqlmesh.yaml", "sqlmesh.yml"] {
        let sandbox = Sandbox::empty();
        sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
        let settings = "default_connection:\n  type: duckdb\n  database: shop.db\n  extensions: [parquet]\n  \
                        connector_config: {threads: 2}\nmodel_defaults:\n  dialect: duckdb,normalization_strategy=case_sensitive\n\
                        variables:\n  rates: {eur: 2}\nbefore_all:\n- PRAGMA threads=2\n- SET memory_limit = '1GB'\n\
                        - CREATE SCHEMA IF NOT EXISTS ops\n";
        sandbox.write(name, settings);
        sandbox.write(
            "models/a.sql",
            "MODEL (name s.a);\nPRAGMA threads = 2;\nSELECT {{ rates.eur }} AS eur, @rates['eur'] AS same",
        );
        sandbox.vmesh(&["init"]).good();
        sandbox.commit_quietly("models");
        sandbox.vmesh(&["promote", "--yes"]).good();
        let row = sandbox.vmesh(&["query", "FROM s.a", "--env", "prod", "--format", "csv"]).good();
        assert_eq!(row.lines().collect::<Vec<_>>(), ["eur,same", "2,2"], "{name}");
        assert!(!sandbox.path().join("vmesh.toml").exists());
    }
}

#[test]
fn columns_that_differ_by_letter_case_only_are_told() {
    let sandbox = Sandbox::with_models(&[
        ("base", "SELECT 1 AS a, 2 AS b, 3 AS \"A\""),
        ("by_set", "SELECT 1 AS id, 2 AS Id UNION ALL SELECT 3, 4"),
        (
            "behind",
            "MODEL (name behind, dialect 'duckdb, normalization_strategy = case_sensitive');\nSELECT a, A FROM base",
        ),
        ("one", "SELECT A AS a, b AS \"B\" FROM base"),
    ]);
    let told = sandbox.vmesh(&["plan", "prod"]).err;
    let pairs = [("base", "a", "A"), ("by_set", "id", "Id"), ("behind", "a", "A")];
    for (model, one, other) in pairs {
        let warning = format!("columns `{one}` and `{other}` differ by letter case only, and are one to DuckDB");
        assert!(told.lines().any(|line| line.contains(model) && line.contains(&warning)), "{model}: {told}");
    }
    assert_eq!(told.matches("letter case only").count(), pairs.len(), "{told}");
    // what DuckDB makes of it is what the warning is about
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT column_name FROM (DESCRIBE prod.base)"), [["a"], ["b"], ["A_1"]]);
}
