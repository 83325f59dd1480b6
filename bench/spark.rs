//! Publishing on Spark: views that move one after the other, against the same statements typed; and a model of many rows, against
//! the same query typed. Needs a server: `sh tests/spark/run.sh --bench`.

use std::process::Command;
use std::time::Duration;

use super::spark_client::Client;
use super::{Bench, line, median, middle, path, run, time};

/// The rows of the large model.
const ROWS: u64 = 50_000_000;

pub(super) fn all(server: &str, models: usize, runs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Warehouse { bench: Bench { folder: folder.path().to_owned() }, url: server.to_owned() };
    println!("\nSpark: {models} views move one after the other, median of {runs} runs\n");
    bench.set_up(models);
    let client = Client::connect(server);
    let typed = median(runs, |_| bench.typed(&client));
    line("these views, altered one after the other: typed", typed, None);
    let back = || time(|| bench.vmesh(&["rollback", "--yes"]));
    let (mut one, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        bench.vmesh(&["promote", "--yes"]);
        one.push(back());
        whole.push(back());
    }
    let (one, whole) = (middle(one), middle(whole));
    line("vmesh rollback of all of them, from beginning to end", whole, Some(("that", typed)));
    line("vmesh rollback of one of them", one, None);
    line("what the others add to it", whole.saturating_sub(one), Some(("the same typed", typed)));

    bench.vmesh(&["promote", "--yes"]);
    println!("\nSpark: a model of {ROWS} rows, once\n");
    let query = format!(
        "SELECT id % 1000000 AS key, count(*) AS n, sum(id) AS total, max(id) AS last FROM range({ROWS}) GROUP BY 1"
    );
    let rows = format!("SELECT id, id % 1000000 AS key, cast(id AS string) AS name FROM range({ROWS})");
    let typed = time(|| {
        for (name, query) in [("typed_rows", &rows), ("typed_keys", &query)] {
            client.rows(&format!("CREATE TABLE default.{name} AS {query}")).unwrap();
        }
    });
    client.rows("DROP TABLE default.typed_rows").unwrap();
    client.rows("DROP TABLE default.typed_keys").unwrap();
    line("its rows and those of a table of its keys, typed", typed, None);
    bench.bench.write("models/large.sql", &rows);
    bench.bench.write("models/keys.sql", &query);
    bench.bench.commit("large");
    let built = time(|| bench.vmesh(&["promote", "--yes"]));
    line("vmesh promote of both", built, Some(("that", typed)));
    let counted = client.rows("SELECT CAST(count(*) AS STRING) FROM prod.large").unwrap();
    assert_eq!(counted[0][0], ROWS.to_string());
}

struct Warehouse {
    bench: Bench,
    url: String,
}

impl Warehouse {
    fn set_up(&self, models: usize) {
        let Self { bench, .. } = self;
        bench.git(&["init", "--quiet", "--initial-branch", "main"]);
        bench.write("vmesh.toml", "[engine]\ntype = \"spark\"\nurl = \"env:VMESH_BENCH_URL\"\n");
        for (value, changed) in [(0, models), (1, models), (2, 1)] {
            for number in 0..changed {
                let model = format!("MODEL (name m{number}, kind VIEW);\nSELECT {number} AS id, {value} AS v");
                bench.write(&path(number), &model);
            }
            bench.commit("models");
            self.vmesh(&["promote", "--yes"]);
        }
    }

    fn vmesh(&self, args: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmesh"));
        run(command.args(args).env("VMESH_BENCH_URL", &self.url), &self.bench.folder);
    }

    /// What a publication comes to, without any record of it.
    fn typed(&self, client: &Client) -> Duration {
        let views = client.rows("SHOW VIEWS IN prod").unwrap();
        let shown = client.rows("SHOW VIEWS IN vmesh_snapshots").unwrap();
        let pairs = views.iter().zip(&shown);
        let statements: Vec<String> = pairs
            .map(|(view, table)| format!("ALTER VIEW prod.{} AS SELECT * FROM vmesh_snapshots.{}", view[1], table[1]))
            .collect();
        time(|| statements.iter().for_each(|statement| drop(client.rows(statement).unwrap())))
    }
}
