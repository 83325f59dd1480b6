//! Publishing on PostgreSQL: a thousand views move at once, against the same statements typed; and how long readers wait.
//! Needs a server: `sh tests/postgres/run.sh --bench`.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::postgres::{Client, NoTls, Row};

use super::{Bench, line, median, middle, path, run, time};

/// Moves all views of prod to and fro.
pub(super) fn publications(server: &str, models: usize, runs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Warehouse { bench: Bench { folder: folder.path().to_owned() }, url: format!("{server} dbname=bench") };
    println!("\nPostgreSQL: {models} views move at once, median of {runs} runs\n");
    let mut root = Client::connect(&format!("{server} dbname=postgres"), NoTls).unwrap();
    root.batch_execute("DROP DATABASE IF EXISTS bench WITH (FORCE)").unwrap();
    root.batch_execute("CREATE DATABASE bench").unwrap();
    bench.set_up(models);
    let quiet = bench.longest_wait(|| std::thread::sleep(Duration::from_secs(2)));
    // what was dropped before is in the way of none of them
    let typed = median(runs, |_| {
        bench.vacuum();
        bench.typed()
    });
    line("a schema of these views beside, renamed, the other dropped: typed", typed, None);
    // back from the last commit, one view moves; from the one before, all of them
    let back = || {
        bench.vacuum();
        time(|| bench.vmesh(&["rollback", "--yes"]))
    };
    let (mut one, mut all) = (Vec::new(), Vec::new());
    let waits = median_of_longest(runs, || {
        bench.vmesh(&["promote", "--yes"]);
        one.push(back());
        all.push(back());
        bench.vmesh(&["promote", "--yes"]);
        back();
        bench.longest_wait(|| {
            back();
        })
    });
    let (one, all) = (middle(one), middle(all));
    line("vmesh rollback of all of them, from beginning to end", all, Some(("that", typed)));
    line("vmesh rollback of one of them", one, None);
    line("what the others add to it", all.saturating_sub(one), Some(("the same typed", typed)));
    line("the longest that a reader took while all of them moved", waits.1, None);
    line("the same, median of the publications", waits.0, None);
    line("the longest that a reader took while nobody published", quiet, None);
}

/// The median and the longest.
fn median_of_longest(runs: usize, mut measure: impl FnMut() -> Duration) -> (Duration, Duration) {
    let mut longest = Duration::ZERO;
    let median = median(runs, |_| {
        let took = measure();
        longest = longest.max(took);
        took
    });
    (median, longest)
}

struct Warehouse {
    bench: Bench,
    url: String,
}

impl Warehouse {
    fn set_up(&self, models: usize) {
        let Self { bench, .. } = self;
        bench.git(&["init", "--quiet", "--initial-branch", "main"]);
        bench.write("vmesh.toml", "[engine]\ntype = \"postgres\"\nurl = \"env:VMESH_BENCH_URL\"\n");
        for (value, changed) in [(0, models), (1, models), (2, 1)] {
            for number in 0..changed {
                bench.write(&path(number), &format!("SELECT {number} AS id, {value} AS v"));
            }
            bench.commit("models");
            self.vmesh(&["promote", "--yes"]);
        }
    }

    fn vacuum(&self) {
        self.client().batch_execute("VACUUM").unwrap();
    }

    fn vmesh(&self, args: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmesh"));
        run(command.args(args).env("VMESH_BENCH_URL", &self.url), &self.bench.folder);
    }

    fn client(&self) -> Client {
        Client::connect(&self.url, NoTls).unwrap()
    }

    /// What a publication comes to, without any record of it.
    fn typed(&self) -> Duration {
        let sql = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'prod'";
        let views = self.client().query(sql, &[]).unwrap();
        let view =
            |row: &Row| format!("CREATE VIEW typed.\"{}\" AS {}\n", row.get::<_, String>(0), row.get::<_, String>(1));
        let create: String = views.iter().map(view).collect();
        time(|| {
            let mut client = self.client();
            let swap = "ALTER SCHEMA prod RENAME TO before; ALTER SCHEMA typed RENAME TO prod";
            client.batch_execute(&format!("BEGIN; CREATE SCHEMA typed; {create} {swap}; COMMIT")).unwrap();
            client.batch_execute("DROP SCHEMA before CASCADE").unwrap();
        })
    }

    /// The longest time that one of two readers took for a query, while something else was done.
    fn longest_wait(&self, work: impl FnOnce()) -> Duration {
        let done = AtomicBool::new(false);
        let read = |sql: &str| {
            let mut client = self.client();
            let mut longest = Duration::ZERO;
            while !done.load(Ordering::SeqCst) {
                let began = Instant::now();
                client.batch_execute(sql).unwrap();
                longest = longest.max(began.elapsed());
            }
            longest
        };
        std::thread::scope(|scope| {
            let readers = ["SELECT a.v, b.v FROM prod.m0 a, prod.m1 b", "SELECT a.v, b.v FROM prod.m1 b, prod.m2 a"]
                .map(|sql| scope.spawn(|| read(sql)));
            work();
            done.store(true, Ordering::SeqCst);
            readers.into_iter().map(|reader| reader.join().unwrap()).max().unwrap_or_default()
        })
    }
}
