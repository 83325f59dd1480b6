//! The command line. The doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use super::candidates;

/// This program's version, and that of the engine in it.
#[cfg(feature = "icu")]
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (DuckDB v2.0.0, with ICU)");
/// This program's version, and that of the engine in it.
#[cfg(not(feature = "icu"))]
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (DuckDB v2.0.0, without ICU)");

/// Git branches for your data warehouse.
///
/// Check out a branch and you are in its environment; merge, and production repoints. Nothing is copied, nothing
/// unchanged is rebuilt.
#[derive(Debug, Parser)]
#[command(name = "vmesh", version = VERSION, propagate_version = true, max_term_width = 100, infer_subcommands = false)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Print one JSON document on stdout, the same as `--format json`.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// How to print results: text or json; `vmesh query` also takes table, csv, jsonl and parquet, `vmesh plan`, `diff`
    /// and `table-diff` markdown.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(super) format: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set up a project: settings, a small working sample, a repository if there is none, the hooks.
    Init(Init),
    /// Play the whole story on a scratch repository: prod, branch, edit, diff, merge, swap, rollback.
    Demo(Demo),
    /// Tell where you are: branch, environment, in step or not, what is being built, how far behind main.
    Status,
    /// Show what an environment needs; apply it after a prompt, or at once with `--yes`.
    Plan(Plan),
    /// Make prod show a commit of main (default: its newest): build what is missing, swap all pointers at once.
    Promote(Promote),
    /// List the models, or those that selectors mean: kind, owner, tags, and what became of them since base.
    Ls(Ls),
    /// Run the audits of an environment's models. The default is the current branch's environment
    Audit(Audit),
    /// Run the models' unit tests
    Test(Test),
    /// Check the models against the linter's rules
    Lint(Lint),
    /// Lay out the SQL of models and audits; their headers and comments stay
    #[command(alias = "format")]
    Fmt(Fmt),
    /// Run what is due: new spans of incremental models, and tables whose cron has ticked
    Run(Run),
    /// Move prod's pointers back to the previous promoted commit, or to a given one. Builds nothing.
    Rollback(Rollback),
    /// List the environments: branch, commit, age, what differs from prod, storage of their own.
    Envs,
    /// Show the history of prod's pointers; or the commits that changed what a model or a column means.
    Log(Log),
    /// Show the commit, and the edit, that last changed what a model or a column means, wherever above it that was.
    Blame(Blame),
    /// Compare two environments: models, columns and text. The default is prod against the current branch.
    Diff(Diff),
    /// Compare the rows of one model in two environments. The default is prod against the current branch.
    TableDiff(TableDiff),
    /// Run a read-only query, with model names resolved in an environment.
    #[command(alias = "fetchdf")]
    Query(Query),
    /// Ask whether a query gives no row, of the files as they are or of a commit: for git bisect run.
    Check(Check),
    /// Print the SQL that a model would run.
    Render(Render),
    /// Show where a model's rows come from and where they go to.
    Lineage(Lineage),
    /// Draw the graph of the models, coloured by the plan.
    Dag(Dag),
    /// Write a page: Git's graph and the environments on one sheet, as one HTML file that needs nothing else.
    Page(Page),
    /// Write external_models.yaml: the tables that models read and no model makes, with their columns.
    #[command(alias = "create_external_models")]
    CreateExternalModels,
    /// Remove an environment. Its tables stay until the next gc.
    Invalidate(Invalidate),
    /// Remove environments whose branch is gone and tables that nothing points at.
    Gc(Gc),
    /// Keep the current branch's environment in step with the files as they are saved.
    Watch,
    /// End what is being built in the background, and take back what waits. Environments stay as they are.
    Stop,
    /// Install, remove or check the Git hooks.
    #[command(subcommand)]
    Hooks(Hooks),
    /// What the hooks call.
    #[command(hide = true)]
    Hook(Hook),
    /// Check the set-up, and say how to mend it.
    Doctor(Doctor),
    /// Print the completions of a shell.
    Completions(Completions),
    /// Write the manual pages into a folder.
    Man(Man),
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Move the warehouse below the git directory, where no branch can write.
    #[arg(long)]
    pub(super) move_warehouse: bool,
    /// Install the engine's extensions that the settings name.
    #[arg(long, conflicts_with = "move_warehouse")]
    pub(super) install: bool,
    /// Tell which models would not run on this engine, by asking it: `postgres`, `spark` or `duckdb`. Nothing is made there.
    #[arg(long, value_name = "ENGINE", conflicts_with_all = ["move_warehouse", "install"])]
    pub(super) engine: Option<String>,
    /// Tell whether this role of the server could write what prod shows.
    #[arg(long, conflicts_with_all = ["move_warehouse", "install", "engine"])]
    pub(super) role: Option<String>,
    /// Where its server is: a URL, or `env:` and the variable that has it.
    #[arg(long, value_name = "URL", requires = "engine", default_value = "env:VMESH_POSTGRES_URL")]
    pub(super) url: String,
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder; the current one if left out.
    pub(super) dir: Option<PathBuf>,
    /// Write the settings and nothing else: no sample.
    #[arg(long)]
    pub(super) empty: bool,
    /// Use this DuckDB file as the warehouse, and write a first model over each of its tables.
    #[arg(long, value_name = "FILE", conflicts_with = "empty")]
    pub(super) from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The folder to play in, which must be new or empty; a temporary one if left out.
    #[arg(long)]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The environment or branch; the current branch's if left out.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) env: Option<String>,
    /// Apply without asking.
    #[arg(long, short = 'y', visible_alias = "auto-apply")]
    pub(super) yes: bool,
    /// Say of every model why it is built or reused.
    #[arg(long)]
    pub(super) explain: bool,
    /// Tell changes against the commit of this environment, branch or revision instead of the merge base with main.
    #[arg(long, value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub(super) create_from: Option<String>,
    /// Build the tables of these models again, and what is below them: as `vmesh ls` takes them, or `*`.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(candidates::models))]
    pub(super) restate_model: Vec<String>,
    /// Fill incremental models only from this time on: a date, a time, or `1 week ago`.
    #[arg(long, short, value_name = "TIME")]
    pub(super) start: Option<String>,
    /// Fill incremental models only up to this time; a date means all of that day.
    #[arg(long, short, value_name = "TIME")]
    pub(super) end: Option<String>,
    /// Take this for the current time.
    #[arg(long, value_name = "TIME")]
    pub(super) execution_time: Option<String>,
    /// Plan the merge of the branch into main, in memory, as prod will show it; applying builds what it needs, so that
    /// the merge itself only swaps pointers.
    #[arg(long, conflicts_with_all = ["create_from", "restate_model", "take_over"])]
    pub(super) merged: bool,
    /// Show these files even where someone else keeps the environment with others.
    #[arg(long)]
    pub(super) take_over: bool,
    /// Build nothing: fail if something would have to be built.
    #[arg(long)]
    pub(super) no_build: bool,
    /// Plan even where rules of the linter are violated.
    #[arg(long)]
    pub(super) skip_linter: bool,
    /// Run no unit tests.
    #[arg(long)]
    pub(super) skip_tests: bool,
    /// Apply nothing; exit with 1 when there is something to do (with --merged: something to build, or settings that
    /// change).
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The tests: a name, a file, or a pattern of one; or models, as `vmesh ls` takes them. All if left out.
    #[arg(conflicts_with = "create", add = ArgValueCandidates::new(candidates::models))]
    pub(super) pattern: Option<String>,
    /// Write a test of this model instead, from rows of the current branch's environment: it passes as it is.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(candidates::models))]
    pub(super) create: Option<String>,
    /// Take the rows of a parent from this query; can be given several times. Left out, they are its first ten.
    #[arg(long, num_args = 2, value_names = ["PARENT", "SQL"], requires = "create")]
    pub(super) query: Vec<String>,
    /// Set a variable of the test, as `start`, `end` or `execution_time`; can be given several times.
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], requires = "create")]
    pub(super) var: Vec<String>,
    /// The name of the new test; `test_` and the model's if left out.
    #[arg(long, requires = "create")]
    pub(super) name: Option<String>,
    /// The file of the new test, from the project's folder; `tests/test_<model>.yaml` if left out.
    #[arg(long, requires = "create")]
    pub(super) path: Option<String>,
    /// Expect the rows of the model's common table expressions, too.
    #[arg(long, requires = "create")]
    pub(super) ctes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Lint {
    /// The models, as `vmesh ls` takes them; all if left out.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) models: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Ls {
    /// Which: a name, a pattern such as `marts.*`, `tag:daily`, `kind:view`, `owner:ada`, `changed`; `+orders` with all that it reads,
    /// `orders+1` with what reads it; `tag:daily,marts.*` those that both mean. All if left out.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) models: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Fmt {
    /// Files or folders; all models and audits of the project if left out.
    pub(super) paths: Vec<PathBuf>,
    /// Write nothing; exit with 1 when a file would change.
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Args)]
pub(super) struct Audit {
    /// The models, as `vmesh ls` takes them; or a standalone audit. All if left out.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) models: Vec<String>,
    /// The environment, branch or commit.
    #[arg(long, add = ArgValueCandidates::new(candidates::environments))]
    pub(super) env: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The environment or branch; the current branch's if left out.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) env: Option<String>,
    /// Run what is not due yet, too.
    #[arg(long)]
    pub(super) ignore_cron: bool,
    /// Take this for the current time.
    #[arg(long, value_name = "TIME")]
    pub(super) execution_time: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Promote {
    /// The commit of main to show.
    pub(super) rev: Option<String>,
    /// Promote without asking.
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
    /// Fail if anything would have to be built.
    #[arg(long)]
    pub(super) no_build: bool,
    /// Let prod go back in main's history.
    #[arg(long)]
    pub(super) allow_rewind: bool,
    /// Promote even where rules of the linter are violated.
    #[arg(long)]
    pub(super) skip_linter: bool,
    /// Run no unit tests.
    #[arg(long)]
    pub(super) skip_tests: bool,
    /// Take this for the current time.
    #[arg(long, value_name = "TIME")]
    pub(super) execution_time: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// A commit that was promoted before.
    pub(super) rev: Option<String>,
    /// Roll back without asking.
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Blame {
    /// The model, or one of its columns: MODEL.COLUMN.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) subject: String,
    /// The branch, tag or commit to look at; HEAD if left out.
    pub(super) rev: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Log {
    /// A model, or one of its columns (MODEL.COLUMN): the commits that changed what it means, instead of prod's history.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) subject: Option<String>,
    /// The branch, tag or commit whose history is told, of a model; HEAD if left out.
    #[arg(requires = "subject")]
    pub(super) rev: Option<String>,
    /// How many entries to show.
    #[arg(long, short = 'n', default_value_t = 20)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The first environment, branch or commit; prod if left out.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) a: Option<String>,
    /// The second one; the current branch's environment if left out.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) b: Option<String>,
    /// Only name the models and columns, without their texts.
    #[arg(long)]
    pub(super) stat: bool,
    /// Exit with 1 when there is a difference.
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Args)]
pub(super) struct TableDiff {
    /// The model.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) model: String,
    /// The first environment, branch or commit; prod if left out.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) a: Option<String>,
    /// The second one; the current branch's environment if left out.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) b: Option<String>,
    /// The columns that identify a row; the model's grain if left out.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub(super) on: Vec<String>,
    /// How many sample rows of each sort to show.
    #[arg(long, default_value_t = 5)]
    pub(super) limit: usize,
    /// Exit with 1 when there is a difference.
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Args)]
pub(super) struct Query {
    /// The query; `-` reads it from standard input.
    pub(super) sql: String,
    /// The environment, branch or commit; the current branch's environment if left out.
    #[arg(long, short = 'e', visible_alias = "at", add = ArgValueCandidates::new(candidates::environments))]
    pub(super) env: Option<String>,
    /// The most rows to print as a table (0: all).
    #[arg(long, default_value_t = 100)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The query: what it gives is wrong.
    pub(super) sql: String,
    /// The environment, branch or commit; the files as they are if left out.
    #[arg(long, value_name = "REV", add = ArgValueCandidates::new(candidates::environments))]
    pub(super) at: Option<String>,
    /// The most rows to print.
    #[arg(long, default_value_t = 20)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Render {
    /// The model.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) model: String,
    /// The environment or branch; the current branch's if left out.
    #[arg(long, short = 'e', add = ArgValueCandidates::new(candidates::environments))]
    pub(super) env: Option<String>,
    /// Where the span begins that it is run for; the last one that is due, if left out.
    #[arg(long, value_name = "TIME")]
    pub(super) start: Option<String>,
    /// Where that span ends; a date means all of that day.
    #[arg(long, value_name = "TIME")]
    pub(super) end: Option<String>,
    /// Take this for the current time.
    #[arg(long, value_name = "TIME")]
    pub(super) execution_time: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Lineage {
    /// The model, or one of its columns: MODEL.COLUMN.
    #[arg(add = ArgValueCandidates::new(candidates::models))]
    pub(super) model: String,
}

/// How many commits the page shows where nothing else is said.
pub(super) const COMMITS: usize = 60;

#[derive(Debug, Args)]
pub(super) struct Page {
    /// The file; left out, one below the git directory.
    pub(super) file: Option<PathBuf>,
    /// How many commits are shown at most.
    #[arg(long, value_name = "N", default_value_t = COMMITS)]
    pub(super) commits: usize,
    /// Compare the rows, too, of all models in which an environment or branch differs from prod: the current branch's if
    /// none is named; can be given several times.
    #[arg(long, value_name = "ENV", num_args = 0..=1, require_equals = true, default_missing_value = "",
        add = ArgValueCandidates::new(candidates::environments))]
    pub(super) diff: Vec<String>,
    /// Run the unit tests, too, and tell what came of them.
    #[arg(long)]
    pub(super) test: bool,
    /// Show it in the browsers of this machine, and renew it whenever an environment or a branch moves.
    #[arg(long, conflicts_with = "file")]
    pub(super) serve: bool,
    /// The port to serve it on; any that is free if left out.
    #[arg(long, requires = "serve", default_value_t = 0, hide_default_value = true)]
    pub(super) port: u16,
}

#[derive(Debug, Args)]
pub(super) struct Dag {
    /// Write the page, which has a drawing, instead of text.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Invalidate {
    /// The environment or branch.
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub(super) env: String,
    /// Remove without asking.
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Gc {
    /// Show what would be removed, and remove nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remove without asking.
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Hooks {
    /// Add vmesh's lines to the repository's hooks; existing hooks keep running.
    ///
    /// In a bare repository that is the one which follows pushes.
    Install(HooksInstall),
    /// Take them out again, byte for byte.
    Uninstall,
    /// Tell which hooks are installed, and whether Git will run them.
    Status,
}

#[derive(Debug, Args)]
pub(super) struct HooksInstall {
    /// Follow reset, stash and aborted merges at once, too; costs a millisecond on each update of the index.
    #[arg(long)]
    pub(super) eager: bool,
}

#[derive(Debug, Args)]
pub(super) struct Hook {
    /// The hook's name, or `worker`.
    pub(super) name: String,
    /// What git passes; nothing of it is believed.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) args: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// The folder.
    pub(super) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    pub(super) shell: clap_complete::Shell,
}
