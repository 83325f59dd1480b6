//! How much of anything is read, before anything recurses into it: a stranger's branch must neither overflow a stack nor
//! keep a hook busy. No limit is near what people write; each is named in the message that it leads to.
//!
//! | what else is bounded | where |
//! |---|---|
//! | macros in macros, steps, and what a text expands to | `macros::expander` |
//! | Jinja: instructions, depth, lengths of values | `macros::jinja_env` |
//! | YAML: depth, values with aliases counted | `yaml` |
//! | JSON: depth 128 | serde_json |

/// Bytes of a text of SQL: macros may make ten times as much of it as anyone writes.
pub const TEXT: usize = 4 << 20;

/// Words, numbers, strings and signs of a text of SQL.
pub const TOKENS: usize = 300_000;

/// Brackets and CASEs that are open at once. DuckDB's parser takes exponential time in some of them, and the formatter's
/// recursion a few kB a level.
pub const NESTING: usize = 100;

/// Parts of a dotted name: a database, a schema, a table, a column and fields of structs.
pub const PARTS: usize = 50;

/// Operators, and words that may be some, between two commas. DuckDB's own limit is 1,000 levels.
pub const CHAIN: usize = 5_000;

/// SELECTs, joins and set operations of one statement: the time to look names up grows with their square.
pub const RELATIONS: usize = 2_000;

/// Relations in sight of one another up to which each column name is looked up in all of them, to find those that no
/// table has.
pub const IN_SIGHT: usize = 100;

/// Columns of all WITH clauses and subqueries of a text together, up to which its own columns are worked out: stars over
/// stars double them.
pub const WORKED_OUT: usize = 100_000;

/// Bytes of the texts whose trees are kept until their lineage is known, those of one load together: a tree takes some
/// forty times as many. The others are parsed twice.
pub const KEPT_TREES: usize = 4 << 20;

/// Columns of the rows of a unit test.
pub const COLUMNS: usize = 2_000;

/// Cells of a unit test's CSV: as many as a YAML file may have values.
pub const CELLS: usize = 1_000_000;

/// Bytes of a name that others are likened to, for `did you mean`: the time grows with the square.
pub const LIKENED: usize = 100;

/// Loads of one plan: each is a transaction of its own.
pub const LOADS: usize = 100_000;

/// Bytes of the queries of one fill's loads, all together.
pub const LOADS_TEXT: usize = 1 << 30;

/// Bytes of a file with macros in Python: none of its expressions stands deeper in others than that.
pub const PYTHON: usize = 64 << 10;

/// Characters of a pattern for paths or branches; it becomes a regular expression.
pub const PATTERN: usize = 1_000;

/// Brackets of a pattern that are open at once: the regular expression's own limit is not far above.
pub const PATTERN_NESTING: usize = 10;

/// Findings of one rule of the linter in one model: each is told with its line.
pub const FINDINGS: usize = 100;
