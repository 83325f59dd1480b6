//! Reading one statement: what is on the list is taken apart, everything else is refused.

use super::super::super::diagnostic::Problem;
use super::super::super::name::{literal, quote};
use super::super::super::sql::{self, Lexeme, Span, Token};
use super::cursor::{Cursor, span};
use super::{Act, Part, Probe, Statement, THIS_MODEL, Target, Thing, When, temporary};

/// What statements may do, and what goes where the others are.
pub const RULE: &str = "a statement may write the model's own table (`@this_model`), variables and temporary things: when \
                        a table is reused, other writes would not be made again; what the warehouse needs besides is \
                        made by `before_all`, in the settings";

/// Reads a statement of the file `text`.
pub(in super::super) fn read(text: &str, lexemes: &[Lexeme], when: When) -> Result<Statement, Problem> {
    let place = span(lexemes).unwrap_or(0..0);
    let mut cursor = Cursor::new(lexemes);
    let mut draft = Draft { text, parts: Vec::new(), probe: String::new(), pieces: Vec::new() };
    let found = if cursor.take(&["set"]) {
        set(&mut cursor, &mut draft)
    } else if cursor.take(&["create"]) {
        create(&mut cursor, &mut draft)
    } else if cursor.take(&["drop"]) {
        dropped(&mut cursor, &mut draft)
    } else if cursor.take(&["analyze"]) {
        analyze(&mut cursor, &mut draft)
    } else if cursor.take(&["comment", "on"]) {
        comment(&mut cursor, &mut draft)
    } else if cursor.take(&["insert", "into"]) {
        insert(&mut cursor, &mut draft)
    } else if cursor.take(&["update"]) {
        update(&mut cursor, &mut draft)
    } else if cursor.take(&["delete", "from"]) {
        delete(&mut cursor, &mut draft)
    } else {
        None
    };
    let (verb, act) = found.filter(|_| cursor.is_done()).ok_or_else(|| refuse(lexemes, &place))?;
    if let Act::Make(_, name) | Act::Drop(_, name) | Act::Set(name) = &act
        && name.to_lowercase().starts_with("vmesh")
    {
        return Err(Problem::new("names that begin with `vmesh` are vmesh's own", place));
    }
    let Draft { parts, probe, pieces, .. } = draft;
    let probe = (!probe.is_empty()).then(|| {
        let query = sql::analyse(&probe);
        Probe { text: probe, pieces, query }
    });
    Ok(Statement { when, span: place, verb: verb.to_owned(), act, parts, probe })
}

/// The words that a statement begins with, and why it is refused.
fn refuse(lexemes: &[Lexeme], place: &Span) -> Problem {
    let word = |at: usize| match lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, quoted: false }) => text.to_uppercase(),
        _ => String::new(),
    };
    let first = word(0);
    let help = match (first.as_str(), word(1).as_str()) {
        ("CREATE", "TABLE" | "VIEW" | "MACRO" | "FUNCTION") => {
            "make it temporary: CREATE TEMP TABLE … AS SELECT …, CREATE TEMP VIEW …, CREATE TEMP MACRO …; or make it in \
             `before_all`, in the settings"
        }
        ("CREATE", "INDEX" | "UNIQUE" | "TEMP" | "TEMPORARY" | "OR") => {
            "what may be made: CREATE TEMP TABLE|VIEW name AS SELECT …, CREATE TEMP MACRO name(…) AS …, CREATE INDEX name \
             ON @this_model (…)"
        }
        ("SET", setting) if setting.starts_with("S3_") => {
            "main's settings have what other machines are entered with: [engine.secrets.NAME] type = \"s3\" (config.yaml: \
             `secrets` of the connection)"
        }
        ("SET" | "RESET" | "PRAGMA" | "USE", _) => "settings are vmesh's; variables can be set: SET VARIABLE name = …",
        ("INSTALL" | "LOAD" | "ATTACH" | "DETACH", _) => {
            "a model's warehouse is closed to the outside, so that branches of strangers are safe to check out"
        }
        ("COPY" | "EXPORT", _) => "export with `vmesh query … --format csv|parquet`; a branch may write no files",
        ("ALTER", _) => "say it in the query: rename, cast and leave out columns there",
        ("INSERT", _) => "INSERT INTO @this_model [(columns)] SELECT …",
        ("UPDATE", _) => "UPDATE @this_model SET … [FROM …] [WHERE …], without RETURNING",
        ("DELETE", _) => "DELETE FROM @this_model [USING …] [WHERE …], without RETURNING",
        _ => RULE,
    };
    let shown = if first.is_empty() { "this".to_owned() } else { format!("this `{first}`") };
    Problem::new(format!("{shown} is no statement that can stand around a query"), place.clone()).help(help)
}

/// A statement being put together, with its probe.
struct Draft<'a> {
    text: &'a str,
    parts: Vec<Part>,
    probe: String,
    pieces: Vec<(Span, usize)>,
}

impl Draft<'_> {
    fn ours(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Ours(text.into()));
    }

    fn source(&mut self, lexemes: &[Lexeme]) -> Option<()> {
        self.parts.push(Part::Source(span(lexemes)?));
        Some(())
    }

    /// Our own words in the probe.
    fn asks(&mut self, text: &str) {
        self.probe.push_str(text);
    }

    /// The user's in the probe.
    fn copies(&mut self, lexemes: &[Lexeme]) -> Option<()> {
        let span = span(lexemes)?;
        let start = self.probe.len();
        self.probe.push_str(self.text.get(span.clone())?);
        self.pieces.push((start..self.probe.len(), span.start));
        // two pieces never touch, whatever they begin and end with
        self.probe.push(' ');
        Some(())
    }

    /// The user's in both.
    fn both(&mut self, lexemes: &[Lexeme]) -> Option<()> {
        self.source(lexemes)?;
        self.copies(lexemes)
    }
}

type Found = Option<(&'static str, Act)>;

/// `SET VARIABLE name = expression`.
fn set(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    if !cursor.take(&["variable"]) {
        return None;
    }
    let (name, _) = cursor.word()?;
    if !cursor.symbol("=") && !cursor.take(&["to"]) {
        return None;
    }
    draft.ours(format!("SET VARIABLE {} = (", quote(&name)));
    draft.asks("SELECT (");
    draft.both(cursor.until(&[]))?;
    draft.ours(")");
    draft.asks(")");
    Some(("SET VARIABLE", Act::Set(name)))
}

/// `CREATE [OR REPLACE] TEMP TABLE|VIEW|MACRO …` or `CREATE [UNIQUE] INDEX …`.
fn create(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    if cursor.take(&["index"]) {
        return index(cursor, draft, "");
    }
    if cursor.take(&["unique", "index"]) {
        return index(cursor, draft, "UNIQUE ");
    }
    let replace = if cursor.take(&["or", "replace"]) { "OR REPLACE " } else { "" };
    if !cursor.any(&["temp", "temporary"]) {
        return None;
    }
    let thing = match () {
        () if cursor.take(&["table"]) => Thing::Table,
        () if cursor.take(&["view"]) => Thing::View,
        () if cursor.any(&["macro", "function"]) => Thing::Macro,
        () => return None,
    };
    let missing = if cursor.take(&["if", "not", "exists"]) { "IF NOT EXISTS " } else { "" };
    let target = cursor.name()?;
    let name = temporary(&target.parts)?.to_owned();
    draft.ours(format!("CREATE {replace}TEMP {} {missing}", thing.word()));
    draft.parts.push(Part::Temporary(name.clone()));
    if thing == Thing::Macro {
        return made_macro(cursor, draft, name);
    }
    if thing == Thing::View && cursor.peek().is_some_and(|next| next.is_symbol("(")) {
        draft.ours(format!(" ({})", columns(cursor.parentheses()?)?));
    }
    if !cursor.take(&["as"]) {
        return None;
    }
    draft.ours(" AS ");
    draft.both(cursor.until(&[]))?;
    Some((if thing == Thing::Table { "CREATE TEMP TABLE" } else { "CREATE TEMP VIEW" }, Act::Make(thing, name)))
}

/// Behind the name: `(parameters) AS [TABLE] body`.
fn made_macro(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>, name: String) -> Found {
    let parameters = parameters(cursor.parentheses()?)?;
    draft.ours(format!("({parameters})"));
    if !cursor.take(&["as"]) {
        return None;
    }
    let thing = if cursor.take(&["table"]) { Thing::TableMacro } else { Thing::Macro };
    match thing {
        Thing::TableMacro => draft.ours(" AS TABLE "),
        _ => {
            draft.ours(" AS (");
            draft.asks("SELECT (");
        }
    }
    draft.both(cursor.until(&[]))?;
    if thing == Thing::Macro {
        draft.ours(")");
        draft.asks(")");
    }
    Some(("CREATE TEMP MACRO", Act::Make(thing, name)))
}

/// `a, b := 1`: names, and defaults that are numbers, strings or words.
fn parameters(lexemes: &[Lexeme]) -> Option<String> {
    let mut cursor = Cursor::new(lexemes);
    let mut out = Vec::new();
    while !cursor.is_done() {
        let name = quote(&cursor.word()?.0);
        let default = match cursor.symbol(":=") || cursor.symbol("=>") {
            true => format!(" := {}", value(&mut cursor)?),
            false => String::new(),
        };
        out.push(name + &default);
        if !cursor.symbol(",") && !cursor.is_done() {
            return None;
        }
    }
    Some(out.join(", "))
}

fn value(cursor: &mut Cursor<'_>) -> Option<String> {
    let sign = if cursor.symbol("-") { "-" } else { "" };
    if let Some(text) = cursor.string() {
        return Some(literal(&text)).filter(|_| sign.is_empty());
    }
    if let Some(number) = cursor.number() {
        return Some(format!("{sign}{number}"));
    }
    let word = ["null", "true", "false"].into_iter().find(|word| cursor.take(&[word]))?;
    Some(word.to_uppercase()).filter(|_| sign.is_empty())
}

/// `a, b`.
fn columns(lexemes: &[Lexeme]) -> Option<String> {
    let mut cursor = Cursor::new(lexemes);
    let mut names = vec![quote(&cursor.word()?.0)];
    while cursor.symbol(",") {
        names.push(quote(&cursor.word()?.0));
    }
    cursor.is_done().then(|| names.join(", "))
}

/// `[IF NOT EXISTS] name ON table (expressions)`.
fn index(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>, unique: &str) -> Found {
    let missing = if cursor.take(&["if", "not", "exists"]) { "IF NOT EXISTS " } else { "" };
    draft.ours(format!("CREATE {unique}INDEX {missing}"));
    draft.parts.push(Part::Index(cursor.word()?.0));
    if !cursor.take(&["on"]) {
        return None;
    }
    let target = cursor.name()?;
    draft.ours(" ON ");
    draft.parts.push(Part::Target);
    draft.ours(" (");
    let inner = cursor.parentheses()?;
    draft.asks("SELECT ");
    draft.both(inner)?;
    draft.ours(")");
    Some(("CREATE INDEX", Act::Change(target)))
}

/// `TABLE|VIEW|MACRO|FUNCTION [IF EXISTS] name`, of a temporary thing.
fn dropped(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    let thing = match () {
        () if cursor.any(&["macro", "function"]) && cursor.take(&["table"]) => Thing::TableMacro,
        () if cursor.take(&["table"]) => Thing::Table,
        () if cursor.take(&["view"]) => Thing::View,
        () => Thing::Macro,
    };
    let exists = if cursor.take(&["if", "exists"]) { "IF EXISTS " } else { "" };
    let target = cursor.name()?;
    let name = temporary(&target.parts)?.to_owned();
    draft.ours(format!("DROP {} {exists}", thing.word()));
    draft.parts.push(Part::Temporary(name.clone()));
    Some(("DROP", Act::Drop(thing, name)))
}

fn analyze(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    let target = cursor.name()?;
    draft.ours("ANALYZE ");
    draft.parts.push(Part::Target);
    Some(("ANALYZE", Act::Change(target)))
}

/// `TABLE table IS '…'` or `COLUMN table.column IS '…'`.
fn comment(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    let column = cursor.take(&["column"]);
    if !column && !cursor.take(&["table"]) {
        return None;
    }
    let (target, column) = split_column(cursor.name()?, column)?;
    draft.ours(if column.is_some() { "COMMENT ON COLUMN " } else { "COMMENT ON TABLE " });
    draft.parts.push(Part::Target);
    draft.ours(column.map(|column| format!(".{}", quote(&column))).unwrap_or_default());
    draft.ours(format!(" IS {}", said(cursor)?.map_or_else(|| "NULL".to_owned(), |text| literal(&text))));
    Some(("COMMENT ON", Act::Change(target)))
}

/// `COMMENT ON VIEW @this_model IS '…'` or `COMMENT ON COLUMN @this_model.column IS '…'`: the column, and the text.
pub(in super::super) fn comment_on_view(lexemes: &[Lexeme]) -> Option<(Option<String>, Option<String>)> {
    let mut cursor = Cursor::new(lexemes);
    let is_column = match cursor.take(&["comment", "on"]) {
        true if cursor.take(&["column"]) => true,
        true if cursor.any(&["view", "table"]) => false,
        _ => return None,
    };
    let (target, column) = split_column(cursor.name()?, is_column)?;
    let is_own = matches!(target.parts.as_slice(), [only] if only.eq_ignore_ascii_case(THIS_MODEL));
    let text = said(&mut cursor)?;
    (is_own && cursor.is_done()).then_some((column, text))
}

/// A name whose last part may be that of a column.
fn split_column(mut target: Target, has_column: bool) -> Option<(Target, Option<String>)> {
    let column = if has_column { target.parts.pop() } else { None };
    (!target.parts.is_empty()).then_some((target, column))
}

/// `IS '…'` or `IS NULL`.
fn said(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    if !cursor.take(&["is"]) {
        return None;
    }
    if cursor.take(&["null"]) { Some(None) } else { cursor.string().map(Some) }
}

/// `table [(columns)] [BY NAME] query`.
fn insert(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    let target = cursor.name()?;
    draft.ours("INSERT INTO ");
    draft.parts.push(Part::Target);
    if cursor.peek().is_some_and(|next| next.is_symbol("(")) {
        draft.ours(format!(" ({})", columns(cursor.parentheses()?)?));
    }
    if cursor.take(&["by", "name"]) {
        draft.ours(" BY NAME");
    } else {
        cursor.take(&["by", "position"]);
    }
    draft.ours(" ");
    draft.both(cursor.until(&["returning"]))?;
    Some(("INSERT", Act::Change(target)))
}

/// `table [AS alias] SET … [FROM …] [WHERE …]`.
fn update(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    let target = cursor.name()?;
    let alias = alias(cursor, &target, "set")?;
    draft.ours("UPDATE ");
    draft.parts.push(Part::Target);
    draft.ours(format!(" AS {alias} SET "));
    if !cursor.take(&["set"]) {
        return None;
    }
    draft.asks("SELECT ");
    draft.both(cursor.until(&["from", "where", "returning"]))?;
    draft.asks(&format!("FROM vmesh_target AS {alias} "));
    if cursor.take(&["from"]) {
        draft.ours(" FROM ");
        draft.asks(", ");
        draft.both(cursor.until(&["where", "returning"]))?;
    }
    filter(cursor, draft)?;
    Some(("UPDATE", Act::Change(target)))
}

/// `table [AS alias] [USING …] [WHERE …]`.
fn delete(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Found {
    let target = cursor.name()?;
    let alias = alias(cursor, &target, "using")?;
    draft.ours("DELETE FROM ");
    draft.parts.push(Part::Target);
    draft.ours(format!(" AS {alias}"));
    draft.asks(&format!("SELECT 1 FROM vmesh_target AS {alias} "));
    if cursor.take(&["using"]) {
        draft.ours(" USING ");
        draft.asks(", ");
        draft.both(cursor.until(&["where", "returning"]))?;
    }
    filter(cursor, draft)?;
    Some(("DELETE", Act::Change(target)))
}

fn filter(cursor: &mut Cursor<'_>, draft: &mut Draft<'_>) -> Option<()> {
    if cursor.take(&["where"]) {
        draft.ours(" WHERE ");
        draft.asks("WHERE ");
        draft.both(cursor.until(&["returning"]))?;
    }
    Some(())
}

/// The alias that a table is given, or the name that its columns go by without one.
fn alias(cursor: &mut Cursor<'_>, target: &Target, next: &str) -> Option<String> {
    let has_one = cursor.take(&["as"])
        || cursor.peek().is_some_and(|lexeme| {
            matches!(lexeme.token, Token::Word { .. })
                && ![next, "where", "returning"].iter().any(|it| lexeme.is_keyword(it))
        });
    let name = if has_one { cursor.word()?.0 } else { target.parts.last()?.clone() };
    Some(quote(&name))
}
