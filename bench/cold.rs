//! A project that this machine has never seen: how long until its plan is known.

use std::path::Path;
use std::time::Duration;

use duckdb::Connection;

use crate::{Bench, WIDTH, line, median, time};

/// Plans models of some 30 lines, from nothing and from what was remembered, beside DuckDB's own parser over the same texts.
pub(crate) fn plans(models: usize, runs: usize) {
    println!("\n{models} models of 30 lines, median of {runs} runs\n");
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path().to_owned() };
    bench.git(&["init", "--quiet", "--initial-branch", "main"]);
    bench.write("vmesh.toml", "");
    let texts: Vec<String> = (0..models).map(sql).collect();
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

fn sql(number: usize) -> String {
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
        (0..18).map(column).collect::<String>(),
        number % 3
    )
}
