//! What a text may do: the one gate between texts and the engine.
//!
//! | text | one query | computes | tables | the project's files | the catalogue | acts |
//! |---|---|---|---|---|---|---|
//! | a model's query | yes | yes | models and sources | by paths that are written out | no | no |
//! | a statement around it: what it reads, as one SELECT | yes | yes | models and sources | no | no | no |
//! | a unit test's query | yes | yes | the given ones | no | no | no |
//! | an audit, its arguments filled in | yes | yes | models and sources | no | no | no |
//! | an expression or a type of a header | no | yes | no | no | no | no |
//! | what a person asks by `vmesh query` | yes | yes | all | no | yes | no |
//! | `before_all` and `after_all`, which are main's | no | yes | all but vmesh's own | no | yes | yes |
//!
//! *One query* is one statement that only reads, as DuckDB's own parser sees it ([`Seen`]), and whose brackets close each
//! other, so that it can't climb out of what vmesh puts around it. *Computes* is what every function does but those of
//! [`functions`], which name tables, files or queries by values, tell of the machine or the catalogue, or act. Where
//! DuckDB can't show what it sees (a PIVOT without a list of values), words decide, and in doubt against the text.

mod alike;
mod functions;
mod on_postgres;
mod paths;
mod postgres;
mod repeatable;
mod seen;
mod settings;
mod spark;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
mod unseen;

pub use self::alike::unread;
pub use self::on_postgres::{
    check_expression_for_postgres, check_for_postgres, check_reads_for_postgres, functions_of_postgres,
    is_type_for_postgres,
};
pub use self::paths::{from_root, is_remote, leads_out};
pub(super) use self::repeatable::is_repeatable_on_a_server;
pub use self::seen::{Called, NotSeen, Seen};
pub use self::settings::refused;
pub use self::spark::{check_expression_for_spark, check_for_spark, check_reads_for_spark, is_type_for_spark};
pub use self::tables::barred_table;
use super::super::diagnostic::{Note, Problem};
use super::{FunctionKind, FunctionRead, Lexeme, Query, Span, SqlError, Token, lex, split};

/// What kind of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// A model's query.
    Model,
    /// What a statement around a model's query reads and computes.
    Statement,
    /// A query of a unit test.
    Test,
    /// An audit's query, or the query that is made of a built-in audit's arguments.
    Audit,
    /// A header.
    Header,
    /// What a person asks.
    Person,
}

/// What a function does besides computing a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It changes something.
    Acts,
    /// It reads tables or runs a query that its values name.
    Hides,
    /// It reads files.
    Files,
    /// It tells of the catalogue or the machine.
    Tells,
}

/// Why a text may not reach the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it does.
    pub what: String,
    /// Where, in its own bytes.
    pub span: Span,
    /// What helps to understand it: the engine's words, if it has any.
    pub note: Option<Note>,
    /// What to write instead.
    pub help: Option<String>,
}

/// Words that a query begins with; it may begin with `(` too.
pub const QUERY_WORDS: [&str; 13] = [
    "select",
    "with",
    "from",
    "values",
    "table",
    "pivot",
    "unpivot",
    "summarize",
    "describe",
    "desc",
    "show",
    "pivot_wider",
    "pivot_longer",
];

/// Words by which a WITH clause writes.
const WRITES: [&str; 6] = ["copy", "delete", "insert", "merge", "truncate", "update"];

/// Options of functions that read files, by which they make tables.
const REJECTS: [&str; 3] = ["store_rejects", "rejects_table", "rejects_scan"];

impl Text {
    /// In words, for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Model => "a model's query",
            Self::Statement => "a statement around a query",
            Self::Test => "a unit test",
            Self::Audit => "an audit",
            Self::Header => "a header",
            Self::Person => "`vmesh query`",
        }
    }

    fn may(self, does: Does) -> bool {
        match does {
            Does::Acts | Does::Hides => false,
            Does::Files => self == Self::Model,
            Does::Tells => self == Self::Person,
        }
    }
}

impl Refusal {
    /// What is refused, where, and what to write instead.
    pub fn new(what: impl Into<String>, span: Span, help: impl Into<String>) -> Self {
        Self { what: what.into(), span, note: None, help: Some(help.into()) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { what: refusal.what, span: refusal.span, help: refusal.help }
    }
}

impl From<SqlError> for Refusal {
    fn from(error: SqlError) -> Self {
        Self { what: error.message, span: error.span, note: None, help: None }
    }
}

/// Settings of what the engine may take of the machine: they change no row.
pub const OF_THE_MACHINE: [&str; 9] = [
    "threads",
    "worker_threads",
    "external_threads",
    "memory_limit",
    "max_memory",
    "temp_directory",
    "max_temp_directory_size",
    "enable_progress_bar",
    "enable_object_cache",
];

/// Whether a statement only sets one of them: `PRAGMA threads = 4`, `SET GLOBAL memory_limit TO '4GB'`.
pub fn sets_the_machine(statement: &[Lexeme]) -> bool {
    let is = |lexeme: &Lexeme, words: &[&str]| words.iter().any(|word| lexeme.is_keyword(word));
    let [first, rest @ ..] = statement else { return false };
    let setting = rest.iter().find(|lexeme| !is(lexeme, &["global", "session", "local"]));
    is(first, &["set", "pragma", "reset"]) && setting.is_some_and(|setting| is(setting, &OF_THE_MACHINE))
}

/// Whether a text does nothing else.
pub fn only_sets_the_machine(text: &str) -> bool {
    let lexemes = lex(text).unwrap_or_default();
    split(&lexemes).iter().all(|statement| sets_the_machine(&lexemes[statement.lexemes.clone()]))
}

/// Whether some lexemes begin as a query does.
pub fn begins_query(lexemes: &[Lexeme]) -> bool {
    let is_word = |lexeme: &Lexeme| QUERY_WORDS.iter().any(|word| lexeme.is_keyword(word));
    lexemes.first().is_some_and(|first| first.is_symbol("(") || is_word(first))
}

/// Checks a query: its shape, and what DuckDB's parser sees it do. The tables that it reads are the caller's to check, who
/// knows which of them are models ([`barred_table`]).
pub fn check(kind: Text, text: &str, query: &Query, seen: Result<&Seen, &NotSeen>) -> Result<(), Refusal> {
    let lexemes = shape(kind, text)?;
    for function in &query.functions {
        if let FunctionKind::File(path) = &function.kind {
            file(kind, path, &function.span)?;
        }
    }
    match seen {
        Ok(seen) if seen.tables.iter().any(|table| is_unseen_file(table, query)) => {
            let what = format!("{} reads a file whose path is not written out", kind.noun());
            Err(Refusal::new(what, whole(&lexemes), "write the path in single quotes: the file is the project's"))
        }
        Ok(seen) if seen.lists && kind != Text::Person => {
            let what = format!("{} can't list the warehouse: SHOW tells of other environments too", kind.noun());
            Err(Refusal::new(what, whole(&lexemes), "DESCRIBE table gives a table's columns"))
        }
        Ok(seen) => {
            seen.calls.iter().try_for_each(|called| {
                let at = call(&lexemes, called);
                function(kind, &called.name, called.in_from, at.map(|at| &lexemes[at..]), &whole(&lexemes))
            })?;
            all_files_seen(kind, query, seen, &lexemes)
        }
        Err(NotSeen::Writes) => Err(Refusal::new(
            format!("{} only reads: this writes in its WITH clause", kind.noun()),
            whole(&lexemes),
            READ,
        )),
        Err(NotSeen::Several) => Err(Refusal::new("this is more than one query", whole(&lexemes), READ)),
        Err(NotSeen::Unshown(cause)) => unshown(kind, &lexemes, cause),
    }
}

/// Refuses a query in which DuckDB sees other calls that read files than vmesh does, who checks their paths.
fn all_files_seen(kind: Text, query: &Query, seen: &Seen, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    let functions = query.functions.iter().filter(|function| function.kind == FunctionKind::Function);
    let known = functions.filter(|function| reads_files(&function.name)).count();
    if seen.calls.iter().filter(|called| called.in_from && reads_files(&called.name)).count() == known {
        return Ok(());
    }
    let what = format!("{} reads a file where vmesh doesn't see it", kind.noun());
    Err(Refusal::new(what, whole(lexemes), "call the function in FROM, with its path in single quotes"))
}

/// Whether DuckDB would take a table for a file that nobody sees: `FROM E'\x2e…'`.
fn is_unseen_file(table: &[String], query: &Query) -> bool {
    let path = table.join(".");
    let is_it = |function: &FunctionRead| matches!(&function.kind, FunctionKind::File(seen) if *seen == path);
    tables::is_path(&path) && !query.functions.iter().any(is_it)
}

const READ: &str = "leave a SELECT alone";

/// Checks the shape of a query: one statement, a query by its first word, brackets that close each other.
pub fn shape(kind: Text, text: &str) -> Result<Vec<Lexeme>, Refusal> {
    let lexemes = lex(text)?;
    let jinja =
        |lexeme: &&Lexeme| matches!(&lexeme.token, Token::Symbol(sign) if sign.len() > 2 && sign.starts_with('{'));
    if let Some(block) = lexemes.iter().find(jinja) {
        let help = "put a space between two braces: `{ {`";
        return Err(Refusal::new("this reads like a block of Jinja", block.span.clone(), help));
    }
    brackets(&lexemes)?;
    match split(&lexemes).as_slice() {
        [] => Err(Refusal::new("there is no query", 0..text.len(), "write a SELECT")),
        [only] if !begins_query(&lexemes[only.lexemes.clone()]) => {
            let help = "write through models, or with the engine's own client";
            Err(Refusal::new(format!("{} only reads: this is no SELECT", kind.noun()), only.span.clone(), help))
        }
        [_] => Ok(lexemes),
        [_, second, ..] => {
            let what = format!("{} is one query; this is a second statement", kind.noun());
            Err(Refusal::new(what, second.span.clone(), "leave one of them out"))
        }
    }
}

/// Checks the words of a header, which is no query: what it calls, wherever it does.
pub fn check_header(lexemes: &[Lexeme]) -> Result<(), Refusal> {
    calls(lexemes).try_for_each(|(at, name)| function(Text::Header, name, false, lexemes.get(at..), &whole(lexemes)))
}

/// Whether some lexemes can only be a type: words, brackets in pairs, and what types hold in these.
pub fn is_type(lexemes: &[Lexeme]) -> bool {
    let mut depth = 0_i32;
    let is_part = |lexeme: &Lexeme| {
        match &lexeme.token {
            Token::Symbol(sign) if sign == "(" || sign == "[" => depth += 1,
            Token::Symbol(sign) if sign == ")" || sign == "]" => depth -= 1,
            Token::Symbol(sign) => return sign == "," && depth > 0,
            Token::Word { .. } | Token::Number(_) | Token::String(_) => {}
        }
        depth >= 0
    };
    let begins = matches!(lexemes.first().map(|first| &first.token), Some(Token::Word { .. }));
    begins && lexemes.iter().all(is_part) && depth == 0 && check_header(lexemes).is_ok() && query_in(lexemes).is_none()
}

/// The word by which a query begins in what should be an expression.
pub fn query_in(lexemes: &[Lexeme]) -> Option<&Lexeme> {
    let opens = |before: Option<&Lexeme>| before.is_none_or(|before| before.is_symbol("("));
    let begins = |at: usize| opens(at.checked_sub(1).and_then(|at| lexemes.get(at)));
    let is_word = |lexeme: &Lexeme| QUERY_WORDS.iter().any(|word| lexeme.is_keyword(word));
    let select = |lexeme: &Lexeme| lexeme.is_keyword("select");
    lexemes.iter().enumerate().find(|(at, lexeme)| select(lexeme) || (is_word(lexeme) && begins(*at))).map(|(_, it)| it)
}

/// Brackets close each other: what climbs out of its parentheses could stand in others.
fn brackets(lexemes: &[Lexeme]) -> Result<(), Refusal> {
    let mut open: Vec<&Lexeme> = Vec::new();
    for lexeme in lexemes {
        let Token::Symbol(sign) = &lexeme.token else { continue };
        let partner = match sign.as_str() {
            "(" | "[" | "{" | "{{" => {
                // two braces that open no block of Jinja
                open.extend(std::iter::repeat_n(lexeme, sign.len()));
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => continue,
        };
        let closes =
            open.pop().is_some_and(|last| matches!(&last.token, Token::Symbol(sign) if sign.starts_with(partner)));
        if !closes {
            let help = "each bracket closes the one that was opened last";
            return Err(Refusal::new(format!("this `{sign}` closes nothing"), lexeme.span.clone(), help));
        }
    }
    match open.last() {
        Some(last) => Err(Refusal::new("this bracket is never closed", last.span.clone(), "close it")),
        None => Ok(()),
    }
}

/// Whether a function reads the files that its first argument names.
pub fn reads_files(function: &str) -> bool {
    functions::rule_of(function, true).is_some_and(|rule| rule.does == Does::Files)
}

/// Whether a function, in FROM or in an expression, does nothing but compute.
pub fn only_computes(function: &str, in_from: bool) -> bool {
    functions::rule_of(function, in_from).is_none()
}

/// Whether a function may be called. `lexemes` begin with its name.
fn function(kind: Text, name: &str, in_from: bool, lexemes: Option<&[Lexeme]>, whole: &Span) -> Result<(), Refusal> {
    let Some(rule) = functions::rule_of(name, in_from) else { return Ok(()) };
    let span = lexemes.and_then(<[Lexeme]>::first).map_or_else(|| whole.clone(), |first| first.span.clone());
    if !kind.may(rule.does) {
        let what = format!("{} can't call `{name}`: it {}", kind.noun(), rule.would);
        return Err(Refusal::new(what, span, rule.instead));
    }
    if rule.does == Does::Files { paths(kind, name, lexemes.unwrap_or(&[]), &span) } else { Ok(()) }
}

/// Whether a function that reads files names them so that one sees which: `name('a', …)` or `name(['a', 'b'], …)`.
fn paths(kind: Text, name: &str, lexemes: &[Lexeme], span: &Span) -> Result<(), Refusal> {
    let inside = lexemes.get(2..).unwrap_or(&[]);
    let list = inside.first().is_some_and(|first| first.is_symbol("["));
    let end = if list { "]" } else { ")" };
    let argument = inside.get(usize::from(list)..).unwrap_or(&[]);
    let ends = |lexeme: &Lexeme| lexeme.is_symbol(end) || (!list && lexeme.is_symbol(","));
    let argument = argument.split(ends).next().unwrap_or(&[]);
    let mut named = 0;
    for one in argument.split(|lexeme| lexeme.is_symbol(",")) {
        match written_out(one) {
            Some((path, span, lexemes)) if lexemes == one.len() => {
                file(kind, &path, &span)?;
                named += 1;
            }
            _ => {
                let what = format!("`{name}` reads a file whose path is not written out");
                return Err(Refusal::new(
                    what,
                    span.clone(),
                    "write the path in single quotes: the file is the project's",
                ));
            }
        }
    }
    let option = inside.iter().find(|lexeme| REJECTS.iter().any(|option| is_named(lexeme, option)));
    match option {
        Some(option) if named > 0 => {
            let what = format!("{} can't make tables: this option does", kind.noun());
            Err(Refusal::new(what, option.span.clone(), "use ignore_errors = true"))
        }
        _ => Ok(()),
    }
}

/// The text at the beginning of some lexemes, where it stands, and how many of these it takes: one string, or several that
/// are joined, as where a variable has the folder: `'/data' || '/a.csv'`.
pub fn written_out(lexemes: &[Lexeme]) -> Option<(String, Span, usize)> {
    // a string with a prefix has another value than its text
    let plain = |lexeme: &Lexeme| match &lexeme.token {
        Token::String(text) if lexeme.span.len() == text.len() + 2 => Some(text.clone()),
        _ => None,
    };
    let first = lexemes.first()?;
    let (mut text, mut end, mut taken) = (plain(first)?, first.span.end, 1);
    while let [sign, more, ..] = lexemes.get(taken..).unwrap_or(&[])
        && sign.is_symbol("||")
    {
        text.push_str(&plain(more)?);
        (end, taken) = (more.span.end, taken + 2);
    }
    Some((text, first.span.start..end, taken))
}

fn is_named(lexeme: &Lexeme, name: &str) -> bool {
    matches!(&lexeme.token, Token::Word { text, .. } if text.eq_ignore_ascii_case(name))
}

/// Whether a text may read a file. Which one that may be is the caller's to check, who knows the settings ([`leads_out`]).
fn file(kind: Text, path: &str, span: &Span) -> Result<(), Refusal> {
    if !kind.may(Does::Files) {
        let what = format!("{} can't read the file `{path}`", kind.noun());
        return Err(Refusal::new(what, span.clone(), "read files in a model, and name that model here"));
    }
    match tables::is_database(path) {
        true => Err(Refusal::new(
            format!("`{path}` is a database, and no file that models read"),
            span.clone(),
            "have main's settings attach it, and read its tables by their names: [sources.attach]",
        )),
        false => Ok(()),
    }
}

/// Checks a text of which DuckDB can't show what it sees.
fn unshown(kind: Text, lexemes: &[Lexeme], cause: &str) -> Result<(), Refusal> {
    let has = |words: &[&str]| lexemes.iter().find(|lexeme| words.iter().any(|word| lexeme.is_keyword(word)));
    if has(&WRITES).is_some() {
        let mut refusal = Refusal::new("the query can't be shown to only read", whole(lexemes), READ);
        refusal.note = Some(format!("{cause}; a column called `insert`, `delete` or the like is quoted").into());
        return Err(refusal);
    }
    if let Some(show) = has(&["show"]).filter(|_| kind != Text::Person) {
        let what = format!("{} can't list the warehouse: SHOW tells of other environments too", kind.noun());
        return Err(Refusal::new(what, show.span.clone(), "DESCRIBE table gives a table's columns"));
    }
    for lexeme in lexemes {
        if let Token::String(text) | Token::Word { text, .. } = &lexeme.token
            && tables::is_database(text)
        {
            let what = format!("{} can't read the file `{text}`", kind.noun());
            return Err(Refusal::new(what, lexeme.span.clone(), "name a table"));
        }
    }
    if let Some(file) = unseen::file(lexemes).filter(|_| kind != Text::Person) {
        let what =
            format!("{} reads a file in a PIVOT without a list of values, where vmesh doesn't see it", kind.noun());
        let help = "list the values: PIVOT … ON column IN ('a', 'b'); or read the file in a model of its own";
        return Err(Refusal::new(what, file.span.clone(), help));
    }
    calls(lexemes).try_for_each(|(at, name)| {
        let before = at.checked_sub(1).and_then(|at| lexemes.get(at));
        let in_from =
            before.is_some_and(|it| it.is_symbol(",") || ["from", "join", "lateral"].iter().any(|w| it.is_keyword(w)));
        function(kind, name, in_from, lexemes.get(at..), &whole(lexemes))
    })
}

/// Everything that may be a call, and its name: a word, or a string in its place, before a parenthesis.
fn calls(lexemes: &[Lexeme]) -> impl Iterator<Item = (usize, &str)> {
    lexemes.windows(2).enumerate().filter_map(|(at, pair)| match pair {
        [Lexeme { token: Token::Word { text, .. } | Token::String(text), .. }, open] if open.is_symbol("(") => {
            Some((at, text.as_str()))
        }
        _ => None,
    })
}

/// Where a call stands that DuckDB saw.
fn call(lexemes: &[Lexeme], called: &Called) -> Option<usize> {
    let from = called.at.unwrap_or(0);
    let mut same = calls(lexemes).filter(|(_, name)| name.eq_ignore_ascii_case(&called.name));
    let starts = |at: usize| lexemes.get(at).is_some_and(|lexeme| lexeme.span.start >= from);
    same.find(|(at, _)| starts(*at)).map(|(at, _)| at)
}

fn whole(lexemes: &[Lexeme]) -> Span {
    match (lexemes.first(), lexemes.last()) {
        (Some(first), Some(last)) => first.span.start..last.span.end,
        _ => 0..0,
    }
}
