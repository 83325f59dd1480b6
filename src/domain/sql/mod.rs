//! SQL text: its canonical hash, the tables it reads, the columns it takes and gives, and other names spliced into it.
//!
//! The only room that knows sqlparser. A query is analysed as it will be sent to the engine, macros expanded; spans are
//! byte ranges of that text. DuckDB's own parser has the last word: where sqlparser can't read a text, or is known to
//! read it differently, tokens are hashed instead of the tree, and the caller asks DuckDB which tables are read
//! ([`reads_from_duckdb_json`]).
//!
//! # What counts for the canonical hash
//!
//! | doesn't count | counts |
//! |---|---|
//! | comments, layout, line endings, a last `;` | strings, to the byte |
//! | letter case of keywords and functions | letter case of output names, struct fields and files |
//! | letter case and quotes of table and column names | the names |
//! | `AS`, `INNER`, `OUTER` | aliases, join kinds |
//! | `<>` or `!=`, `x::t` or `CAST(x AS t)` | `TRY_CAST`, types as spelled |
//! | parentheses that surely change nothing | all others |
//! | `FROM t SELECT a` or `SELECT a FROM t` | order of columns, CTEs and conditions |
//!
//! What decides each column of a query is told apart in [`lineage`].
//!
//! In the token form, only comments, layout and letter case of reserved words don't count. The hash errs on one side:
//! two texts of one meaning may differ (a build too many), two texts of one hash mean the same.

mod bounds;
mod canonical;
mod columns;
pub mod constant;
mod constant_call;
mod depth;
mod dialect;
mod duckdb_json;
mod encode;
mod functions;
mod guard;
mod kept_tree;
mod keywords;
mod labels;
mod lex;
mod lineage;
mod materialized;
mod names;
mod normalize;
mod outputs;
mod parse;
pub mod policy;
mod portable;
mod qualifiers;
mod reads;
mod relation;
mod repeatable;
mod scopes;
mod splice;
mod survey;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
mod typed;
mod uses;
mod with_clause;

use std::{fmt, mem};

use serde::{Deserialize, Serialize};
use sqlparser::dialect::{DatabricksDialect, Dialect, PostgreSqlDialect};

use self::kept_tree::{KeptTree, Tree};
use super::diagnostic::Problem;
use super::engine_kind::EngineKind;
pub use dialect::is_duckdb;
pub use duckdb_json::{DuckdbReads, reads_from_duckdb_json};
#[cfg(test)]
pub(crate) use functions::all as known_functions;
pub use keywords::identifier;
pub use labels::Label;
pub use lex::{Lexeme, Statement, Token, folded, lex, split, unify_line_ends};
#[cfg(test)]
pub(crate) use lineage::rules;
pub use lineage::{Lineage, Origin, Parent, ParentColumns, Print, Unknown};
pub use splice::{apply, edits, splice, splice_with};
pub use survey::{Gives, NameUse, Projection, Selected, Survey, Table};
pub use typed::typed_columns;
pub use with_clause::with_clause;

/// The recipe of [`Query::canonical`]. To be raised with every change that may move a hash, sqlparser's version
/// included.
pub const CANON_VERSION: &str = "vmesh-sql-1";

/// Byte range in the text that was analysed.
pub type Span = std::ops::Range<usize>;

/// Why a text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlError {
    /// In the parser's words.
    pub message: String,
    /// The place that it points at.
    pub span: Span,
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        Self::new(error.message, error.span)
    }
}

impl SqlError {
    fn new(message: impl Into<String>, span: Span) -> Self {
        Self { message: message.into(), span }
    }
}

/// A name as DuckDB compares names: without letter case of ASCII letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SqlName(String);

impl SqlName {
    fn new(name: &str) -> Self {
        Self(name.to_ascii_lowercase())
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SqlError {}

/// What is known of one query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// BLAKE3 of the canonical form.
    pub canonical: [u8; 32],
    /// What the hash was taken of.
    pub form: Form,
    /// Tables read that are no CTEs, in the order of the text. `None` when sqlparser can't be believed about them: ask
    /// DuckDB, and [`Query::adopt`] the answer.
    pub reads: Option<Vec<Read>>,
    /// Functions and files read instead of tables, in the order of the text.
    pub functions: Vec<FunctionRead>,
    /// Why sqlparser could not read the text.
    pub parse_error: Option<SqlError>,
    /// Qualifiers of columns to rewrite when their table is replaced.
    pub qualifiers: Vec<Qualifier>,
    /// The columns it gives; `None` when they can't be proven. DuckDB renames repeated ones (`id`, `id_1`): when names
    /// repeat once [`Output::All`] is expanded, nothing is proven either.
    pub outputs: Option<Vec<Output>>,
    /// Two of its columns that have one name, as DuckDB compares names.
    #[serde(default)]
    pub repeated: Option<(String, String)>,
    /// Columns that DuckDB would surely miss if no table had them.
    pub uses: Vec<ColumnUse>,
    /// Names that its columns get where DuckDB would make them up.
    pub labels: Vec<Label>,
    /// Whether it is known to give the same rows each time, of the same tables.
    #[serde(default)]
    pub repeatable: bool,
    #[serde(skip)]
    tree: KeptTree,
}

impl Query {
    /// The same query as far as a server's SQL is understood. Its tree counts where all engines read it alike; of all others only
    /// the words are known: nothing is hashed away but comments, layout and letter case, and of its columns only names are
    /// said that stand in the text.
    #[must_use]
    pub fn by_its_words(self, engine: EngineKind, text: &str) -> Self {
        let lexemes = lex(text).unwrap_or_default();
        let (canonical, form) = match portable::canonical(engine, text, &lexemes) {
            Some(canonical) => (canonical, Form::Tree),
            None => {
                let form = Form::Tokens { why: "another engine's SQL".to_owned() };
                match lexemes.is_empty() {
                    true => (canonical::of_text(text), form),
                    false => (canonical::of_tokens(text, &lexemes, true), form),
                }
            }
        };
        // what has no name would get another one there
        let outputs = self.outputs.filter(|_| self.labels.is_empty());
        let outputs =
            outputs.and_then(|outputs| outputs.into_iter().map(|output| folded_output(output, &lexemes)).collect());
        let (repeated, uses, labels, tree) = (None, Vec::new(), Vec::new(), KeptTree::default());
        let repeatable = !lexemes.is_empty() && policy::is_repeatable_on_a_server(engine, &lexemes);
        // a name without quotes is in lower case there
        let folded = |read: Read| {
            let written = text.get(read.span.clone()).unwrap_or_default();
            let words = lex(written).unwrap_or_default();
            let words = words.into_iter().filter_map(|lexeme| match lexeme.token {
                Token::Word { text, quoted } => Some(if quoted { text } else { text.to_lowercase() }),
                _ => None,
            });
            let words: Vec<String> = words.collect();
            let parts = if words.len() == read.parts.len() { words } else { read.parts };
            let alias = if written.ends_with('"') { read.alias } else { read.alias.to_lowercase() };
            Read { parts, alias, ..read }
        };
        let reads = self.reads.map(|reads| reads.into_iter().map(folded).collect());
        Self { reads, canonical, form, outputs, repeated, uses, labels, repeatable, tree, ..self }
    }

    /// Takes over what DuckDB's parser said of a text that sqlparser could not read.
    pub fn adopt(&mut self, seen: DuckdbReads) {
        self.reads = Some(seen.reads);
        self.functions = seen.functions;
        self.qualifiers = seen.qualifiers;
        self.outputs = None;
        self.uses.clear();
        self.repeatable = false;
        self.tree.take();
    }

    /// Its lineage over what it reads, in the order of its reads; `text` is what it was analysed from.
    pub fn lineage(&self, engine: EngineKind, text: &str, parents: &[&Parent]) -> Result<Lineage, Unknown> {
        match self.tree.take() {
            Some(tree) => lineage::of_tree(engine, &tree, parents),
            None => lineage::of_text(engine, text, parents),
        }
    }

    /// Lets go of what only its lineage needs.
    pub fn forget_tree(&self) {
        self.tree.take();
    }
}

/// A column as an engine names it that takes names without quotes for lower case; none if the name doesn't stand in the text.
fn folded_output(output: Output, lexemes: &[Lexeme]) -> Option<Output> {
    let Output::Column(name) = output else { return Some(output) };
    let named = |lexeme: &&Lexeme| matches!(&lexeme.token, Token::Word { text, .. } if *text == name);
    let is_quoted = |lexeme: &Lexeme| matches!(lexeme.token, Token::Word { quoted: true, .. });
    let found: Vec<&Lexeme> = lexemes.iter().filter(named).collect();
    match (found.is_empty(), name == name.to_lowercase(), found.iter().all(|lexeme| is_quoted(lexeme))) {
        (true, ..) => None,
        (_, true, _) | (_, _, true) => Some(Output::Column(name)),
        _ if found.iter().any(|lexeme| is_quoted(lexeme)) => None,
        _ => Some(Output::Column(name.to_lowercase())),
    }
}

/// What a canonical hash was taken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The syntax tree: much of the spelling doesn't count.
    Tree,
    /// The tokens: nearly all of the spelling counts.
    Tokens {
        /// Why not the tree.
        why: String,
    },
}

/// A table that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Its dotted name, without quotes, letter case as written.
    pub parts: Vec<String>,
    /// Where the name stands.
    pub span: Span,
    /// Whether it has an alias of its own.
    pub aliased: bool,
    /// Without an alias of its own: the name that its columns go by once it is replaced. The last part, or, where that
    /// could mean another relation or a subquery's column, all parts.
    pub alias: String,
    /// Of a query `TABLE name`: where `TABLE` stands.
    pub table_keyword: Option<Span>,
}

impl Read {
    fn new(parts: Vec<String>, span: Span, aliased: bool) -> Self {
        let alias = parts.last().cloned().unwrap_or_default();
        Self { parts, span, aliased, alias, table_keyword: None }
    }
}

/// A function or a file that a query takes rows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRead {
    /// The function's name, or the file's.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Which of them it is.
    pub kind: FunctionKind,
}

/// What kind of [`FunctionRead`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionKind {
    /// A file in single quotes: its path.
    File(String),
    /// Any other function in FROM: `read_csv`, `range`.
    Function,
}

/// The part of a column's name that names its table, where replacing the table means rewriting it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qualifier {
    /// `analytics.customers` in `analytics.customers.id`.
    pub span: Span,
    /// The table, as an index of [`Query::reads`].
    pub read: usize,
}

/// A column, or columns, that a query gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// One of this name. DuckDB takes the letter case of a column without alias from its table, not from the query.
    Column(String),
    /// All columns of a table.
    All {
        /// The table, as an index of [`Query::reads`].
        read: usize,
        /// Columns left out, in any letter case.
        except: Vec<String>,
    },
}

/// A column that surely must exist: DuckDB refuses the query unless one of the candidates has it, or, where it has a
/// qualifier, unless a table in scope has a struct of the qualifier's name with a field of the column's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// Its name, letter case as written.
    pub column: String,
    /// Where the column's name stands, without qualifier.
    pub span: Span,
    /// Tables that it may be a column of, as indices of [`Query::reads`].
    pub candidates: Vec<usize>,
    /// The alias or table name in front of it.
    pub qualifier: Option<String>,
    /// All tables in scope, outer queries included; never anything but tables.
    pub scope: Vec<usize>,
}

/// Analyses the one query in `text`. Text that sqlparser can't read, or no query at all, is hashed by its tokens and
/// comes back with a [`Query::parse_error`].
pub fn analyse(text: &str) -> Query {
    analyse_in(&dialect::DuckDb, text, true)
}

/// The same of one that stands in a text whose lexemes are known: its own are taken out of them.
pub fn analyse_within(text: &str, span: &Span, of_text: &mut Vec<Lexeme>) -> Query {
    let before = |end: usize| of_text.partition_point(|lexeme| lexeme.span.start < end);
    let own = before(span.start)..before(span.end);
    let moved = |Lexeme { token, span: at }| Lexeme { token, span: at.start - span.start..at.end - span.start };
    let lexemes: Vec<Lexeme> = of_text.drain(own).map(moved).collect();
    analyse_lexed(&dialect::DuckDb, text.get(span.clone()).unwrap_or_default(), &lexemes, true)
}

/// The same of a text in an engine's SQL; PostgreSQL's is tried as DuckDB's first.
pub fn analyse_for(engine: EngineKind, text: &str) -> Query {
    match engine {
        EngineKind::DuckDb => analyse(text),
        EngineKind::Postgres => {
            Some(analyse(text)).filter(|it| it.reads.is_some()).unwrap_or_else(|| analyse_postgres(text))
        }
        EngineKind::Spark => analyse_spark(text),
    }
}

/// The same of a text in PostgreSQL's SQL.
pub fn analyse_postgres(text: &str) -> Query {
    analyse_in(&PostgreSqlDialect {}, text, false)
}

/// The same of a text in Spark's SQL.
pub fn analyse_spark(text: &str) -> Query {
    let quoted = in_backticks(text);
    if quoted.len() != text.len() {
        let error = SqlError::new("a name with quotes in it", 0..text.len());
        return unread(canonical::of_text(text), error);
    }
    analyse_in(&DatabricksDialect {}, &quoted, false)
}

/// The same text with names in backticks that stand in double quotes: to Spark, double quotes are those of a string. What stands
/// behind a name that has no quotes in it stays where it was.
pub fn in_backticks(text: &str) -> String {
    let edit = |lexeme: Lexeme| match lexeme.token {
        Token::Word { text: name, quoted: true } if text.get(lexeme.span.clone())?.starts_with('"') => {
            Some((lexeme.span, format!("`{}`", name.replace('`', "``"))))
        }
        _ => None,
    };
    apply(text, lex(text).unwrap_or_default().into_iter().filter_map(edit).collect())
}

/// `keeps` says whether the tree is of use to anybody later.
fn analyse_in(dialect: &(dyn Dialect + Sync), text: &str, keeps: bool) -> Query {
    match lex(text) {
        Ok(lexemes) => analyse_lexed(dialect, text, &lexemes, keeps),
        Err(error) => unread(canonical::of_text(text), error),
    }
}

fn analyse_lexed(dialect: &(dyn Dialect + Sync), text: &str, lexemes: &[Lexeme], keeps: bool) -> Query {
    let analysed =
        depth::with_any_stack(lexemes, |may_outlive| analyse_lexemes(dialect, text, lexemes, keeps && may_outlive));
    let query = analysed.unwrap_or_else(|| {
        let error = SqlError::new("too deeply nested", 0..text.len());
        unread(canonical::of_tokens(text, lexemes, false), error)
    });
    let labels = labels::find(lexemes);
    Query { canonical: canonical::with_labels(query.canonical, &labels), labels, ..query }
}

/// `keeps` says whether the tree shall outlive this call.
fn analyse_lexemes(dialect: &(dyn Dialect + Sync), text: &str, lexemes: &[Lexeme], keeps: bool) -> Query {
    let tokens = || canonical::of_tokens(text, lexemes, false);
    let mut parsed = match parse::parse_in(dialect, text, lexemes) {
        Ok(parsed) => parsed,
        Err(error) => return unread(tokens(), error),
    };
    let doubt = guard::doubt(lexemes, &parsed);
    let sources = reads::find(&parsed, lexemes).filter(|_| doubt.is_none_or(|doubt| doubt.tables_hold));
    let Some(mut sources) = sources else {
        let why = doubt.map_or("tables can't be told", |doubt| doubt.why);
        return unread(tokens(), SqlError::new(why, 0..text.len()));
    };
    let outputs = outputs::find(&parsed, &sources);
    let repeated = outputs.as_deref().and_then(outputs::repeated);
    let Some(columns) = columns::resolve(&parsed, &mut sources) else {
        return unread(tokens(), SqlError::new("a qualifier that two tables share", 0..text.len()));
    };
    let repeatable = doubt.is_none() && repeatable::is_repeatable(&parsed.query);
    let why = || doubt.map_or("no canonical form of the tree", |doubt| doubt.why).to_owned();
    let canonical = if doubt.is_none() {
        normalize::normalize(&mut parsed.query);
        canonical::of_tree(&parsed.query)
    } else {
        None
    };
    let sure = canonical.is_some();
    let (reads, functions) = (mem::take(&mut sources.reads), mem::take(&mut sources.functions));
    let tree = (keeps && sure).then(|| Tree::new(parsed.query, sources, parsed.labels));
    Query {
        canonical: canonical.unwrap_or_else(tokens),
        form: if sure { Form::Tree } else { Form::Tokens { why: why() } },
        parse_error: None,
        qualifiers: columns.qualifiers,
        outputs: outputs.filter(|_| sure && repeated.is_none()),
        repeated,
        uses: if sure { columns.uses } else { Vec::new() },
        labels: Vec::new(),
        repeatable: sure && repeatable,
        reads: Some(reads),
        functions,
        tree: tree.map(KeptTree::new).unwrap_or_default(),
    }
}

/// A query of which no more is known than its hash.
fn unread(canonical: [u8; 32], error: SqlError) -> Query {
    Query {
        canonical,
        form: Form::Tokens { why: error.message.clone() },
        reads: None,
        functions: Vec::new(),
        parse_error: Some(error),
        qualifiers: Vec::new(),
        outputs: None,
        repeated: None,
        uses: Vec::new(),
        labels: Vec::new(),
        repeatable: false,
        tree: KeptTree::default(),
    }
}
