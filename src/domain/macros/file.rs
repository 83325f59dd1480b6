//! A model's file as a whole: macros in its header, blueprints, and what follows the header.

use std::ops::Range;

use super::super::diagnostic::Problem;
use super::super::sql::{self, Lexeme, Span, Token};
use super::blueprint::{self, Blueprint};
use super::scan::Source;
use super::{Expanded, Macro, Map, Scope, Value, expand, is_dynamic, text};

/// A model's file, taken apart as far as macros need it.
pub struct File<'t> {
    text: &'t str,
    lexemes: Vec<Lexeme>,
    header: Option<Header>,
    /// The first byte and lexeme of the audits behind the query, which are expanded when they run.
    audits: (usize, usize),
}

/// The `MODEL (…);` at the start.
struct Header {
    /// The first byte behind it.
    end: usize,
    /// The first lexeme behind it.
    after: usize,
    properties: Vec<Property>,
}

/// One property, by its bytes and lexemes.
struct Property {
    key: String,
    item: Span,
    value: Range<usize>,
}

/// What a file says of its model where the header doesn't.
#[derive(Debug, Clone, Copy)]
pub struct Defaults<'d> {
    /// The name, dotted.
    pub name: &'d str,
    /// The kind's word.
    pub kind: &'d str,
}

impl<'t> File<'t> {
    /// Takes a file apart; `None` if it can't be lexed, which is told when it is read.
    pub fn read(text: &'t str) -> Option<Self> {
        let lexemes = sql::lex(text).ok()?;
        let source = Source { text, lexemes: &lexemes };
        let header = Header::find(source);
        let first = header.as_ref().map_or(0, |header| header.after);
        let statements = sql::split(&lexemes);
        let audit = statements.iter().map(|it| it.lexemes.start).find(|at| *at >= first && source.word(*at, "audit"));
        let audits = audit.map_or((text.len(), lexemes.len()), |at| (source.span(&(at..at + 1)).start, at));
        Some(Self { text, header, audits, lexemes })
    }

    /// Whether there is anything to expand.
    pub fn is_dynamic(&self) -> bool {
        let source = self.source();
        let properties = self.header.iter().flat_map(|header| &header.properties);
        let mut properties = properties.filter(|it| it.key == "blueprints" || it.is_dynamic(source));
        let lexemes = &self.lexemes[self.after()..self.audits.1];
        properties.next().is_some()
            || is_dynamic(lexemes)
            || sql::split(&self.lexemes).iter().any(|statement| {
                let first = statement.lexemes.start;
                source.word(first, "jinja_query_begin") || source.word(first, "jinja_statement_begin")
            })
    }

    /// The blueprints that make several models of the file; `None` if it has none.
    pub fn blueprints(&self, scope: &Scope<'_>) -> Result<Option<Vec<Blueprint>>, Problem> {
        let properties = self.header.iter().flat_map(|header| &header.properties);
        let Some(property) = properties.into_iter().find(|it| it.key == "blueprints") else { return Ok(None) };
        let start = self.source().span(&property.value).start;
        let expanded = expand(self.source().of(&property.value), scope).map_err(|it| later(it, start))?;
        let back = |span: &Span| {
            let original = expanded.map.original(span);
            start + original.start..start + original.end
        };
        let led_back = |problem: Problem| Problem { span: back(&problem.span), ..problem };
        blueprint::read(&expanded.text).map(Some).map_err(led_back)
    }

    /// The file without its macros and blueprints. In the header, what is only known when a model is run stays as it is.
    pub fn expand(&self, scope: &Scope<'_>, defaults: Defaults<'_>) -> Result<Expanded, Problem> {
        let mut whole = Expanded::default();
        let mut own = (defaults.name.to_owned(), defaults.kind.to_owned());
        if let Some(header) = &self.header {
            self.expand_header(header, scope, &mut whole, &mut own)?;
        }
        let start = self.start();
        let mut named = scope.named.clone();
        if named.get("this_model").is_none()
            && let Some(parts) = text::dotted(&own.0)
        {
            let quoted: Vec<String> = parts.iter().map(|part| text::quoted(part)).collect();
            named.set("this_model", Value::Sql(quoted.join(".")));
        }
        named.set("model_kind_name", Value::Text(own.1.to_uppercase()));
        let body = &self.text[start..self.audits.0];
        let body = expand(body, &Scope { named: &named, ..*scope }).map_err(|it| later(it, start))?;
        whole.add(body, start);
        whole.add(copy(&self.text[self.audits.0..]), self.audits.0);
        Ok(whole)
    }

    fn expand_header(
        &self,
        header: &Header,
        scope: &Scope<'_>,
        out: &mut Expanded,
        own: &mut (String, String),
    ) -> Result<(), Problem> {
        let source = self.source();
        let time = |name: &str| (scope.time)(name).map(|_| format!("@{name}"));
        let mut named = scope.named.clone();
        named.set("runtime_stage", Value::Text("loading".to_owned()));
        named.set("this_model", Value::Sql("@this_model".to_owned()));
        let scope = Scope { named: &named, time: &time, ..*scope };
        let mut copied = 0;
        for property in &header.properties {
            let value = source.span(&property.value);
            let expanded = match property.key.as_str() {
                "blueprints" => Expanded::default(),
                _ if property.is_dynamic(source) => {
                    expand(source.slice(&value), &scope).map_err(|it| later(it, value.start))?
                }
                _ => copy(source.slice(&value)),
            };
            match property.key.as_str() {
                "name" => own.0 = expanded.text.trim().to_owned(),
                "kind" => own.1 = expanded.text.trim().split(['(', ' ', '\n']).next().unwrap_or_default().to_owned(),
                _ => {}
            }
            // a property without a value is as good as none
            let gone = expanded.text.trim().is_empty();
            let kept = if gone { property.item.start } else { value.start };
            out.add(copy(&self.text[copied..kept]), copied);
            if gone {
                let lines = "\n".repeat(source.slice(&property.item).matches('\n').count());
                out.map.push(lines.len(), property.item.clone(), false);
                out.text.push_str(&lines);
            } else {
                out.add(Expanded { variables_used: Default::default(), ..expanded }, value.start);
            }
            copied = property.item.end;
        }
        out.add(copy(&self.text[copied..header.end]), copied);
        Ok(())
    }

    /// A hash over all that may have a say in what stands behind the header, however macros decide: its words, and the
    /// macros and variables that these name.
    pub fn everything(&self, scope: &Scope<'_>) -> [u8; 32] {
        let mut texts = vec![self.text[self.start()..self.audits.0].to_lowercase()];
        let mut left: Vec<&Macro> = scope.macros.iter().collect();
        let mut hasher = blake3::Hasher::new();
        for lexeme in &self.lexemes[self.after()..self.audits.1] {
            hasher.update(format!("{:?},", lexeme.token).as_bytes());
        }
        let named = |texts: &[String], name: &str| texts.iter().any(|text| text.contains(&name.to_lowercase()));
        while let Some(at) = left.iter().position(|one| named(&texts, &one.name)) {
            let one = left.remove(at);
            hasher.update(format!("{}:{:?},", one.name.to_lowercase(), one.body).as_bytes());
            texts.push(format!("{:?}", one.body).to_lowercase());
        }
        for (name, value) in scope.config.iter().chain(scope.blueprint.iter()).chain(scope.named.iter()) {
            if named(&texts, name) {
                hasher.update(format!("{name}={},", value.sql()).as_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }

    /// The first byte behind the header.
    fn start(&self) -> usize {
        self.header.as_ref().map_or(0, |header| header.end)
    }

    /// The first lexeme behind it.
    fn after(&self) -> usize {
        self.header.as_ref().map_or(0, |header| header.after)
    }

    fn source(&self) -> Source<'_> {
        Source { text: self.text, lexemes: &self.lexemes }
    }
}

impl Header {
    fn find(source: Source<'_>) -> Option<Self> {
        let first = sql::split(source.lexemes).into_iter().next().filter(|_| source.word(0, "model"))?;
        let (mut end, mut after) = (first.span.end, first.lexemes.end);
        if source.is(after, ";") {
            (end, after) = (source.span(&(after..after + 1)).end, after + 1);
        }
        let close = source.closing(1, first.lexemes.end).filter(|_| source.is(1, "("));
        let items = close.map_or_else(Vec::new, |close| source.commas(&(2..close)));
        let property = |item: Range<usize>| {
            let Token::Word { text, .. } = &source.lexemes.get(item.start)?.token else { return None };
            let signed = source.is(item.start + 1, "=") || source.is(item.start + 1, ":=");
            let value = item.start + if signed { 2 } else { 1 }..item.end;
            (!value.is_empty()).then(|| Property { key: text.to_lowercase(), item: source.span(&item), value })
        };
        Some(Self { end, after, properties: items.into_iter().filter_map(property).collect() })
    }
}

impl Property {
    /// Whether macros have a say in the value. `cron @daily` is no variable.
    fn is_dynamic(&self, source: Source<'_>) -> bool {
        const SHORTCUTS: [&str; 7] = ["hourly", "daily", "midnight", "weekly", "monthly", "yearly", "annually"];
        let at = self.value.start;
        let is_shortcut = self.key == "cron"
            && self.value.len() == 2
            && source.is(at, "@")
            && SHORTCUTS.iter().any(|word| source.word(at + 1, word));
        !is_shortcut && is_dynamic(&source.lexemes[self.value.clone()])
    }
}

impl Expanded {
    /// Adds what another text, which stands at `start` of the same file, comes to.
    fn add(&mut self, other: Self, start: usize) {
        self.text.push_str(&other.text);
        self.map.extend(other.map, start);
        self.variables_used.extend(other.variables_used);
        self.macros_used.extend(other.macros_used);
        self.relations_asked.extend(other.relations_asked);
        self.defined.extend(other.defined);
    }
}

/// A text that stays as it is.
fn copy(text: &str) -> Expanded {
    let mut map = Map::default();
    map.push(text.len(), 0..text.len(), true);
    Expanded { text: text.to_owned(), map, ..Expanded::default() }
}

fn later(problem: Problem, start: usize) -> Problem {
    Problem { span: start + problem.span.start..start + problem.span.end, ..problem }
}
