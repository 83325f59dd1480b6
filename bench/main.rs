//! Whole commands on a repository of 1,000 models, against floors measured in the same run. Prints ratios.
//!
//! Run with `cargo bench --profile dev`: the profile that `cargo run` and `cargo test` use, so that DuckDB is not
//! compiled again. The number of models and of runs can be given: `-- 1000 9`; and `prints`, for that part alone.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a benchmark talks, and fails by panicking")]

mod cold;
mod growth;
mod postgres;
#[cfg(feature = "spark")]
mod spark;
#[cfg(feature = "spark")]
#[path = "../tests/it/support/spark_client.rs"]
mod spark_client;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use duckdb::{Connection, params};

/// As vmesh has it.
#[global_allocator]
static OWN: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Models in each layer of the generated project.
const WIDTH: usize = 50;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let models = numbers.first().copied().unwrap_or(1000);
    let runs = numbers.get(1).copied().unwrap_or(7);
    if let Ok(server) = std::env::var("VMESH_TEST_POSTGRES") {
        return postgres::publications(&server, models, runs);
    }
    #[cfg(feature = "spark")]
    if let Ok(server) = std::env::var("VMESH_TEST_SPARK") {
        return spark::all(&server, models, runs);
    }
    if std::env::args().any(|arg| arg == "prints") {
        return cold::prints(models, runs);
    }
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path().to_owned() };
    println!("{models} models in layers of {WIDTH}, median of {runs} runs\n");
    bench.set_up(models);
    let status = median(runs, |_| time(|| bench.git(&["status", "--porcelain"])));
    line("git status", status, None);

    // nothing to do: the branch is in step
    let hook = median(runs, |_| time(|| bench.vmesh(&["hook", "post-commit"])));
    line("a hook with nothing to do", hook, Some(("git status", status)));
    let plan = median(runs, |_| time(|| bench.vmesh(&["plan", "--exit-code"])));
    let open = median(runs, |_| time(|| assert!(bench.state_as_typed() > 0)));
    line("open the warehouse and list what is in it, typed into DuckDB", open, None);
    line("vmesh plan with nothing to do", plan, Some(("that", open)));

    // an environment for one changed leaf: one table, and a view of every model
    let floor = median(runs, |run| bench.environment_as_typed(run));
    line("an environment for one changed leaf, typed into DuckDB", floor, None);
    let environment = median(runs, |run| bench.environment(run + 1, models));
    line("the same with vmesh plan --yes", environment, Some(("that", floor)));

    // a promote that builds one table and swaps one pointer
    let swap = median(runs, |run| bench.promote(run, models));
    line("vmesh promote of one changed leaf", swap, Some(("the typed environment", floor)));
    drop(folder);
    cold::prints(models, runs);
    cold::plans(models, runs);
    checkout(5 * models, 5 * runs);
    growth::environments(models / 2, 60, runs);
    growth::promotions(models / 2, 300, runs);
    joins(runs);
}

/// What a selective join costs without the step of DuckDB's optimizer that vmesh switches off.
fn joins(runs: usize) {
    println!("\n5,000,000 rows joined with 1 of 100 of 100,000 others, median of {runs} runs\n");
    let connection = Connection::open_in_memory().unwrap();
    let tables = "CREATE TABLE facts AS SELECT range AS id, range * 7919 % 100000 AS dim, range % 997 AS amount FROM range(5000000);
                  CREATE TABLE dims AS SELECT range AS id, hash(range) % 100 AS region FROM range(100000)";
    connection.execute_batch(tables).unwrap();
    let join = "SELECT sum(amount) FROM facts JOIN dims ON facts.dim = dims.id WHERE region = 7";
    let sum = || assert!(connection.query_row(join, [], |row| row.get::<_, i64>(0)).unwrap() > 0);
    let usual = median(runs, |_| time(sum));
    line("as DuckDB does it", usual, None);
    connection.execute_batch("SET disabled_optimizers = 'join_filter_pushdown'").unwrap();
    let without = median(runs, |_| time(sum));
    line("as vmesh has it: without join filters pushed down", without, Some(("that", usual)));
}

/// `git checkout` between two branches, nothing to build: with the hooks, and without.
fn checkout(models: usize, runs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path().to_owned() };
    println!("\n{models} models, median of {runs} runs\n");
    bench.set_up(models);
    bench.vmesh(&["hooks", "install"]);
    // a branch with a model of its own, and one without
    bench.git(&["switch", "--quiet", "-c", "other", "main"]);
    bench.write(&path(models - 1), &sql(models - 1, 1));
    bench.commit("leaf");
    let switch = |run: usize, hooks: &str| {
        let branch = ["bench", "other"][run % 2];
        time(|| bench.git(&["-c", hooks, "checkout", "--quiet", branch]))
    };
    for run in 0..4 {
        switch(run, "core.bare=false");
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for run in 0..runs {
        // there without hooks and back with them, and the other way round
        without.push(switch(run, "core.hooksPath=/dev/null"));
        with.push(switch(run + 1, "core.bare=false"));
        with.push(switch(run, "core.bare=false"));
        without.push(switch(run + 1, "core.hooksPath=/dev/null"));
    }
    let (without, with) = (median(2 * runs, |run| without[run]), median(2 * runs, |run| with[run]));
    line("git checkout without hooks", without, None);
    line("git checkout with vmesh's hooks", with, Some(("that", without)));
    line("the hooks' own cost", with.saturating_sub(without), Some(("a checkout without them", without)));
}

struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn set_up(&self, models: usize) {
        self.git(&["init", "--quiet", "--initial-branch", "main"]);
        self.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
        self.write(".gitignore", "*.duckdb*\n");
        for number in 0..models {
            self.write(&path(number), &sql(number, 0));
        }
        self.commit("models");
        self.vmesh(&["promote", "--yes"]);
        // the hooks shall know the project, and not run in between
        self.vmesh(&["hooks", "install"]);
        self.vmesh(&["hooks", "uninstall"]);
        self.git(&["switch", "--quiet", "-c", "bench"]);
        self.vmesh(&["plan", "--yes"]);
        // stat data is believed only of files that are some seconds old
        std::thread::sleep(Duration::from_secs(3));
        self.vmesh(&["hook", "post-commit"]);
        self.vmesh(&["hook", "post-commit"]);
    }

    /// What a plan must know, asked by hand.
    fn state_as_typed(&self) -> usize {
        let connection = Connection::open(self.warehouse()).unwrap();
        let count = |sql: &str| -> usize {
            let mut statement = connection.prepare(sql).unwrap();
            statement.query_map([], |row| row.get::<_, String>(0)).unwrap().count()
        };
        count("SELECT table_name FROM duckdb_tables()") + count("SELECT sql FROM duckdb_views()")
    }

    /// The statements of an environment with one table of its own, on a copy of the warehouse: opened, run in one
    /// transaction, closed.
    fn environment_as_typed(&self, run: usize) -> Duration {
        let copy = self.folder.join(format!("copy-{run}.duckdb"));
        std::fs::copy(self.warehouse(), &copy).unwrap();
        let took = time(|| {
            let connection = Connection::open(&copy).unwrap();
            let mut statement =
                connection.prepare("SELECT view_name, sql FROM duckdb_views() WHERE schema_name = ?").unwrap();
            let views: Vec<(String, String)> =
                statement.query_map(params!["prod"], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().flatten().collect();
            drop(statement);
            let mut sql = "BEGIN; CREATE TABLE vmesh_snapshots.typed AS SELECT 1 AS x; CREATE SCHEMA typed;".to_owned();
            for (view, definition) in &views {
                let select = definition.split_once(" AS ").unwrap().1;
                sql.push_str(&format!("CREATE OR REPLACE VIEW typed.\"{view}\" AS {select}\n"));
            }
            connection.execute_batch(&format!("{sql} COMMIT;")).unwrap();
        });
        std::fs::remove_file(copy).unwrap();
        took
    }

    /// An environment for a leaf of a version that nobody has built.
    fn environment(&self, version: usize, models: usize) -> Duration {
        let branch = format!("env-{version}");
        self.git(&["switch", "--quiet", "-c", &branch, "main"]);
        self.write(&path(models - 1), &sql(models - 1, version));
        let took = time(|| self.vmesh(&["plan", "--yes"]));
        self.git(&["checkout", "--quiet", "."]);
        self.git(&["switch", "--quiet", "bench"]);
        self.vmesh(&["invalidate", &branch, "--yes"]);
        self.git(&["branch", "--quiet", "-D", &branch]);
        took
    }

    fn promote(&self, run: usize, models: usize) -> Duration {
        self.git(&["switch", "--quiet", "main"]);
        self.write(&path(models - 1), &sql(models - 1, run + 1));
        self.commit("leaf");
        let took = time(|| self.vmesh(&["promote", "--yes"]));
        self.git(&["switch", "--quiet", "bench"]);
        took
    }

    fn warehouse(&self) -> PathBuf {
        self.folder.join(".git/vmesh/warehouse/warehouse.duckdb")
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=b", "-c", "user.email=b@example.com", "commit", "--quiet", "-m", message]);
    }

    fn git(&self, args: &[&str]) {
        run(Command::new("git").args(args), &self.folder);
    }

    fn vmesh(&self, args: &[&str]) {
        run(Command::new(env!("CARGO_BIN_EXE_vmesh")).args(args), &self.folder);
    }
}

/// A model reads three of the layer above it; the first layer is constants.
fn sql(number: usize, version: usize) -> String {
    if number < WIDTH {
        return format!("SELECT {number} AS id, {version} AS version\n");
    }
    let above = number / WIDTH * WIDTH - WIDTH;
    let parent = |step: usize| above + (number * 7 + step * 11) % WIDTH;
    format!(
        "-- model {number}\nSELECT (a.id + b.id) % 1000 AS id, greatest(a.version, c.version, {version}) AS version\n\
         FROM m{} AS a\nJOIN m{} AS b ON true\nLEFT JOIN m{} AS c ON c.id = a.id\nLIMIT 1\n",
        parent(0),
        parent(1),
        parent(2)
    )
}

fn path(number: usize) -> String {
    format!("models/m{number}.sql")
}

fn run(command: &mut Command, folder: &Path) {
    let status = command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.unwrap().success(), "{command:?}");
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(runs: usize, mut measure: impl FnMut(usize) -> Duration) -> Duration {
    middle((0..runs).map(&mut measure).collect())
}

fn middle(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

fn line(what: &str, took: Duration, floor: Option<(&str, Duration)>) {
    let ratio = floor.map_or_else(String::new, |(name, floor)| {
        format!("  = {:.2} × {name}", took.as_secs_f64() / floor.as_secs_f64())
    });
    println!("{what:60} {:8.1} ms{ratio}", took.as_secs_f64() * 1000.0);
}
