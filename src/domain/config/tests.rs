//! Tests of `config.yaml` as settings.

use super::*;

const PLAIN: &str =
    "gateways:\n  local:\n    connection: {type: duckdb, database: wh.db}\nmodel_defaults: {dialect: duckdb}\n";

fn set(name: &str) -> Option<String> {
    (name == "SECRET").then(|| "hunter2.db".to_owned())
}

fn read(text: &str) -> Result<Config, Diagnostic> {
    Config::parse("config.yaml", text, &set)
}

fn text(config: &Config, name: &str) -> String {
    config.variables.get(name).map(super::super::macros::Value::sql).unwrap_or_default()
}

#[test]
fn a_plain_file_has_the_defaults_of_sqlmesh() {
    let config = read(PLAIN).unwrap();
    assert_eq!((config.warehouse.as_deref(), config.ttl_seconds), (Some("wh.db"), 7 * 86_400));
    assert_eq!(config.pattern, SchemaPattern::SchemaFirst);
    assert_eq!(config.notes, Vec::<String>::new());
    let file = super::super::model::parse_with("SELECT 1 AS a", &config.defaults).unwrap();
    assert_eq!(file.kind, Some(super::super::model::Kind::View));
}

#[test]
fn the_gateway_goes_before_the_rest() {
    let text_of = |default: &str| {
        format!(
            "{default}variables: {{a: 1, b: x}}\nmodel_defaults: {{cron: '@daily', owner: ada}}\ngateways:\n  one:\n    \
             connection: {{type: duckdb, database: one.db}}\n    variables: {{A: [1, 2]}}\n    \
             model_defaults: {{cron: '@hourly'}}\n  two:\n    connection: {{type: duckdb, database: two.db}}\n  \
             away:\n    connection: {{type: snowflake, password: \"{{{{ env_var('NOT_SET') }}}}\"}}\n"
        )
    };
    let (one, two) = (read(&text_of("")).unwrap(), read(&text_of("default_gateway: two\n")).unwrap());
    assert_eq!(
        [one.warehouse.as_deref().unwrap(), &text(&one, "a"), &text(&one, "b"), one.gateway.as_deref().unwrap()],
        ["one.db", "(1, 2)", "'x'", "one"]
    );
    assert_eq!(
        [two.warehouse.as_deref().unwrap(), &text(&two, "a"), two.gateway.as_deref().unwrap()],
        ["two.db", "1", "two"]
    );
    let cron = |config: &Config| {
        super::super::model::parse_with("SELECT 1 AS a", &config.defaults).unwrap().schedule.cron.unwrap()
    };
    assert_eq!([cron(&one), cron(&two)], ["@hourly", "@daily"]);
    assert!(read(&text_of("default_gateway: away\n")).unwrap_err().what.contains("only connections of type `duckdb`"));
}

#[test]
fn the_environment_is_asked_where_it_matters() {
    for written in ["{{ env_var('SECRET') }}", "\"{{env_var('SECRET')}}\"", "{{ env_var(\"OTHER\", 'hunter2.db') }}"] {
        let config =
            read(&PLAIN.replace(
                "{type: duckdb, database: wh.db}",
                &format!("\n      type: duckdb\n      database: {written}"),
            ))
            .unwrap();
        assert_eq!(config.warehouse.as_deref(), Some("hunter2.db"), "{written}");
    }
    let config = read(&format!("# {{{{ env_var('NOT_SET') }}}}\nvariables:\n  é: 'é{{{{ env_var('SECRET') }}}}é'\n  n: {{{{ env_var('N', '7') }}}}\n  s: '{{{{ env_var('N', '7') }}}}'\n{PLAIN}")).unwrap();
    assert_eq!([text(&config, "é"), text(&config, "n"), text(&config, "s")], ["'éhunter2.dbé'", "7", "'7'"]);
}

#[test]
fn lengths_of_time_are_read_as_they_are_written() {
    let ttl = |text: &str| read(&format!("environment_ttl: {text}\n{PLAIN}")).map(|config| config.ttl_seconds / 86_400);
    for (text, days) in [("in 1 week", 7), ("in 10 days", 10), ("in 1 month", 31), ("36h", 1)] {
        assert_eq!(ttl(text), Ok(days), "{text}");
    }
    assert!(ttl("soon").is_err());
}

#[test]
fn files_are_ignored_as_in_sqlmesh() {
    let config = read(&format!("ignore_patterns: ['drafts/*.sql', '*.tmp.sql']\n{PLAIN}")).unwrap();
    for (path, is) in [("models/drafts/a.sql", true), ("models/drafts/b/a.sql", false), ("models/x/a.tmp.sql", true)] {
        assert_eq!(config.ignored.is_match(path), is, "{path}");
    }
}

#[test]
fn what_other_machines_want_to_know_comes_from_the_environment() {
    let connection = |more: &str| PLAIN.replace("database: wh.db", more);
    let config = read(&connection(
        "secrets: {s: {type: s3, region: eu, secret: \"{{ env_var('SECRET') }}\"}}, catalogs: {w: w.db, crm: {type: \
         postgres, path: \"host=h password={{ env_var('SECRET') }} user={{ env_var('ABSENT', 'ada') }}\"}}",
    ))
    .unwrap();
    let secret = |name: &str| (name == "SECRET").then(|| "hunter2".to_owned());
    let (dsn, hidden) = config.outside.attached[0].target.resolve(secret).unwrap();
    assert_eq!(dsn, "host=h password=hunter2 user=ada");
    assert_eq!((hidden.len(), hidden[0].variable.as_str()), (1, "SECRET"));
    let options = &config.opening.secrets[0].options;
    let told: Vec<_> = options.iter().map(|(name, text)| (name.as_str(), text.resolve(secret).unwrap().0)).collect();
    assert_eq!(told, [("type", "s3"), ("region", "eu"), ("secret", "hunter2")].map(|(a, b)| (a, b.to_owned())));
}

#[test]
fn settings_without_effect_are_told() {
    let text = format!(
        "default_target_environment: dev_ada\nphysical_schema_mapping: {{a: b}}\nnotification_targets: []\n\
         pinned_environments: [release]\nlog_limit: 3\nsnapshot_ttl: in 1 week\nusers: [{{username: jen}}]\n\
         janitor: {{warn_on_delete_failure: true}}\nplan: {{forward_only: false, no_prompts: true}}\n{PLAIN}"
    );
    let config = read(&text).unwrap();
    insta::assert_snapshot!(config.notes.join("\n"));
    assert_eq!(config.pinned, ["release"]);
}

#[test]
fn what_is_wrong_has_a_place_and_no_secret() {
    let with = |line: &str| format!("{line}\n{PLAIN}");
    let texts = [
        with("defualt_gateway: local"),
        with("default_gateway: other"),
        with("environment_suffix_target: table"),
        with("environment_catalog_mapping: {a: b}"),
        with("time_column_format: '%Y%m%d'"),
        with("plan: {forward_only: true}"),
        with("variables: {a: {b: 99999999999999999999}}"),
        with("dbt: {x: 1}"),
        with("before_all: CREATE TABLE x (i INT)"),
        with("{% if x %}"),
        with("variables: {a: \"{{ var('x') }}\"}"),
        PLAIN.replace("wh.db", "\"{{ env_var('NOT_SET') }}\""),
        PLAIN.replace("duckdb, database: wh.db", "\"{{ env_var('SECRET') }}\""),
        PLAIN.replace("wh.db", "':memory:'"),
        PLAIN.replace("database: wh.db", "databas: wh.db"),
        PLAIN.replace("database: wh.db", "database: wh.db, extensions: [../httpfs]"),
        PLAIN.replace("dialect: duckdb", "dialect: snowflake"),
        PLAIN.replace("dialect: duckdb", "kind: FUL"),
        PLAIN.replace("dialect: duckdb", "audits: ['not_null(columns := (id)']"),
        PLAIN.replace("dialect: duckdb", "krn: '@daily'"),
        "model_defaults: {dialect: duckdb}\n".to_owned(),
        "gateways: [a]\n".to_owned(),
    ];
    let told = texts.iter().map(|text| {
        let error = read(text).unwrap_err();
        assert!(!format!("{} {:?} {:?}", error.what, error.help, error.notes).contains("hunter2"), "{text}");
        let at = error.at.unwrap();
        let place = at.text.get(at.span.clone()).unwrap().to_owned();
        format!("{} | {place:?} | {}", error.what, error.help.unwrap_or_default())
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_changes_no_row_is_accepted() {
    let connection = |more: &str| PLAIN.replace("database: wh.db", &format!("database: wh.db, {more}"));
    for text in [
        connection("extensions: [parquet, JSON, {name: core_functions}]"),
        connection("extensions: []"),
        connection("connector_config: {threads: 4, memory_limit: 4GB, temp_directory: /tmp/x}"),
        PLAIN.replace("dialect: duckdb", "dialect: 'duckdb, normalization_strategy=case_sensitive'"),
        PLAIN.replace("dialect: duckdb", "dialect: 'DuckDB,normalization_strategy = LOWERCASE'"),
    ] {
        assert_eq!(read(&text).map(|config| config.notes), Ok(Vec::new()), "{text}");
    }
    for (text, what) in [
        (
            connection("extensions: [{name: h3, repository: community}]"),
            "the extension `h3` comes from the repository `community`, which is not DuckDB's own",
        ),
        (
            connection("secrets: [{type: s3, secret: x}]"),
            "`secret` may be secret, which has no place in a file of the project",
        ),
        (
            connection("secrets: [{type: s3, secret: \"{{ env_var('NOT_SET', 'x') }}\"}]"),
            "`secret` may be secret, which has no place in a file of the project",
        ),
        (connection("connector_config: {TimeZone: Mars}"), "there is no time zone `Mars`"),
        (connection("catalogs: {a: {type: duckdb}}"), "this catalog has no `path`"),
        (
            connection("catalogs: {a: a.db, b: {type: motherduck, path: x}}"),
            "a catalog of type `motherduck` can't be attached",
        ),
        (connection("catalogs: {a: a.db, temp: b.db}"), "`temp` can't name a database"),
        (
            format!("variables: {{vmesh_sources: ['data/*.csv']}}\n{PLAIN}"),
            "`data/*.csv` is a pattern: folders are named as a whole",
        ),
        (
            connection("connector_config: {threads: 4, default_null_order: nulls_first}"),
            "`default_null_order` of `connector_config` can't be honoured: it may change what queries mean",
        ),
        (PLAIN.replace("dialect: duckdb", "dialect: 'duckdb, x=y'"), "only dialect `duckdb` is supported"),
        (
            PLAIN.replace("dialect: duckdb", "dialect: 'snowflake, normalization_strategy=case_sensitive'"),
            "only dialect `duckdb` is supported",
        ),
    ] {
        assert_eq!(read(&text).unwrap_err().what, what);
    }
}

#[test]
fn a_connection_opens_doors() {
    let connection = "connector_config: {TimeZone: Asia/Tokyo}, extensions: [httpfs, {name: ICU, repository: core}], \
                      catalogs: {main: wh.db, old: ../old.db, crm: {type: postgres, path: dbname=crm}}";
    let text = format!("variables: {{vmesh_sources: [data/raw/]}}\n{}", PLAIN.replace("database: wh.db", connection));
    let config = read(&text).unwrap();
    assert_eq!(
        (config.opening.extensions.join(" "), config.opening.zone()),
        ("httpfs icu".to_owned(), Some("Asia/Tokyo"))
    );
    assert_eq!(
        (config.warehouse.as_deref(), config.outside.files[0].path.clone()),
        (Some("wh.db"), "data/raw/".to_owned())
    );
    let target = |it: &Attached| it.target.resolve(|_| None).unwrap().0;
    let attached = config.outside.attached.iter().map(|it| format!("{} {} {}", it.name, it.kind.word(), target(it)));
    let expected = ["old duckdb ../old.db", "crm postgres dbname=crm"];
    assert_eq!(attached.collect::<Vec<_>>(), expected);
}

#[test]
fn a_mapping_is_a_variable() {
    let yaml =
        read(&format!("variables:\n  rates: {{eur: 1, usd: {{buy: 1.5, names: [a, 'b''c']}}}}\n{PLAIN}")).unwrap();
    let toml = "[variables]\nrates = { eur = 1, usd = { buy = 1.5, names = [\"a\", \"b'c\"] } }\n";
    let toml = Config::parse("vmesh.toml", toml, &set).unwrap();
    let sql = "MAP {'eur': 1, 'usd': MAP {'buy': 1.5, 'names': ('a', 'b''c')}}";
    assert_eq!([text(&yaml, "rates"), text(&toml, "rates")], [sql, sql]);
}

#[test]
fn settings_in_python_are_told_in_yaml() {
    for (python, database) in [
        ("from sqlmesh.core.config import *\nDuckDBConnectionConfig(database=\"data/shop.db\")", "data/shop.db"),
        ("import sqlmesh\nconnection = {'type': 'duckdb', 'database': 'shop.duckdb'}", "shop.duckdb"),
        ("import sqlmesh\n# the database is chosen elsewhere\n", WAREHOUSE),
        ("import sqlmesh\nDuckDBConnectionConfig(database=f\"{root}/x.db\")", WAREHOUSE),
    ] {
        assert!(is_python_config(python));
        let config = read(&in_yaml(python)).unwrap();
        assert_eq!(config.warehouse.as_deref(), Some(database), "{python}");
    }
}

#[test]
fn settings_in_python_are_read_where_they_are_written_out() {
    let config = |database: &str| {
        let text = format!(
            "import os, sqlmesh\nROOT = Path(__file__).parent\nNAME = 'shop'\nCONNECTION = DuckDBConnectionConfig(\
             database={database})\nconfig = sqlmesh.Config(default_connection=CONNECTION)\n"
        );
        Config::parse("config.py", &text, &set).map(|config| config.warehouse.unwrap())
    };
    for (python, read) in [
        ("'db/shop.db'", "db/shop.db"),
        ("str(ROOT / 'db' / f'{NAME}.db')", "db/shop.db"),
        ("str(ROOT.parent / \"shop.db\")", "../shop.db"),
        ("str(Path(__file__).resolve().parents[2] / 'shop.db')", "../../shop.db"),
        ("os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'shop.db')", "../shop.db"),
        ("ROOT.joinpath('a', 'b.db').as_posix()", "a/b.db"),
        ("'/data/' + NAME + '.db'", "/data/shop.db"),
        ("str(ROOT / '/data/shop.db')", "/data/shop.db"),
        ("os.environ['SECRET']", "hunter2.db"),
        ("os.environ.get('SECRET', 'x.db')", "hunter2.db"),
        ("os.getenv('NOT_SET', 'x.db')", "x.db"),
        ("os.environ['SECRET'] + '/x.db'", "hunter2.db/x.db"),
        ("str(Path(os.environ['SECRET']) / 'x.db')", "hunter2.db/x.db"),
        ("f'{ROOT}/shop.db'", "./shop.db"),
        ("str(ROOT / '..' / 'shop.db')", "../shop.db"),
    ] {
        assert_eq!(config(python).map_err(|problem| problem.what), Ok(read.to_owned()), "{python}");
    }
    for python in [
        "open('x').read()",
        "str(ROOT / os.environ['SECRET'])",
        "str(Path(os.environ['SECRET']).parent / 'x.db')",
        "NAME.upper()",
        "f'{NAME!r}.db'",
        "f'{NAME:>10}'",
        "unknown",
        "'a' if NAME else 'b'",
        "[x for x in 'ab']",
        "**{}",
        "Path.cwd() / 'x.db'",
        "os.getenv(key='X')",
        "lambda: 'x'",
        "(NAME := 'x')",
    ] {
        assert!(config(python).is_err(), "{python}");
    }
    for text in [
        "import sqlmesh\nif True:\n    config = 1\n",
        "import sqlmesh\nload_dotenv()\nconfig = Config()\n",
        "import sqlmesh\nconfig = config\n",
        "import sqlmesh\na = b\nb = a\nconfig = a\n",
        "import sqlmesh\nconfig, x = 1, 2\n",
        "import sqlmesh\nx = 1\n",
        "import sqlmesh\nconfig = Config(**{})\n",
        "import sqlmesh\nconfig = Config('a')\n",
        "import sqlmesh\nconfig = (\n",
        "from sqlmesh.core.config import Config\nclass MyConfig(Config):\n    pass\nconfig = MyConfig(x=1)\n",
        "import sqlmesh\nfrom acme import Config\nconfig = Config(x=1)\n",
        // what would be larger than memory
        &format!(
            "import sqlmesh\na0 = [1]\n{}config = a63\n",
            doubled(|at, before| format!("a{at} = [a{before}, a{before}]\n"))
        ),
        &format!(
            "import sqlmesh\na0 = 'x'\n{}config = [a63]\n",
            doubled(|at, before| format!("a{at} = a{before} + a{before}\n"))
        ),
    ] {
        assert!(unread_python("config.py", text).is_some() && !is_config("config.py", text), "{text}");
    }
}

fn doubled(line: fn(usize, usize) -> String) -> String {
    (1..64).map(|at| line(at, at - 1)).collect()
}

#[test]
fn the_defaults_of_both_formats_mean_the_same() {
    let yaml = read(
        "default_connection: {type: duckdb, database: wh.db}\nmodel_defaults:\n  kind: {name: INCREMENTAL_BY_TIME_RANGE, \
         time_column: {column: ds, format: '%Y%m%d'}, lookback: 2}\n  start: 2026-01-01\n  tags: [a, b]\n  \
         audits: ['not_null(columns := (id))']\n  physical_properties: {x: 1, y: 'z'}\n  allow_partials: true\n",
    );
    let toml = Config::parse(
        "vmesh.toml",
        "[defaults]\nkind = \"INCREMENTAL_BY_TIME_RANGE (time_column (ds, '%Y%m%d'), lookback 2)\"\nstart = 2026-01-01\n\
         tags = [\"a\", \"b\"]\naudits = [\"not_null(columns := (id))\"]\nphysical_properties = { x = 1, y = \"z\" }\n\
         allow_partials = true\n",
        &set,
    );
    let file = |config: Result<Config, Diagnostic>| {
        super::super::model::parse_with("SELECT 1 AS ds", &config.unwrap().defaults).unwrap()
    };
    let (mut yaml, mut toml) = (file(yaml), file(toml));
    assert_eq!((yaml.schedule.default_start.as_deref(), yaml.about.tags.len()), (Some("2026-01-01"), 2));
    // told in the order of the file, which in TOML is that of the alphabet
    (yaml.about.hash, toml.about.hash) = ([0; 32], [0; 32]);
    assert_eq!(yaml, toml);
}

#[test]
fn many_programs_have_a_config_yaml() {
    assert!(is_config("config.yaml", PLAIN) && is_config("vmesh.toml", "") && is_config("sqlmesh.yml", ""));
    assert!(!is_config("config.yaml", "server:\n  gateways: [a]\n"));
}

#[test]
fn a_blank_may_be_as_wide_as_anyone_likes() {
    let text =
        format!("gateways: {{local: {{connection: {{type: duckdb, database: \"{{{{{}}}}}\"}}}}}}", " ".repeat(70_000));
    assert!(Config::parse("config.yaml", &text, &|_| None).unwrap_err().what.contains("env_var"));
}
