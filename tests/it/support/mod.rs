//! A repository in a temporary folder, with the real git, the real vmesh and a real warehouse: a DuckDB file, or a database of
//! PostgreSQL's or Spark's catalogue where `VMESH_TEST_ENGINE` says so.

pub(crate) mod postgres;
pub(crate) mod random;
pub(crate) mod renamed;
pub(crate) mod server;
pub(crate) mod spark;
pub(crate) mod spark_catalogue;
#[cfg(feature = "spark")]
pub(crate) mod spark_client;
pub(crate) mod truth;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use duckdb::{AccessMode, Config, Connection};

/// A scratch repository.
pub(crate) struct Sandbox {
    root: tempfile::TempDir,
    /// The repository, from the root: empty where it is the root itself.
    folder: &'static str,
    /// The warehouse, where that is no file.
    server: Option<server::Server>,
}

/// What a command came to.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Insists on success; gives what was printed on stdout.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// Insists on this exit code; gives what was printed on stderr.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.err
    }

    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).unwrap()
    }
}

impl Sandbox {
    /// An empty folder that is no repository.
    pub(crate) fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap(), folder: "", server: server::Server::of_tests() }
    }

    /// A repository with settings, hooks that build inline, and no model, over a database of PostgreSQL.
    pub(crate) fn on_postgres() -> Self {
        Self { server: Some(server::Server::Postgres(postgres::Server::new())), ..Self::empty() }.initialized()
    }

    /// The same over Spark, whose records lie in a file, or where some more settings say.
    pub(crate) fn on_spark() -> Self {
        Self { server: Some(server::Server::Spark(spark::Server::new())), ..Self::empty() }.initialized()
    }

    /// The database, where the warehouse is one.
    pub(crate) fn url(&self) -> &str {
        self.server.as_ref().map_or("", |server| server.url())
    }

    /// The same, with room for other folders beside it.
    pub(crate) fn nested() -> Self {
        let sandbox = Self { folder: "repo", ..Self::empty() };
        std::fs::create_dir(sandbox.path()).unwrap();
        sandbox
    }

    /// A copy of everything, in another place.
    pub(crate) fn copy(&self) -> Self {
        let server = self.server.as_ref().map(server::Server::copy);
        let copy = Self { folder: self.folder, root: tempfile::tempdir().unwrap(), server };
        let from = self.root.path().join(".");
        assert!(Command::new("cp").arg("-a").arg(from).arg(copy.root.path()).status().unwrap().success());
        copy
    }

    /// A repository with settings, hooks that build inline, and no model.
    pub(crate) fn bare_project() -> Self {
        Self::empty().initialized()
    }

    fn initialized(self) -> Self {
        self.git(&["init", "--quiet", "--initial-branch", "main"]).good();
        self.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
        self
    }

    /// A repository with the given models on main, hooks installed, nothing promoted.
    pub(crate) fn with_models(models: &[(&str, &str)]) -> Self {
        Self::empty().filled(models)
    }

    /// The same, made in this folder.
    pub(crate) fn filled(self, models: &[(&str, &str)]) -> Self {
        let sandbox = self.initialized();
        for (name, sql) in models {
            sandbox.model(name, sql);
        }
        sandbox.git(&["add", "--all"]).good();
        sandbox.git(&["commit", "--quiet", "-m", "models"]).good();
        sandbox.vmesh(&["hooks", "install"]).good();
        sandbox
    }

    /// The same, and promoted.
    pub(crate) fn promoted(models: &[(&str, &str)]) -> Self {
        let sandbox = Self::with_models(models);
        sandbox.vmesh(&["promote", "--yes"]).good();
        sandbox
    }

    pub(crate) fn path(&self) -> PathBuf {
        if self.folder.is_empty() { self.root.path().to_owned() } else { self.root.path().join(self.folder) }
    }

    /// Runs a script, as one types it: with `vmesh` in the path.
    pub(crate) fn shell(&self, script: &str) -> Done {
        self.shell_in(&self.path(), script)
    }

    pub(crate) fn shell_in(&self, folder: &Path, script: &str) -> Done {
        Done::of(self.shell_command(folder, script).output().unwrap())
    }

    pub(crate) fn shell_command(&self, folder: &Path, script: &str) -> Command {
        let mut command = self.command("sh", folder);
        let vmesh = binary();
        let vmesh = vmesh.parent().unwrap().to_str().unwrap();
        command.env("PATH", format!("{vmesh}:{}", std::env::var("PATH").unwrap()));
        command.args(["-c", script]);
        command
    }

    pub(crate) fn warehouse(&self) -> PathBuf {
        self.path().join(".git/vmesh/warehouse/warehouse.duckdb")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let settings = self.server.as_ref().filter(|_| path == "vmesh.toml").map(|server| server.settings(text));
        let settings = settings.or_else(|| {
            let is_spark = matches!(self.server, Some(server::Server::Spark(_)));
            is_spark.then(|| spark::in_ranges(text))
        });
        std::fs::write(file, settings.as_deref().unwrap_or(text)).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Writes a model's file without a header.
    pub(crate) fn model(&self, name: &str, sql: &str) {
        self.write(&format!("models/{}.sql", name.replace('.', "/")), sql);
    }

    /// Commits everything; gives what the hooks said.
    #[track_caller]
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]).good();
        let done = self.git(&["commit", "--quiet", "-m", message]);
        assert_eq!(done.code, Some(0), "{}", done.err);
        done.err
    }

    /// Commits everything, and no hook hears it.
    #[track_caller]
    pub(crate) fn commit_quietly(&self, message: &str) {
        self.git(&["add", "--all"]).good();
        self.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", message]).good();
    }

    pub(crate) fn git(&self, args: &[&str]) -> Done {
        Done::of(self.command("git", &self.path()).args(args).output().unwrap())
    }

    pub(crate) fn git_in(&self, folder: &Path, args: &[&str]) -> Done {
        Done::of(self.command("git", folder).args(args).output().unwrap())
    }

    pub(crate) fn vmesh(&self, args: &[&str]) -> Done {
        Done::of(self.vmesh_command(args).output().unwrap())
    }

    pub(crate) fn vmesh_in(&self, folder: &Path, args: &[&str]) -> Done {
        Done::of(self.command(binary().to_str().unwrap(), folder).args(args).output().unwrap())
    }

    pub(crate) fn vmesh_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(binary().to_str().unwrap(), &self.path());
        command.args(args);
        command
    }

    pub(crate) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().stdin(std::process::Stdio::null());
        for name in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("GIT_EDITOR", "true")
            .env("LC_ALL", "C")
            .env("NO_COLOR", "1");
        if let Some(server) = &self.server {
            command.env("VMESH_TEST_URL", server.url());
        }
        command
    }

    /// Waits until nobody builds in the background; gives what `vmesh status` says then.
    #[track_caller]
    pub(crate) fn rest(&self) -> serde_json::Value {
        let start = std::time::Instant::now();
        loop {
            let status: serde_json::Value =
                serde_json::from_str(&self.vmesh(&["status", "--json"]).out).unwrap_or_default();
            if status["building"].is_null() && status["waiting"].as_array().is_none_or(Vec::is_empty) {
                return status;
            }
            assert!(start.elapsed().as_secs() < 120, "the worker never rests: {status}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// Opens the warehouse as another client would, once no other process has it.
    pub(crate) fn open(&self) -> Connection {
        let start = Instant::now();
        loop {
            let config = Config::default().access_mode(AccessMode::ReadOnly).unwrap();
            match Connection::open_with_flags(self.warehouse(), config) {
                Err(error) if error.to_string().contains("lock") && start.elapsed() < Duration::from_secs(30) => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                opened => return opened.unwrap(),
            }
        }
    }

    /// Runs statements as the user's own client.
    pub(crate) fn sql(&self, sql: &str) {
        match &self.server {
            // these lie in a file
            Some(server::Server::Spark(_)) if sql.contains("vmesh_state.") => {}
            Some(server) => return server.sql(sql),
            None => {}
        }
        std::fs::create_dir_all(self.warehouse().parent().unwrap()).unwrap();
        Connection::open(self.warehouse()).unwrap().execute_batch(sql).unwrap();
    }

    /// Takes vmesh's records back to version 4, as earlier ones wrote them.
    pub(crate) fn records_of_version_4(&self) {
        self.sql(include_str!("records-5-to-4.sql"));
    }

    /// All rows of a query, as text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match &self.server {
            // these lie in a file
            Some(server::Server::Spark(_)) if sql.contains("vmesh_state.") => rows(&self.open(), sql),
            Some(server) => server.rows(sql),
            None => rows(&self.open(), sql),
        }
    }

    /// The single value of a query.
    #[track_caller]
    pub(crate) fn value(&self, sql: &str) -> String {
        self.rows(sql)[0][0].clone()
    }

    /// The same, if it can be told: the warehouse may be taken for a moment, and what is asked for not be there yet.
    pub(crate) fn try_value(&self, sql: &str) -> Option<String> {
        if let Some(server) = &self.server {
            return server.try_value(sql);
        }
        let connection = Connection::open(self.warehouse()).ok()?;
        connection.query_row(sql, [], |row| row.get(0)).ok()
    }

    /// The views of a schema, and the physical table that each shows.
    pub(crate) fn views(&self, schema: &str) -> BTreeMap<String, String> {
        if let Some(server::Server::Spark(server)) = &self.server {
            return server.views(schema);
        }
        let sql = format!("SELECT view_name, sql FROM duckdb_views() WHERE schema_name = '{schema}' ORDER BY ALL");
        let table = |sql: &str| sql.rsplit('.').next().unwrap().trim_end_matches(';').trim_matches('"').to_owned();
        self.rows(&sql).into_iter().map(|row| (row[0].clone(), table(&row[1]))).collect()
    }

    /// How many tables and views the physical layer has.
    pub(crate) fn snapshots(&self) -> usize {
        if let Some(server::Server::Spark(server)) = &self.server {
            return server.snapshots();
        }
        let count = "(SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'vmesh_snapshots') \
                     + (SELECT count(*) FROM duckdb_views() WHERE schema_name = 'vmesh_snapshots')";
        self.value(&format!("SELECT {count}")).parse().unwrap()
    }

    /// Whether the current branch's environment is in step.
    pub(crate) fn is_in_step(&self) -> bool {
        self.vmesh(&["status", "--json"]).json()["in_step"] == true
    }

    /// What must hold at all times: doctor finds nothing broken.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let done = self.vmesh(&["doctor"]);
        assert_eq!(done.code, Some(0), "{}\n{}", done.out, done.err);
    }
}

/// The vmesh that is tested: another one where `VMESH_BINARY` says so, as for a long run while this one is built anew.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("VMESH_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_vmesh").into(), PathBuf::from)
}

/// Waits for something that happens in another process.
#[track_caller]
pub(crate) fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} never happened");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A query that counts pairs for a while: of 25,000 numbers for some seconds, of millions for ever.
pub(crate) fn pairs(of: usize, what: &str) -> String {
    // PostgreSQL counts them one by one
    let of = if postgres::is_tested() && of < 1_000_000 { of / 4 } else { of };
    let numbers = |name: &str| format!("generate_series(1, {of}) AS {name}(n)");
    format!("SELECT {what} FROM {}, {} WHERE (CAST(a.n AS BIGINT) * b.n) % 7 = 3", numbers("a"), numbers("b"))
}

/// All rows of a query, as text.
#[track_caller]
pub(crate) fn rows(connection: &Connection, sql: &str) -> Vec<Vec<String>> {
    let sql = format!("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql})");
    let mut statement = connection.prepare(&sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut out = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let mut values = Vec::new();
        while let Ok(value) = row.get::<_, Option<String>>(values.len()) {
            values.push(value.unwrap_or_else(|| "NULL".to_owned()));
        }
        out.push(values);
    }
    out
}

/// Three models in a row, and one beside them.
pub(crate) const CHAIN: [(&str, &str); 4] = [
    ("staging.orders", "SELECT * FROM (VALUES (1, 10), (2, 20), (3, 30)) AS t(id, amount)"),
    ("marts.totals", "SELECT sum(amount) AS total FROM staging.orders"),
    ("marts.report", "SELECT 'total' AS name, total FROM marts.totals"),
    ("staging.customers", "SELECT 1 AS id, 'Ada' AS name"),
];
