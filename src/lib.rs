//! vmesh: Git branches for your data warehouse.
//!
//! Four rooms; each may use those to its right, never back:
//!
//! ```text
//! cli ──▶ workflow ──▶ adapter ──▶ domain
//! ```
//!
//! | room | holds | may name |
//! |---|---|---|
//! | [`domain`] | the nouns: pure values and functions | sqlparser and regex (in `sql`), jiff and croner (in `interval`), minijinja and ruff's reader of Python (in `macros`), sqlformat (in `format`), blake3, serde |
//! | [`adapter`] | the outside: Git, the engines, hooks, file events | git2, duckdb, postgres, notify |
//! | [`workflow`] | the verbs: what happens in which order | domain and adapter |
//! | [`cli`] | the face: arguments in, text out | clap, the terminal |
//!
//! A branch's way through them: `git checkout alice` → `hooks/hook.sh` → `cli` → `workflow/background` →
//! `adapter/git` (branch, base, source tree) → `domain/name` (environment) → `domain/project` → `domain/fingerprint` →
//! `adapter/engine` (state) → `domain/plan` → `workflow/apply` (`build`, publish) → one line on the terminal. `plan`,
//! `promote` and `watch` enter the same road.
//!
//! What a verb may use says its type: a `Workspace` reads files and history, a `Loader` over it makes models of them, and
//! a `Session` over that has the warehouse and somebody who listens.
//!
//! # Decisions
//!
//! | | decision | because |
//! |---|---|---|
//! | D1 | records live in the warehouse | views and records change in one transaction; no state "applying" exists |
//! | D2 | a table keeps its name as long as it lives; a snapshot says which table stands for a fingerprint now | whoever built it, everyone may point at it, and two tables of one version live side by side |
//! | D3 | branch → environment → schema is injective, without a look-up | two branches never meet |
//! | D4 | build first, publish once | a failed or killed build leaves every environment as it was |
//! | D5 | the user's text goes to the engine, names spliced in by span | the engine's messages point at the user's lines |
//! | D6 | hooks believe nothing and re-read everything | a rename looks like a deletion, `git gc` like many |
//! | D7 | where the warehouse is and what is main is main's to say; variables and defaults are each tree's own | a stranger's branch must not choose the warehouse, and a commit means the same on every machine |
//! | D8 | a snapshot's query is on record | tables can be filled again without the commit they came from |
//! | D9 | hooks promote only when main has moved since prod last did | a rollback stays until the next merge |
//! | D10 | libgit2 answers, and `git` where it can't | hooks are quick, and every repository works |
//! | D11 | macros are expanded before a file is read | what counts is what the engine gets; the rest knows no macros |
//! | D12 | a table that prod shows is filled by `run prod` alone | a branch never writes what prod shows |
//! | D13 | a model's statements write its own table and what is temporary | a reused table has all that its statements did; strangers write nothing else |
//! | D14 | a version that can't be filled anew begins as a copy of what prod shows, and again when that has moved on | history is never lost, a branch's preview never becomes prod's, and the version before stays whole for rollback |
//! | D15 | where the text of a version that prod has shown comes back, or a branch runs it that prod has left behind, another table stands for it from then on | a revert needs nobody, and a rollback still shows the rows of then |
//! | D16 | `before_all` and `after_all` are main's, and go with what changes an environment | a stranger's branch runs nothing but its models |
//! | D17 | a builder closes the warehouse between two models when somebody waits, and plans again when it is back | nobody is locked out for long, and coming back is no other case than going on after a crash |
//! | D18 | the warehouse lies below the shared git directory; a path among the files is refused while Git has something there | no checkout writes, replaces or feeds it |
//! | D19 | every text that reaches the engine passes one gate, which knows its kind and asks DuckDB's own parser | a stranger's branch runs nothing but SELECTs, wherever its text stands |
//! | D20 | what is read has limits, checked before anything recurses; what runs ends with the process | nobody's branch hangs a checkout |
//! | D21 | a table is fresh if the tables that it was filled from are those that stand above it, at the same revisions | an equality needs no clock, and says when it is right |
//! | D22 | a branch in step is sealed: files, settings, commits and the warehouse's file as they were | with nothing to do, nobody opens the warehouse |
//! | D23 | of a parent counts what its reader takes: what decides the rows, and the columns; in doubt, all of it | one column changed rebuilds what takes it; a wrong guess would be wrong rows |
//! | D24 | a reused table is filled later from what stands above it then; a table of another version of the model above is as good to have been read, if it was filled from the same rows | reuse must never show rows that nobody fills |
//! | D25 | a table with the very rows of the version before is a view of its table, until one of the two is filled anew | rows are proof where texts are not, and what only looked the same parts again before anyone could see it |
//! | D26 | what models read besides the warehouse and committed files is main's to say, changes no fingerprint, and is looked at before each build | a stranger's branch opens no door, and puts nothing behind one |
//! | D27 | the time zone is main's, UTC if none is said, and another one counts in every fingerprint | two machines in two zones build the same rows |
//! | D28 | a text for an engine whose parser is not here passes by its words alone, and what could be divided into others is refused | the gate must see what the server sees |
//!
//! # From a branch's name to a swapped view
//!
//! ```text
//! alice/totals ──name──▶ dev__alice_totals ──┐
//! files of the branch ──▶ fingerprints ──────┤ plan: what stands for each fingerprint, and is it fresh?
//!                                            ▼
//!    pointers   (environment, model) ──▶ fingerprint, table          views   dev__alice_totals__marts.orders
//!    snapshots  fingerprint ──▶ table                                            │ SELECT * FROM
//!    tables     table ──▶ inputs: tables at revisions                            ▼
//!    promotions what each moved of prod's pointers              vmesh_snapshots.orders__0a1b2c3d4e5f
//! ```
//!
//! Publishing moves pointers, views and prod's history in one transaction; whatever is below the line only ever gains
//! tables until `gc` drops those that nothing names.

pub mod adapter;
pub mod cli;
pub mod domain;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and tells")]
mod fuzz;
pub mod workflow;
