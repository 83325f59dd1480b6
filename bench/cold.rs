//! A project that this machine has never seen: how long until its plan is known.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duckdb::Connection;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use vmesh::adapter::cache::{self, ParsedFiles};
use vmesh::domain::config::Config;
use vmesh::domain::external::Externals;
use vmesh::domain::model::{self, ModelFile};
use vmesh::domain::project::{Lineages, Project, Published, Sources};

use crate::{Bench, WIDTH, line, median, time};

/// Plans models of some 30 lines, from nothing and from what was remembered, beside DuckDB's own parser over the same texts.
pub(crate) fn plans(models: usize, runs: usize) {
    println!("\n{models} models of 30 lines, median of {runs} runs\n");
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path().to_owned() };
    bench.git(&["init", "--quiet", "--initial-branch", "main"]);
    bench.write("vmesh.toml", "");
    let texts: Vec<String> = (0..models).map(|number| sql(number, 18)).collect();
    for (number, text) in texts.iter().enumerate() {
        bench.write(&format!("models/l/m{number}.sql"), text);
    }
    bench.commit("models");
    let floor = median(runs, |_| parsed_by_duckdb(&texts));
    line("DuckDB's parser alone, over these texts", floor, None);
    let cold = median(runs, |_| {
        forget(&bench.folder);
        time(|| bench.vmesh(&["plan"]))
    });
    line("vmesh plan of what nobody has read before", cold, Some(("that", floor)));
    let again = median(runs, |_| time(|| bench.vmesh(&["plan"])));
    line("vmesh plan once more", again, Some(("DuckDB's parser", floor)));
}

/// From the texts of models of 50 lines to what decides each of their columns, on one core; and from what is remembered.
pub(crate) fn prints(models: usize, runs: usize) {
    println!("\n{models} models of 50 lines on one core, median of {runs} runs\n");
    let texts: Vec<String> = (0..models).map(|number| sql(number, 38)).collect();
    let floor = median(runs, |_| {
        time(|| {
            for text in &texts {
                assert_eq!(Parser::parse_sql(&DuckDbDialect {}, text).unwrap().len(), 1);
            }
        })
    });
    line("sqlparser alone, over these texts", floor, None);
    let cold = median(runs, |_| time(|| assemble(&texts, parse(&texts), &Lineages::default())));
    line("parsed, with the prints of all columns", cold, Some(("that", floor)));

    let folder = tempfile::tempdir().unwrap();
    let (files, lineages) = (folder.path().join("files"), folder.path().join("lineages"));
    let (parsed, known) = (parse(&texts), Lineages::default());
    assemble(&texts, parsed.clone(), &known);
    let mut kept = ParsedFiles::load(&files);
    parsed.into_iter().enumerate().for_each(|(number, file)| kept.add_models(&number.to_string(), vec![file]));
    kept.store(&files);
    cache::store_lineages(&lineages, &known);
    let again = median(runs, |_| {
        time(|| {
            let kept = ParsedFiles::load(&files);
            let parsed = (0..models).flat_map(|number| kept.models(&number.to_string()).unwrap()).collect();
            assemble(&texts, parsed, &cache::load_versioned(&lineages).unwrap());
        })
    });
    line("the same of what is remembered", again, Some(("sqlparser", floor)));
}

fn parse(texts: &[String]) -> Vec<Arc<ModelFile>> {
    texts.iter().map(|text| Arc::new(model::parse(text).unwrap())).collect()
}

fn assemble(texts: &[String], parsed: Vec<Arc<ModelFile>>, lineages: &Lineages) {
    let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
    let mut externals = Externals::default();
    externals.add("- name: raw.events\n  columns:\n    id: INTEGER\n    v: INTEGER\n").unwrap();
    let number = |path: &str| path["models/l/m".len()..path.len() - ".sql".len()].parse::<usize>().unwrap();
    let files = parsed.into_iter().enumerate();
    let project = Project::assemble(&Sources {
        files: files.map(|(number, file)| (format!("models/l/m{number}.sql"), file)).collect(),
        text: &|path| texts[number(path)].as_str().into(),
        seed: &|_| None,
        matching: &|_| Vec::new(),
        absent: &|_| None,
        config: &config,
        home: "",
        externals: &externals,
        published: &Published::default(),
        before_all: &[],
        lineages,
    });
    let project = project.unwrap();
    assert!(project.models().all(|model| model.lineage.is_some()), "each is understood");
}

fn parsed_by_duckdb(texts: &[String]) -> Duration {
    let connection = Connection::open_in_memory().unwrap();
    let mut parse = connection.prepare("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR").unwrap();
    time(|| {
        for text in texts {
            let parsed: String = parse.query_row([text], |row| row.get(0)).unwrap();
            assert!(parsed.starts_with("{\"error\":false"), "{parsed}");
        }
    })
}

/// Takes away what vmesh remembers.
fn forget(project: &Path) {
    let folder = project.join(".git/vmesh");
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn sql(number: usize, columns: usize) -> String {
    let parent = |step: usize| match number / WIDTH {
        0 => "raw.events".to_owned(),
        layer => format!("l.m{}", (layer - 1) * WIDTH + (number * 7 + step * 13) % WIDTH),
    };
    let column = |at: usize| {
        format!(",\n  CASE WHEN a.id > {} THEN a.v * {at} ELSE coalesce(b.v, {at}) END AS c{at}", number % 17)
    };
    format!(
        "WITH first AS (\n  SELECT id, v, count(*) AS n, sum(v) AS total\n  FROM {}\n  WHERE id % {} <> 1\n  \
         GROUP BY id, v\n), second AS (\n  SELECT id, max(v) AS v FROM {} GROUP BY id\n)\nSELECT a.id, a.v{}\n\
         FROM first AS a\nLEFT JOIN second AS b ON a.id = b.id\nWHERE a.total > {}\n",
        parent(0),
        number % 5 + 2,
        parent(1),
        (0..columns).map(column).collect::<String>(),
        number % 3
    )
}
