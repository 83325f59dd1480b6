//! A small shop: a repository with models of each kind, and a warehouse, made by the real git and DuckDB.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::adapter::engine::Interrupt;
use crate::domain::calendar::Timing;
use crate::domain::interval::Moment;
use crate::domain::model::Run;
use crate::workflow::event::{Event, Report};
use crate::workflow::session::Session;

/// A seed, a table, a view, a table that grows with its days, and one below all of them.
const MODELS: [(&str, &str); 6] = [
    ("seeds/regions.csv", "id,name\n1,north\n2,south\n"),
    ("models/regions.sql", "MODEL (name regions, kind SEED (path '$root/seeds/regions.csv'));"),
    ("models/big.sql", "SELECT id, amount FROM raw.orders WHERE amount > 3"),
    (
        "models/marts/sums.sql",
        "MODEL (name marts.sums, kind VIEW); SELECT count(*) AS n, sum(amount) AS total FROM big",
    ),
    (
        "models/daily.sql",
        "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
         SELECT day, sum(amount) AS total FROM raw.orders WHERE day BETWEEN @start_date AND @end_date GROUP BY day",
    ),
    (
        "models/marts/report.sql",
        "SELECT d.total, s.n, r.name FROM daily AS d, marts.sums AS s, regions AS r WHERE r.id = 1",
    ),
];

/// What all of them become, directly or through what they read.
const CHANGED: [(&str, &str); 3] = [
    ("seeds/regions.csv", "id,name\n1,north\n2,south\n3,east\n"),
    ("models/big.sql", "SELECT id, amount * 2 AS amount FROM raw.orders WHERE amount > 3"),
    (
        "models/daily.sql",
        "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
         SELECT day, max(amount) AS total FROM raw.orders WHERE day BETWEEN @start_date AND @end_date GROUP BY day",
    ),
];

/// Nobody listens.
pub(super) struct Silent;

impl Report for Silent {
    fn report(&self, _: &Event) {}
}

/// The repository.
pub(super) struct Shop {
    /// What goes with it.
    _scratch: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Shop {
    /// A repository with the models on main, and a warehouse with the table that they read.
    pub(super) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().canonicalize().unwrap().join("shop");
        std::fs::create_dir(&path).unwrap();
        let shop = Self { _scratch: Some(scratch), path };
        shop.git(&["init", "-q", "-b", "main"]);
        shop.write("vmesh.toml", "[hooks]\nbuild = \"off\"\n");
        MODELS.iter().for_each(|(path, text)| shop.write(path, text));
        shop.commit("models");
        shop.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT n AS id, DATE '2026-01-01' + CAST(n // 3 AS INT) AS day, \
             n % 7 AS amount FROM range(30) AS r(n)",
        );
        shop
    }

    /// One that another process has made.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { _scratch: None, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Changes models of each kind.
    pub(super) fn change(&self) {
        CHANGED.iter().for_each(|(path, text)| self.write(path, text));
    }

    pub(super) fn promote(&self, now: &str) {
        let session = self.session(now);
        let prepared = session.prepare(session.promotion(None, false).unwrap()).unwrap();
        session.apply(&prepared, true, &mut |_| {}).unwrap();
    }

    pub(super) fn plan(&self, now: &str) {
        let session = self.session(now);
        let prepared = session.prepare(session.target(None, None).unwrap()).unwrap();
        session.apply(&prepared, true, &mut |_| {}).unwrap();
    }

    pub(super) fn session(&self, now: &str) -> Session<'static> {
        let mut session = Session::open(&self.path, &Silent, &Interrupt::default()).unwrap();
        session.timing = at(now);
        session
    }

    /// Runs statements in the warehouse.
    pub(super) fn sql(&self, sql: &str) {
        let warehouse = self.session("2026-01-01").write_warehouse().unwrap();
        warehouse.together(&[Run { number: 0, sql: sql.to_owned(), on_table: false, query: None }]).unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.path.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub(super) fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(&self.path).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        let done = git.args(args).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Puts a copy of everything beside it.
    pub(super) fn keep(&self) -> PathBuf {
        let kept = self.path.with_extension("kept");
        copy(&self.path, &kept);
        kept
    }

    /// Makes everything as it was when the copy was made, in the same place: owners of environments are told by that.
    pub(super) fn restore(&self, kept: &Path) {
        std::fs::remove_dir_all(&self.path).unwrap();
        copy(kept, &self.path);
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// A time to plan for.
pub(super) fn at(now: &str) -> Timing {
    Timing::at(Moment::read(now, Moment::EPOCH).unwrap())
}
