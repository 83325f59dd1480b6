//! What more environments and promotions cost those that they don't concern, as ratios to the same with few of them.

use std::time::Duration;

use super::{Bench, line, median, path, sql, time};

/// 60 environments beside the one at hand.
pub(super) fn environments(models: usize, count: usize, runs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path().to_owned() };
    println!("\n{models} models, 1 environment and then {count}, median of {runs} runs\n");
    bench.set_up(models);
    bench.vmesh(&["hooks", "install"]);
    let before = bench.everyday(models, runs, 10_000);
    let alone = bench.collected(1);
    bench.spread(count);
    let after = bench.everyday(models, runs, 20_000);
    compare(&before, &after, &format!("the same with 1 of {count} environments"));
    let floor = bench.dropped_as_typed();
    line(&format!("drop the schemas of {count} environments, typed into DuckDB"), floor, None);
    let all = bench.collected(count);
    line("vmesh gc of one environment", alone, None);
    line(&format!("vmesh gc of {count} environments"), all, Some(("the typed ones", floor)));
}

/// Some hundreds of promotions in prod's history.
pub(super) fn promotions(models: usize, count: usize, runs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path().to_owned() };
    println!("\n{models} models, 1 promotion and then {count}, median of {runs} runs\n");
    bench.set_up(models);
    bench.vmesh(&["hooks", "install"]);
    let size = || std::fs::metadata(bench.warehouse()).unwrap().len() as f64 / 1e6;
    let before = bench.everyday(models, runs, 10_000);
    let first = median(runs, |run| bench.promote(run, models));
    let small = size();
    for run in 0..count {
        bench.promote(runs + run, models);
    }
    let after = bench.everyday(models, runs, 20_000);
    let last = median(runs, |run| bench.promote(runs + count + run, models));
    let name = format!("the same with 1 of {count} promotions");
    compare(&before, &after, &name);
    line("vmesh promote of one changed leaf", last, Some((&name, first)));
    println!("the warehouse's file: {small:.0} MB, then {:.0} MB", size());
}

fn compare(before: &[(&str, Duration)], after: &[(&str, Duration)], name: &str) {
    for ((what, before), (_, after)) in before.iter().zip(after) {
        line(what, *after, Some((name, *before)));
    }
}

impl Bench {
    /// What somebody does on a branch all day; nobody has built the leaf from `version` on.
    fn everyday(&self, models: usize, runs: usize, version: usize) -> Vec<(&'static str, Duration)> {
        let hook = median(runs, |_| time(|| self.vmesh(&["hook", "post-commit"])));
        let status = median(runs, |_| time(|| self.vmesh(&["status"])));
        let plan = median(runs, |_| time(|| self.vmesh(&["plan", "--exit-code"])));
        let query = median(runs, |_| time(|| self.vmesh(&["query", "SELECT count(*) FROM m0"])));
        let switch = median(runs, |run| {
            let took = time(|| self.git(&["switch", "--quiet", "-c", &format!("new-{run}"), "main"]));
            self.git(&["switch", "--quiet", "bench"]);
            self.vmesh(&["invalidate", &format!("new-{run}"), "--yes"]);
            self.git(&["branch", "--quiet", "-D", &format!("new-{run}")]);
            took
        });
        let environment = median(runs, |run| self.environment(version + run, models));
        vec![
            ("a hook with nothing to do", hook),
            ("vmesh status", status),
            ("vmesh plan with nothing to do", plan),
            ("vmesh query", query),
            ("git switch -c with hooks", switch),
            ("vmesh plan --yes of one changed leaf", environment),
        ]
    }

    /// Makes environments, each with a table of its own.
    fn spread(&self, count: usize) {
        for number in 0..count {
            self.git(&["switch", "--quiet", "-c", &format!("spread-{number}"), "main"]);
            self.write(&path(0), &sql(0, number + 1000));
            self.commit("spread");
            self.vmesh(&["plan", "--yes"]);
        }
        self.git(&["switch", "--quiet", "bench"]);
    }

    /// Deletes the branches of `count` environments and lets gc collect those.
    fn collected(&self, count: usize) -> Duration {
        if count == 1 {
            self.spread(1);
        }
        for number in 0..count {
            self.git(&["branch", "--quiet", "-D", &format!("spread-{number}")]);
        }
        time(|| self.vmesh(&["gc", "--yes"]))
    }

    /// The same drops, on a copy of the warehouse.
    fn dropped_as_typed(&self) -> Duration {
        let copy = self.folder.join("copy.duckdb");
        std::fs::copy(self.warehouse(), &copy).unwrap();
        let took = time(|| {
            let connection = duckdb::Connection::open(&copy).unwrap();
            let sql = "SELECT schema_name FROM duckdb_schemas() WHERE schema_name LIKE 'dev\\_\\_spread%' ESCAPE '\\'";
            let mut statement = connection.prepare(sql).unwrap();
            let schemas: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().flatten().collect();
            let drops: String = schemas.iter().map(|schema| format!("DROP SCHEMA \"{schema}\" CASCADE; ")).collect();
            connection.execute_batch(&format!("BEGIN; {drops} COMMIT;")).unwrap();
        });
        std::fs::remove_file(copy).unwrap();
        took
    }
}
