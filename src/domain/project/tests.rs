//! Tests of a whole project.

use super::*;
use crate::domain::model;

/// The project of these model files, with one seed file `data.csv` of the given content.
fn project(files: &[(&str, &str)], seed: &str) -> Result<Project, Vec<Diagnostic>> {
    let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
    let parsed = files.iter().map(|(path, text)| ((*path).to_owned(), Arc::new(model::parse(text).unwrap())));
    let text = |path: &str| -> Arc<str> { files.iter().find(|file| file.0 == path).map_or("", |file| file.1).into() };
    let hash = *blake3::hash(seed.as_bytes()).as_bytes();
    let found = |path: &str| {
        let header = Some(vec!["id".to_owned(), "name".to_owned()]);
        (path == "seeds/data.csv").then(|| SeedFile { path: path.to_owned(), hash, header })
    };
    Project::assemble(&Sources {
        files: parsed.collect(),
        text: &text,
        seed: &found,
        matching: &|_| Vec::new(),
        absent: &|_| None,
        config: &config,
        home: "/home/shop",
        externals: &Externals::default(),
        published: &Published::default(),
        before_all: &[],
        lineages: &Lineages::default(),
    })
}

fn fingerprints(files: &[(&str, &str)]) -> BTreeMap<String, Fingerprint> {
    let project = project(files, "").unwrap();
    project.models().map(|model| (model.name.to_string(), model.fingerprint)).collect()
}

fn first_problem(files: &[(&str, &str)]) -> String {
    project(files, "").unwrap_err().remove(0).what
}

#[test]
fn the_path_names_a_model_without_a_header() {
    let project = project(&[("models/a.sql", "SELECT 1"), ("models/x/marts/b.sql", "SELECT 1")], "").unwrap();
    let names: Vec<String> = project.models().map(|model| model.name.to_string()).collect();
    assert_eq!(names, ["a", "marts.b"]);
}

#[test]
fn a_change_reaches_what_is_below_and_nothing_else() {
    let chain = |a: &str| {
        fingerprints(&[
            ("models/a.sql", a),
            ("models/b.sql", "SELECT * FROM a"),
            ("models/c.sql", "SELECT * FROM B"),
            ("models/d.sql", "SELECT 1 AS x"),
        ])
    };
    let (one, two) = (chain("SELECT 1 AS x"), chain("SELECT 2 AS x"));
    let same: Vec<&String> = one.keys().filter(|name| one[*name] == two[*name]).collect();
    assert_eq!(same, ["d"]);
    assert_eq!(one, chain("select 1 x -- the same"));
}

#[test]
fn parents_that_swap_their_queries_change_their_reader() {
    let of = |a: &str, b: &str| {
        fingerprints(&[("models/a.sql", a), ("models/b.sql", b), ("models/c.sql", "SELECT a.x - b.x AS x FROM a, b")])["c"]
    };
    assert_ne!(of("SELECT 10 AS x", "SELECT 3 AS x"), of("SELECT 3 AS x", "SELECT 10 AS x"));
}

#[test]
fn a_cte_hides_a_model_and_a_schema_tells_models_apart() {
    let project = project(
        &[
            ("models/a.sql", "SELECT 1 AS x"),
            ("models/s/a.sql", "SELECT 2 AS x"),
            ("models/hidden.sql", "WITH a AS (SELECT 3 AS x) SELECT x FROM a"),
            ("models/seen.sql", "SELECT x FROM S.\"A\" AS t"),
        ],
        "",
    );
    let project = project.unwrap();
    let parents = |name: &str| -> Vec<String> {
        let model = project.model(&ModelName::parse(name).unwrap()).unwrap();
        model.parents.keys().map(ToString::to_string).collect()
    };
    assert_eq!(parents("hidden"), Vec::<String>::new());
    assert_eq!(parents("seen"), ["s.a"]);
}

#[test]
fn a_seed_counts_by_its_content() {
    let files = [
        ("models/a.sql", "MODEL (name a, kind SEED (path '../seeds/data.csv'));"),
        ("models/b.sql", "SELECT id FROM a"),
    ];
    let of =
        |content: &str| project(&files, content).unwrap().model(&ModelName::parse("b").unwrap()).unwrap().fingerprint;
    assert_eq!(of("1"), of("1"));
    assert_ne!(of("1"), of("2"));
}

#[test]
fn past_the_environment_nothing_is_read() {
    for (read, what) in [
        ("prod.a", "reads prod's `a` past the environment"),
        ("other.marts.b", "reads `marts.b` in another database"),
        ("vmesh_snapshots.x", "reads one of vmesh's own schemas"),
        ("dev__alice.a", "reads one of vmesh's own schemas"),
    ] {
        let reader = format!("SELECT * FROM {read}");
        let files =
            [("models/a.sql", "SELECT 1"), ("models/marts/b.sql", "SELECT 1"), ("models/c.sql", reader.as_str())];
        let problem = first_problem(&files);
        assert!(problem.contains(what), "{read}: {problem}");
    }
}

#[test]
fn the_catalog_may_stand_in_front() {
    let named = "MODEL (name warehouse.marts.b);\nSELECT 1 AS x";
    let files = [("models/b.sql", named), ("models/c.sql", "SELECT x FROM \"WAREHOUSE\".marts.b")];
    let project = project(&files, "").unwrap();
    let model = project.model(&ModelName::parse("c").unwrap()).unwrap();
    assert_eq!(model.reads, [ModelName::parse("marts.b")]);
    let elsewhere = first_problem(&[("models/b.sql", "MODEL (name other.marts.b);\nSELECT 1 AS x")]);
    assert!(elsewhere.contains("`other.marts.b` lies in another database than the project's"), "{elsewhere}");
}

#[test]
fn a_name_without_a_schema_may_be_mains() {
    let files = [("models/main/a.sql", "SELECT 1 AS x"), ("models/b.sql", "SELECT x FROM a")];
    let project = project(&files, "").unwrap();
    let model = project.model(&ModelName::parse("b").unwrap()).unwrap();
    assert_eq!(model.reads, [ModelName::parse("main.a")]);
}

#[test]
fn reserved_schemas_name_no_model() {
    for name in ["prod.a", "dev__alice.a", "vmesh_state.a", "temp.a"] {
        let header = format!("MODEL (name {name});\nSELECT 1");
        let problem = first_problem(&[("models/a.sql", &header)]);
        assert_eq!(problem, format!("`{name}` can't be a model's name"));
    }
}

#[test]
fn the_query_goes_out_as_written_with_tables_spliced_in() {
    let text = "SELECT\n  a.x, -- mine\n  inner_one.y\nFROM a\nJOIN inner_one ON true";
    let files = [
        ("models/a.sql", "SELECT 1 AS x"),
        ("models/inner_one.sql", "MODEL (kind EMBEDDED);\nSELECT x AS y -- inlined\nFROM a"),
        ("models/c.sql", text),
    ];
    let project = project(&files, "").unwrap();
    let model = project.model(&ModelName::parse("c").unwrap()).unwrap();
    let source = |model: &Model| -> Result<Arc<str>, ()> {
        Ok(files.iter().find(|file| file.0 == model.path).unwrap().1.into())
    };
    let table = |name: &ModelName| Some(TableName { schema: "p".to_owned(), name: format!("{}_1", name.last()) });
    let sql = project.select(model, &source, &table).unwrap().unwrap();
    insta::assert_snapshot!(sql, @r#"
    SELECT
      a.x, -- mine
      inner_one.y
    FROM "p"."a_1" AS "a"
    JOIN (SELECT x AS y FROM "p"."a_1" AS "a") AS "inner_one" ON true
    "#);
}

#[test]
fn a_column_is_unknown_only_if_that_is_certain() {
    let with = |query: &str| {
        let files = [
            ("models/a.sql", "SELECT 1 AS id, {'f': 1} AS s"),
            ("models/b.sql", "SELECT 2 AS id, 'x' AS name"),
            ("models/q.sql", query),
        ];
        project(&files, "").err().map(|mut problems| problems.remove(0).what)
    };
    for fine in [
        "SELECT id, s.f FROM a",
        "SELECT a.id, name FROM a JOIN b USING (id)",
        "SELECT ID, Name FROM b",
        "SELECT x.nope FROM (SELECT 1 AS nope) AS x, a",
        "SELECT nope FROM a, elsewhere",
        "SELECT rowid FROM a",
        "SELECT (SELECT b.id FROM b WHERE b.id = a.id) AS x FROM a",
        "SELECT id AS y FROM a ORDER BY y",
        "SELECT list_transform([1], nope -> nope + 1) AS l FROM a",
    ] {
        assert_eq!(with(fine), None, "{fine}");
    }
    for (wrong, column) in
        [("SELECT a.nope FROM a", "nope"), ("SELECT nmae FROM b", "nmae"), ("SELECT q.id, q.nope FROM b AS q", "nope")]
    {
        let what = with(wrong).unwrap_or_default();
        assert!(what.contains(&format!("unknown column `{column}`")), "{wrong}: {what}");
    }
}
