//! A project's own audits: `AUDIT (name …); SELECT …`, in files of their own or behind a model.

use serde::{Deserialize, Serialize};

use super::super::diagnostic::{Problem, nearest};
use super::super::name::ModelName;
use super::super::sql::{self, Lexeme, Span, Token};
use super::{problem, read};

/// Properties that have an effect.
const KNOWN: [&str; 8] = ["name", "dialect", "skip", "blocking", "standalone", "defaults", "depends_on", "cron"];
/// Properties that are for people, or that SQLMesh has for its scheduler.
const METADATA: [&str; 10] =
    ["description", "owner", "tags", "stamp", "start", "end", "interval_unit", "cron_tz", "project", "formatting"];

/// An audit of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomAudit {
    /// What stands in `AUDIT (…)`.
    pub header: Header,
    /// The query as written, macros and all.
    pub query: String,
    /// Where the query stands in the file.
    pub query_span: Span,
    /// Statements between the header and the query: `@DEF(…)`.
    pub definitions: Vec<Span>,
}

impl CustomAudit {
    /// Whether an argument may have a say in it.
    pub fn takes(&self, argument: &str) -> bool {
        let mut words = self.query.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let has_default = || self.header.defaults.iter().any(|(name, _)| name.eq_ignore_ascii_case(argument));
        !self.definitions.is_empty() || words.any(|word| word.eq_ignore_ascii_case(argument)) || has_default()
    }
}

/// What `AUDIT (…)` says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// The name in lower case.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// What `blocking` says, if it is given.
    pub blocking: Option<bool>,
    /// Whether it runs by itself, for no single model.
    pub standalone: bool,
    /// Whether it is not to run at all.
    pub skip: bool,
    /// What arguments are when a call doesn't give them: the name in lower case, and the text of the value.
    pub defaults: Vec<(String, String)>,
    /// Models that it reads besides those that its query names.
    pub depends_on: Vec<ModelName>,
    /// When a standalone audit runs.
    pub cron: Option<String>,
}

impl Header {
    /// Whether a failure stops what comes after. A standalone audit stops nothing: nothing waits for it.
    pub fn is_blocking(&self) -> bool {
        !self.standalone && self.blocking.unwrap_or(true)
    }

    /// Reads `AUDIT (…)`, a statement of `text` without its semicolon.
    pub fn read(text: &str, statement: &[Lexeme]) -> Result<Self, Vec<Problem>> {
        let [word, rest @ ..] = statement else { return Err(vec![problem("expected AUDIT (…)", 0..0, None)]) };
        let inner = read::bracketed(rest).filter(|_| rest.first().is_some_and(|open| open.is_symbol("(")));
        let Some(inner) = inner else {
            return Err(vec![unbracketed(word, rest)]);
        };
        let (mut header, mut problems, mut seen) = (Self::default(), Vec::new(), Vec::new());
        for item in read::commas(inner) {
            if let Err(problem) = header.property(text, item, &mut seen) {
                problems.push(problem);
            }
        }
        if !seen.iter().any(|key| key == "name") {
            let help = "AUDIT (name assert_something)".to_owned();
            problems.push(problem("an audit needs a name", word.span.clone(), Some(help)));
        }
        if problems.is_empty() { Ok(header) } else { Err(problems) }
    }

    fn property(&mut self, text: &str, item: &[Lexeme], seen: &mut Vec<String>) -> Result<(), Problem> {
        let place = read::place(item).unwrap_or(0..0);
        let (first, value) = match (read::assignment(item), item) {
            (Some(pair), _) => pair,
            (None, [first, value @ ..]) if matches!(first.token, Token::Word { .. }) => (first, value),
            _ => return Err(problem("expected the name of a property", place, None)),
        };
        let key = read::text(std::slice::from_ref(first)).unwrap_or_default().to_ascii_lowercase();
        if seen.contains(&key) {
            return Err(problem(format!("`{key}` is given twice"), first.span.clone(), None));
        }
        seen.push(key.clone());
        if !KNOWN.contains(&key.as_str()) && !METADATA.contains(&key.as_str()) {
            return Err(unknown(&key, first));
        }
        let Some(at) = read::place(value) else {
            return Err(problem(format!("`{key}` has no value"), first.span.clone(), None));
        };
        let boolean = || {
            let wrong = || problem(format!("`{key}` is true or false"), at.clone(), None);
            read::boolean(value).ok_or_else(wrong)
        };
        match key.as_str() {
            "name" => {
                let wrong = || problem("an audit's name is one word", at.clone(), None);
                self.name = read::text(value).ok_or_else(wrong)?.to_ascii_lowercase();
                self.span = at;
            }
            "dialect" => dialect(value, at)?,
            "skip" => self.skip = boolean()?,
            "blocking" => self.blocking = Some(boolean()?),
            "standalone" => self.standalone = boolean()?,
            "defaults" => self.defaults = defaults(text, value, at)?,
            "depends_on" => {
                for element in read::elements(value) {
                    let name = read::dotted(element).and_then(|parts| ModelName::from_parts(&parts));
                    let wrong = || problem("expected a model's name", read::place(element).unwrap_or(at.clone()), None);
                    self.depends_on.push(name.ok_or_else(wrong)?);
                }
            }
            "cron" => self.cron = Some(text.get(at).unwrap_or_default().trim_matches('\'').to_owned()),
            _ => {}
        }
        Ok(())
    }
}

impl CustomAudit {
    /// What it says, as far as its result depends on it: neither its place nor its name.
    pub fn meaning(&self, text: &str) -> String {
        let Header { blocking, skip, defaults, .. } = &self.header;
        let definitions: Vec<&str> = self.definitions.iter().filter_map(|span| text.get(span.clone())).collect();
        format!("{blocking:?} {skip} {defaults:?} {definitions:?} {}", self.query)
    }

    /// Reads a file of audits.
    pub fn file(text: &str) -> Result<Vec<Self>, Vec<Problem>> {
        let lexemes = sql::lex(text).map_err(|error| vec![error.into()])?;
        let statements: Vec<&[Lexeme]> =
            sql::split(&lexemes).into_iter().map(|statement| &lexemes[statement.lexemes]).collect();
        Self::statements(text, &statements)
    }

    /// Reads `AUDIT (…); SELECT …; AUDIT (…); …`: the statements of a file, or those behind a model's query.
    pub fn statements(text: &str, statements: &[&[Lexeme]]) -> Result<Vec<Self>, Vec<Problem>> {
        let (mut audits, mut problems): (Vec<Self>, _) = (Vec::new(), Vec::new());
        let heads = |statement: &[Lexeme]| statement.first().is_some_and(|first| first.is_keyword("audit"));
        let mut rest = statements;
        if let Some(first) = rest.first().filter(|first| !heads(first)) {
            let help = "audits begin with: AUDIT (name assert_something);".to_owned();
            problems.push(problem("expected AUDIT (…)", first[0].span.clone(), Some(help)));
        }
        while let Some(at) = rest.iter().position(|statement| heads(statement)) {
            let end = rest[at + 1..].iter().position(|statement| heads(statement)).map_or(rest.len(), |n| at + 1 + n);
            match Self::one(text, rest[at], &rest[at + 1..end]) {
                Ok(audit) if audits.iter().any(|other| other.header.name == audit.header.name) => {
                    let what = format!("a second audit `{}`", audit.header.name);
                    problems.push(problem(what, audit.header.span, Some("rename one of them".to_owned())));
                }
                Ok(audit) => audits.push(audit),
                Err(found) => problems.extend(found),
            }
            rest = &rest[end..];
        }
        if problems.is_empty() { Ok(audits) } else { Err(problems) }
    }

    fn one(text: &str, head: &[Lexeme], body: &[&[Lexeme]]) -> Result<Self, Vec<Problem>> {
        let header = Header::read(text, head)?;
        // the marks around a query in Jinja; what is in it is rendered in any case
        let is_mark = |statement: &&[Lexeme]| matches!(statement, [only] if only.is_keyword("jinja_query_begin") || only.is_keyword("jinja_end"));
        let body: Vec<&[Lexeme]> = body.iter().copied().filter(|statement| !is_mark(statement)).collect();
        let [before @ .., query] = body.as_slice() else {
            let what = format!("audit `{}` has no query", header.name);
            let help = "add a SELECT of the bad rows behind the header".to_owned();
            return Err(vec![problem(what, header.span, Some(help))]);
        };
        let mut problems: Vec<Problem> = before.iter().filter_map(|statement| no_definition(statement)).collect();
        problems.extend(no_query(query));
        if !problems.is_empty() {
            return Err(problems);
        }
        let query_span = read::place(query).unwrap_or(0..0);
        let spelled = text.get(query_span.clone()).unwrap_or_default().to_owned();
        let definitions = before.iter().filter_map(|statement| read::place(statement)).collect();
        Ok(Self { header, query: spelled, query_span, definitions })
    }
}

fn unbracketed(word: &Lexeme, rest: &[Lexeme]) -> Problem {
    let help = Some("AUDIT (name assert_something);".to_owned());
    match (rest.first(), read::matching(rest)) {
        (Some(open), None) if open.is_symbol("(") => problem("this `(` is never closed", open.span.clone(), None),
        (Some(open), Some(end)) if open.is_symbol("(") => {
            let at = rest.get(end + 1).map_or_else(|| open.span.clone(), |extra| extra.span.clone());
            problem("expected `;` after the AUDIT header", at, None)
        }
        (other, _) => {
            let at = other.map_or_else(|| word.span.clone(), |other| other.span.clone());
            problem("expected `(` after AUDIT", at, help)
        }
    }
}

fn unknown(key: &str, first: &Lexeme) -> Problem {
    let help = match nearest(key, KNOWN.into_iter().chain(METADATA)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("an audit has {}", KNOWN.join(", ")),
    };
    problem(format!("unknown property `{key}`"), first.span.clone(), Some(help))
}

fn dialect(value: &[Lexeme], at: Span) -> Result<(), Problem> {
    match read::text(value) {
        Some(dialect) if sql::is_duckdb(dialect) => Ok(()),
        _ => {
            let help = "vmesh sends your SQL to the engine as you wrote it and translates nothing".to_owned();
            Err(problem("only dialect `duckdb` is supported", at, Some(help)))
        }
    }
}

/// `(min = 0, name := 'x')`.
fn defaults(text: &str, value: &[Lexeme], at: Span) -> Result<Vec<(String, String)>, Problem> {
    let inner = read::bracketed(value).ok_or_else(|| problem("`defaults` is (name = value, …)", at.clone(), None))?;
    let mut out: Vec<(String, String)> = Vec::new();
    for item in read::commas(inner) {
        let place = read::place(item).unwrap_or(at.clone());
        let pair = read::assignment(item).and_then(|(name, value)| Some((name, read::place(value)?)));
        let (name, value) = pair.ok_or_else(|| problem("a default is `name = value`", place, None))?;
        let key = read::text(std::slice::from_ref(name)).unwrap_or_default().to_ascii_lowercase();
        if out.iter().any(|(other, _)| *other == key) {
            return Err(problem(format!("`{key}` is given twice"), name.span.clone(), None));
        }
        out.push((key, text.get(value).unwrap_or_default().to_owned()));
    }
    Ok(out)
}

/// Before the query, only macros: another query there would be forgotten.
fn no_definition(statement: &[Lexeme]) -> Option<Problem> {
    let is_macro = statement.first().is_some_and(|first| first.is_symbol("@"));
    let place = read::place(statement)?;
    (!is_macro).then(|| match no_query(statement) {
        Some(other) => other,
        None => {
            let help = "begin each audit with a header of its own: AUDIT (name …);".to_owned();
            problem("an audit has one query; this is one too many", place, Some(help))
        }
    })
}

fn no_query(statement: &[Lexeme]) -> Option<Problem> {
    let first = statement.first()?;
    let begins = ["select", "with", "from", "values", "pivot", "unpivot"];
    let is_jinja = matches!(&first.token, Token::Symbol(symbol) if symbol.starts_with('{'));
    if is_jinja || first.is_symbol("(") || first.is_symbol("@") || begins.iter().any(|word| first.is_keyword(word)) {
        return None;
    }
    let help = "an audit's query gives the bad rows: SELECT * FROM @this_model WHERE …".to_owned();
    Some(problem("expected a query", first.span.clone(), Some(help)))
}
