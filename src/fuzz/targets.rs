//! Everything that reads a text, each with what must hold of what it makes of it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::corpus::{self, Kind};
use crate::cli::drawn;
use crate::domain::audit::CustomAudit;
use crate::domain::calendar::{Calendar, Filled, Timing};
use crate::domain::config::{Config, made_macros};
use crate::domain::diagnostic::{Diagnostic, Excerpt, Problem};
use crate::domain::engine_kind::EngineKind;
use crate::domain::external::Externals;
use crate::domain::interval::{Cron, Interval, Intervals, Moment, Times, Unit};
use crate::domain::lint::Subject;
use crate::domain::macros::{self, Defaults, File, Local, Locals, Macros, Scope, Value, Variables};
use crate::domain::model::{self, By, Incremental, ModelFile, OnChange, Rule, Schedule, files_read};
use crate::domain::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName, quote};
use crate::domain::project::{self, Lineages, Project, Published, SeedFile, Sources};
use crate::domain::sql::policy::{self, NotSeen, Seen, Text};
use crate::domain::sql::{self, SqlError, constant};
use crate::domain::unit_test::{self, CsvSettings, Data};
use crate::domain::{csv, engine_message, format, pattern};

/// One reader.
pub(super) struct Target {
    pub(super) name: &'static str,
    kind: Kind,
    texts: OnceLock<Vec<String>>,
    pub(super) read: fn(&str),
}

impl Target {
    const fn new(name: &'static str, kind: Kind, read: fn(&str)) -> Self {
        Self { name, kind, texts: OnceLock::new(), read }
    }

    pub(super) fn corpus(&'static self) -> &'static [String] {
        self.texts.get_or_init(|| corpus::of(self.kind))
    }
}

pub(super) static TARGETS: [Target; 23] = [
    Target::new("lex", Kind::Sql, lex),
    Target::new("query", Kind::Sql, query),
    Target::new("model", Kind::Sql, model),
    Target::new("project", Kind::Sql, whole),
    Target::new("macros", Kind::Sql, expand),
    Target::new("jinja", Kind::Sql, jinja),
    Target::new("python", Kind::Python, python),
    Target::new("definitions", Kind::Sql, definitions),
    Target::new("constant", Kind::Sql, evaluate),
    Target::new("audits", Kind::Sql, audits),
    Target::new("fmt", Kind::Sql, laid_out),
    Target::new("settings_sql", Kind::Sql, settings_sql),
    Target::new("tests", Kind::Yaml, tests),
    Target::new("externals", Kind::Yaml, externals),
    Target::new("config_yaml", Kind::Yaml, config_yaml),
    Target::new("vmesh_toml", Kind::Toml, vmesh_toml),
    Target::new("csv", Kind::Csv, seeds),
    Target::new("times", Kind::Words, times),
    Target::new("names", Kind::Words, names),
    Target::new("patterns", Kind::Words, patterns),
    Target::new("messages", Kind::Words, messages),
    Target::new("duckdb_json", Kind::Json, duckdb_json),
    Target::new("records", Kind::Json, records),
];

fn on_text(text: &str, span: &sql::Span) {
    assert!(text.get(span.clone()).is_some(), "a place that is none: {span:?} of {}", text.len());
}

fn problems(text: &str, problems: Vec<Problem>) {
    for problem in problems {
        on_text(text, &problem.span);
        drawn(&problem.in_file("models/a.sql", &text.into()));
    }
}

fn error(text: &str, error: SqlError) {
    problems(text, vec![error.into()]);
}

fn lex(text: &str) {
    let lexemes = match sql::lex(text) {
        Ok(lexemes) => lexemes,
        Err(wrong) => return error(text, wrong),
    };
    let mut end = 0;
    for lexeme in &lexemes {
        assert!(end <= lexeme.span.start && lexeme.span.start < lexeme.span.end);
        on_text(text, &lexeme.span);
        end = lexeme.span.end;
    }
    for statement in sql::split(&lexemes) {
        on_text(text, &statement.span);
    }
    let _ = (
        policy::shape(Text::Test, text).is_ok(),
        policy::check_header(&lexemes),
        policy::is_type(&lexemes),
        policy::query_in(&lexemes),
    );
    let _ = (sql::with_clause(text), macros::is_dynamic(&lexemes));
}

fn query(text: &str) {
    let query = sql::analyse(text);
    for kind in [Text::Model, Text::Statement, Text::Test, Text::Audit, Text::Person] {
        let unseen = NotSeen::Unshown(String::new());
        for seen in [Err(&unseen), Ok(&Seen::default())] {
            if let Err(refusal) = policy::check(kind, text, &query, seen) {
                on_text(text, &refusal.span);
            }
        }
    }
    if let Some(wrong) = &query.parse_error {
        on_text(text, &wrong.span);
    }
    for read in query.reads.iter().flatten() {
        on_text(text, &read.span);
    }
    for function in &query.functions {
        on_text(text, &function.span);
    }
    if query.labels.is_empty() {
        assert_eq!(sql::splice(text, &query, &|_| None), text);
    }
    sql::splice(text, &query, &|_| Some("\"s\".\"t\"".to_owned()));
    query.survey(text);
    let there = policy::check_for_postgres(Text::Model, text);
    let there = there
        .and_then(|()| policy::check_reads_for_postgres(text, &query.clone().by_its_words(EngineKind::Postgres, text)));
    if let Err(refusal) = there {
        on_text(text, &refusal.span);
    }
    let _ = (files_read(&query, text), project::guess_reads(text), unit_test::asks_the_time(text));
    let _ = (unit_test::freeze(text, &Times::LOADING, &["a".to_owned()]), unit_test::names_in(text));
    let again = sql::analyse(text);
    assert_eq!(query.canonical, again.canonical);
    let json = serde_json::to_string(&query).unwrap();
    assert_eq!(serde_json::from_str::<sql::Query>(&json).unwrap(), query);
}

fn model(text: &str) {
    match model::parse(text) {
        Err(found) => problems(text, found),
        Ok(file) => {
            on_text(text, &file.query_span);
            on_text(text, &file.place);
            let json = serde_json::to_string(&file).unwrap();
            serde_json::from_str::<ModelFile>(&json).unwrap();
        }
    }
}

fn whole(text: &str) {
    let Ok(file) = model::parse(text) else { return };
    let others = [("models/a.sql", "SELECT 1 AS id, 'x' AS name"), ("models/b.sql", "SELECT * FROM raw.orders")];
    let mut files: Vec<(String, Arc<ModelFile>)> =
        others.iter().map(|(path, text)| ((*path).to_owned(), Arc::new(model::parse(text).unwrap()))).collect();
    files.push(("models/m.sql".to_owned(), Arc::new(file)));
    let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
    let mut externals = Externals::default();
    externals.add("- name: raw.orders\n  columns: {id: INT, x: TEXT}\n").unwrap();
    let sources = Sources {
        files,
        text: &|path| others.iter().find(|other| other.0 == path).map_or(text, |other| other.1).into(),
        seed: &|path| Some(SeedFile { path: path.to_owned(), hash: [0; 32], header: Some(vec!["id".to_owned()]) }),
        matching: &|_| Vec::new(),
        absent: &|_| None,
        config: &config,
        home: "/home/shop",
        externals: &externals,
        published: &Published::default(),
        before_all: &[],
        lineages: &Lineages::default(),
    };
    let project = match Project::assemble(&sources) {
        Ok(project) => project,
        Err(found) => return found.iter().for_each(|problem| drop(drawn(problem))),
    };
    let tested = BTreeSet::new();
    for model in project.models() {
        let written = text.get(model.file.query_span.clone()).unwrap_or_default();
        let survey = model.file.query.as_ref().and_then(|query| query.survey(written));
        for rule in Rule::ALL {
            rule.check(&Subject { project: &project, model, survey: survey.as_ref(), tested: &tested });
        }
        if let Some(calendar) = &model.calendar {
            loads(calendar);
        }
    }
}

/// The loads of a calendar: few, or a number and no list.
fn loads(calendar: &Calendar) {
    let now = Moment::read("2026-01-31", Moment::EPOCH).unwrap();
    if let Some(wanted) = calendar.wanted(&Filled::default(), &Timing::at(now)) {
        let loads = calendar.loads(&Filled::default(), wanted, &[]);
        assert!(loads.len() <= crate::domain::limits::LOADS, "{} loads", loads.len());
    }
}

fn with_scope<T>(run: impl FnOnce(&Scope<'_>) -> T) -> T {
    let config: Variables = [
        ("x", Value::Text("b".into())),
        ("n", Value::Int(5)),
        ("list", Value::List(vec![Value::Int(1), Value::Text("a".into())])),
    ]
    .into_iter()
    .collect();
    let named: Variables = [("this_model", Value::Sql("\"s\".\"t\"".into()))].into_iter().collect();
    let locals: Locals = [("local".to_owned(), Local::Value("a + b".to_owned()))].into();
    let mut own = Macros::default();
    for text in
        ["MACRO twice(a) AS @a + @a;", "MACRO forever(a) AS @forever(@a, @a);", "MACRO m(a) AS @EACH(@a, x -> @x);"]
    {
        macros::read_macros("macros/m.sql", text).unwrap().into_iter().for_each(|item| drop(own.add(item)));
    }
    run(&Scope {
        config: &config,
        blueprint: &Variables::default(),
        locals: &locals,
        named: &named,
        time: &|name| (name == "start_ds").then(|| "'2024-01-31'".to_owned()),
        columns_of: &|parts| {
            (parts.len() == 1).then(|| vec![("a".to_owned(), None), ("b c".to_owned(), Some("INT".to_owned()))])
        },
        macros: &own,
    })
}

fn expand(text: &str) {
    with_scope(|scope| {
        match macros::expand(text, scope) {
            Ok(expanded) => {
                for at in [0, expanded.text.len() / 2, expanded.text.len()] {
                    on_text_roughly(text, &expanded.map.original(&(at..at)));
                }
            }
            Err(found) => problems(text, vec![found]),
        }
        let Some(file) = File::read(text) else { return };
        file.is_dynamic();
        match file.blueprints(scope) {
            Ok(blueprints) => drop(blueprints),
            Err(found) => problems(text, vec![found]),
        }
        match file.expand(scope, Defaults { name: "a.b", kind: "FULL" }) {
            Ok(expanded) => drop(model::parse(&expanded.text)),
            Err(found) => problems(text, vec![found]),
        }
    });
}

fn python(text: &str) {
    let mut known = Macros::default();
    known.add_python(macros::python_macros("macros/a.py", text));
    let names: Vec<String> = known.in_python().map(|it| it.name.clone()).take(20).collect();
    with_scope(|scope| {
        let scope = Scope { macros: &known, ..*scope };
        for (name, arguments) in
            names.iter().flat_map(|name| ["", "a", "t.a, 'b', [c, 1.5], x := @start_ds"].map(|it| (name, it)))
        {
            let call = format!("SELECT @{name}({arguments})");
            match macros::expand(&call, &scope) {
                Ok(expanded) => drop(sql::analyse(&expanded.text)),
                Err(found) => problems(&call, vec![found]),
            }
        }
    });
}

fn on_text_roughly(text: &str, span: &sql::Span) {
    assert!(span.start <= text.len() && span.start <= span.end, "{span:?} of {}", text.len());
}

fn jinja(text: &str) {
    expand(&format!("MODEL (name a);\nJINJA_QUERY_BEGIN;\n{text}\nJINJA_END;"));
}

fn definitions(text: &str) {
    for path in ["macros/a.sql", "macros/a.py"] {
        if let Err(found) = macros::read_macros(path, text) {
            problems(text, vec![found]);
        }
    }
    macros::python_macros("macros/a.py", text);
    if let Some(span) = macros::python_model(text) {
        on_text(text, &span);
    }
}

fn evaluate(text: &str) {
    if let Err(wrong) = constant::evaluate(text) {
        error(text, wrong);
    }
}

fn audits(text: &str) {
    match CustomAudit::file(text) {
        Ok(audits) => audits.iter().for_each(|audit| drop(audit.meaning(text))),
        Err(found) => problems(text, found),
    }
}

fn laid_out(text: &str) {
    if let Ok(once) = format::format(text) {
        assert_eq!(format::format(&once).as_ref(), Ok(&once), "laid out twice");
    }
}

fn settings_sql(text: &str) {
    let _ = (made_macros(text), policy::refused(text, &["vmesh_state"]));
}

fn tests(text: &str) {
    let parsed = match unit_test::parse("tests/test_a.yaml", text) {
        Ok(parsed) => parsed,
        Err(found) => return found.iter().for_each(|problem| drop(drawn(problem))),
    };
    let types = [("a".to_owned(), "INT".to_owned())];
    for test in parsed {
        for input in &test.inputs {
            if let Data::Rows(rows) = &input.data {
                EngineKind::ALL.into_iter().for_each(|engine| drop(unit_test::fixture(engine, rows, &types)));
                unit_test::columns_of(rows);
            }
        }
    }
    if let Err(found) = unit_test::yaml_rows(text) {
        problems(text, found);
    }
}

fn externals(text: &str) {
    let mut externals = Externals::default();
    if let Err(found) = externals.add(text) {
        problems(text, vec![found]);
    }
}

fn config(path: &str, text: &str) {
    match Config::parse(path, text, &|name| (name != "NONE").then(|| "x".to_owned())) {
        Err(found) => drop(drawn(&found)),
        Ok(config) => {
            for branch in ["main", "release/1", "a{b", "\u{202e}"] {
                config.environment(&BranchName::from(branch));
            }
            config.is_catalog("x");
        }
    }
}

fn config_yaml(text: &str) {
    config("config.yaml", text);
}

fn vmesh_toml(text: &str) {
    config("vmesh.toml", text);
}

fn seeds(text: &str) {
    let odd = csv::Settings {
        delimiter: Some(';'),
        quote: Some('\''),
        doublequote: false,
        escape: Some('\\'),
        skipinitialspace: true,
        ..csv::Settings::default()
    };
    let columns = [("id".to_owned(), "INT".to_owned()), ("b".to_owned(), "BOOLEAN".to_owned())];
    let encodings = [None, Some("latin-1"), Some("utf-16"), Some("cp1252")];
    for settings in [csv::Settings::default(), odd] {
        for encoding in encodings {
            let settings = csv::Settings { encoding: encoding.map(str::to_owned), ..settings.clone() };
            let _ = csv::rewrite(text.as_bytes(), &settings, &columns);
        }
        csv::find_cell(text.as_bytes(), &settings, "id", "2");
        let broken: Vec<u8> = text.bytes().map(|byte| byte.rotate_left(3)).collect();
        let _ = csv::rewrite(&broken, &settings, &columns);
    }
    let _ = unit_test::csv_rows(text, &CsvSettings::default());
}

fn times(text: &str) {
    let now = Moment::read("2026-01-31", Moment::EPOCH).unwrap();
    for moment in [Moment::read(text, now), Moment::read_end(text, now)].into_iter().flatten() {
        for unit in Unit::ALL {
            assert!(unit.floor(moment) <= moment && unit.ceil(moment) >= unit.floor(moment));
        }
        let _ = moment.to_string();
    }
    let (text, rest) = text.split_once(['\n', ';']).unwrap_or((text, ""));
    if let Ok(cron) = Cron::parse(text, Some(rest).filter(|zone| !zone.is_empty())).or_else(|_| Cron::parse(text, None))
    {
        for moment in [Moment::MIN, now, Moment::MAX] {
            let _ = (cron.next_after(moment), cron.last_at_or_before(moment));
        }
    }
    let schedule = Schedule { cron: Some(text.to_owned()), start: Some(rest.to_owned()), ..Schedule::default() };
    let by = By::TimeRange { column: "ds".to_owned(), format: None };
    let batch_size = std::num::NonZeroU32::new(1);
    let on_change = OnChange::default();
    let incremental =
        Incremental { by, lookback: u32::MAX, batch_size, disable_restatement: false, forward_only: false, on_change };
    if let Ok(calendar) = Calendar::new(&schedule, &incremental, Some("0001-01-01".to_owned())) {
        calendar.meaning();
        loads(&calendar);
    }
}

fn names(text: &str) {
    let branch = BranchName::from(text);
    let environment = EnvName::for_branch(&branch);
    assert!(environment.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
    assert!(environment.as_str().len() <= 63, "{environment}");
    assert_eq!(BranchName::from_bytes(&branch.to_bytes()), branch);
    EnvName::named(text);
    quote(text);
    if let Some(name) = ModelName::parse(text) {
        let view = name.view(&environment, SchemaPattern::default());
        assert!(view.schema.len() <= 63 || view.schema.len() <= text.len());
        assert!(TableName::snapshot(&name, &"0".repeat(64)).name.len() <= 63);
    }
    project::from_path(text, "models");
    let parts: Vec<&str> = text.split('.').collect();
    ModelName::from_parts(&parts);
}

fn patterns(text: &str) {
    if let Ok(found) = pattern::compile(text) {
        found.is_match("models/a/b.csv");
    }
}

fn messages(text: &str) {
    let sent = "SELECT 1\nFROM é, (SELECT 2) AS x";
    let _ = (engine_message::headline(text), engine_message::bad_cell(text), engine_message::advice(text));
    engine_message::renumber(text, 2);
    if let Some(at) = engine_message::place(text, sent) {
        on_text_roughly(sent, &(at..at));
        let span = engine_message::in_written(at, sent, "SELECT 1 FROM é");
        on_text_roughly("SELECT 1 FROM é", &span);
    }
    for span in [0..0, 3..text.len(), text.len()..text.len(), 0..text.len() / 2, 1..text.len() / 3 + 1] {
        let at = Excerpt {
            path: text.chars().take(40).collect(),
            text: text.into(),
            span,
            label: text.chars().take(9).collect(),
        };
        drawn(&Diagnostic::new(text).at(at).note(text).help(text));
    }
}

fn duckdb_json(text: &str) {
    for written in ["with a as (from b) from a", "FROM raw.t AS x, query('select 1')", "é", ""] {
        if let Ok(seen) = sql::reads_from_duckdb_json(written, text) {
            seen.reads.iter().for_each(|read| on_text(written, &read.span));
            let mut query = sql::analyse(written);
            query.adopt(seen);
            query.functions.iter().for_each(|function| on_text(written, &function.span));
            sql::splice(written, &query, &|_| Some("x".to_owned()));
        }
    }
}

fn records(text: &str) {
    let _ = serde_json::from_str::<crate::workflow::background::queue::Request>(text);
    let _ = serde_json::from_str::<crate::workflow::background::queue::Duty>(text);
    let _ = serde_json::from_str::<crate::workflow::background::failure::Failure>(text);
    let _ = serde_json::from_str::<crate::adapter::cache::ParsedFiles>(text);
    let _ = serde_json::from_str::<ModelFile>(text);
    let _ = serde_json::from_str::<Filled>(text);
    if let Ok(intervals) = serde_json::from_str::<Intervals>(text) {
        assert!(intervals.iter().zip(intervals.iter().skip(1)).all(|(a, b): (Interval, Interval)| a.end() < b.start()));
    }
}
