//! Jinja, rendered by minijinja: no files, no environment, no clock, and bounds on steps, sizes and depth.
//!
//! The template is rewritten before it is rendered. Every piece outside of macros gets a mark in front of it, which leads
//! the output back to its place. Every name that a tag binds is checked for its size, and every output is counted:
//! minijinja bounds steps but not memory, and `{% set x = x ~ x %}` doubles with each step.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::value::Value as Dynamic;
use minijinja::{Error, ErrorKind};

use super::super::diagnostic::{Problem, nearest};
use super::super::sql::{self, Span, Token};
use super::jinja_env::{Bounded, LONGEST, Names, environment};
use super::jinja_text::{Kind, Piece, pieces, words};
use super::scan::problem;
use super::{Body, LARGEST, Macro, Map, Scope, text};

/// How many operators that make strings longer one tag may have.
const OPERATORS: usize = 16;
/// What a mark begins and ends with.
const MARK: [char; 2] = ['\u{f8f0}', '\u{f8f1}'];

/// A text whose Jinja is rendered.
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) map: Map,
    pub(super) variables_used: BTreeSet<String>,
    pub(super) macros_used: BTreeSet<String>,
}

/// Renders a text; `None` if it has no Jinja outside of strings.
pub(super) fn render(original: &str, scope: &Scope<'_>) -> Result<Option<Rendered>, Problem> {
    if !["{{", "{%", "{#"].iter().any(|open| original.contains(open)) && !has_fence(original) {
        return Ok(None);
    }
    if let Ok(lexemes) = sql::lex(original) {
        let jinja = |symbol: &str| ["{{", "{%", "{#"].iter().any(|open| symbol.starts_with(open));
        let any = lexemes.iter().any(|it| matches!(&it.token, Token::Symbol(symbol) if jinja(symbol)));
        if !any && !has_fence(original) {
            return Ok(None);
        }
    }
    let plain = if has_fence(original) { without_fences(original) } else { original.to_owned() };
    let pieces = pieces(&plain)?;
    let template = Template::build(&plain, &pieces, scope)?;
    let names = Arc::new(Names::new(&template.source, scope));
    let env = environment(&plain, &pieces, &names);
    let mut out = Bounded(Vec::new());
    let result = env
        .template_from_str(&template.source)
        .and_then(|ready| ready.render_captured_to(Dynamic::from_dyn_object(names.clone()), &mut out).map(|_| ()));
    result.map_err(|error| template.problem(&error, &plain, &pieces, scope))?;
    let (text, map) = assemble(&String::from_utf8_lossy(&out.0), &plain, &pieces)?;
    let variables_used = names.used.lock().map(|used| used.clone()).unwrap_or_default();
    Ok(Some(Rendered { text, map, variables_used, macros_used: template.macros }))
}

/// Whether there is a `JINJA_QUERY_BEGIN;` or its like.
fn has_fence(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(24).collect();
    start.to_ascii_lowercase().starts_with("jinja_")
}

/// The text with blanks in place of `JINJA_QUERY_BEGIN;` and `JINJA_END;`, which still ends what stands in front of it.
fn without_fences(text: &str) -> String {
    let (lower, mut out, mut at) = (text.to_ascii_lowercase(), String::with_capacity(text.len()), 0);
    for (start, _) in lower.match_indices("jinja_") {
        let fence = ["jinja_query_begin", "jinja_statement_begin", "jinja_end"]
            .into_iter()
            .find(|it| lower[start..].starts_with(it));
        let Some(fence) = fence.filter(|_| start >= at) else { continue };
        let behind = &text[start + fence.len()..];
        let end = text.len() - behind.trim_start().strip_prefix(';').unwrap_or(behind).len();
        out.push_str(&text[at..start]);
        let kept = |c: char| c == '\n' || c == ';' && fence == "jinja_end";
        out.extend(text[start..end].chars().map(|c| if kept(c) { c } else { ' ' }));
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

/// What minijinja gets to see.
struct Template {
    source: String,
    /// Which bytes of the source are which piece, and which are which macro of the project.
    places: Vec<(Span, Result<usize, String>)>,
    macros: BTreeSet<String>,
}

impl Template {
    fn build(text: &str, pieces: &[Piece], scope: &Scope<'_>) -> Result<Self, Problem> {
        let mut template = Self { source: String::new(), places: Vec::new(), macros: BTreeSet::new() };
        let mentioned = pieces.iter().filter(|piece| piece.kind != Kind::Text).map(|piece| &text[piece.span.clone()]);
        for item in needed(&mentioned.collect::<Vec<_>>().join(" "), scope) {
            let Body::Jinja(source) = &item.body else { continue };
            template.macros.insert(item.name.to_lowercase());
            let start = template.source.len();
            let inner = super::jinja_text::pieces(source).map_err(|error| in_macro(&item.name, error, pieces))?;
            let mut opened = Vec::new();
            for piece in &inner {
                let shown = &source[piece.span.clone()];
                if piece.kind == Kind::Text {
                    template.source.push_str(&format!("{{{{ {} }}}}", string(shown)));
                } else if piece.kind != Kind::Comment {
                    template
                        .tag(shown, &mut opened)
                        .map_err(|what| in_macro(&item.name, problem(what, 0..0), pieces))?;
                }
            }
            template.places.push((start..template.source.len(), Err(item.name.clone())));
        }
        // Blocks whose content becomes a string, which marks would change.
        let mut opened: Vec<String> = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let shown = &text[piece.span.clone()];
            let marked = opened.is_empty();
            if marked && piece.kind != Kind::Comment {
                template.source.push_str(&format!("{}{index}{}", MARK[0], MARK[1]));
            }
            match piece.kind {
                Kind::Text if marked => {}
                Kind::Text => template.source.push_str(&format!("{{{{ __text({index}) }}}}")),
                Kind::Comment => {}
                Kind::Expression | Kind::Tag => {
                    let start = template.source.len();
                    template.tag(shown, &mut opened).map_err(|what| problem(what, piece.span.clone()))?;
                    template.places.push((start..template.source.len(), Ok(index)));
                }
            }
        }
        Ok(template)
    }

    /// Adds a tag, and checks of what it binds behind it. `opened` holds the blocks that capture, with what they bind.
    fn tag(&mut self, tag: &str, opened: &mut Vec<String>) -> Result<(), String> {
        let inner = tag.get(2..tag.len().saturating_sub(2)).unwrap_or("");
        check_operators(inner)?;
        self.source.push_str(&with_format(tag));
        if tag.starts_with("{{") {
            return Ok(());
        }
        let inner = inner.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace());
        let mut bound = Vec::new();
        match words(inner).next().unwrap_or("") {
            "set" => match assignment(inner) {
                Some(at) if inner[..at].contains('.') => {
                    let target = inner[..at].trim_start_matches("set").trim();
                    bound = words(target).next().map(str::to_owned).into_iter().collect();
                    self.source.push_str(&format!("{{% set {target} = __attribute({target}) %}}"));
                }
                Some(at) => {
                    bound = words(&inner[..at]).skip(1).map(str::to_owned).collect();
                    // lists and dicts that have a name change in place
                    for name in &bound {
                        self.source.push_str(&format!("{{% set {name} = __own({name}) %}}"));
                    }
                }
                None => opened.push(words(inner).nth(1).unwrap_or("").to_owned()),
            },
            "for" => bound = words(inner).skip(1).take_while(|word| *word != "in").map(str::to_owned).collect(),
            "macro" | "call" => {
                opened.push(String::new());
                bound = parameters(inner);
            }
            "with" => bound = targets(inner),
            "filter" | "block" => opened.push(String::new()),
            "endset" | "endmacro" | "endcall" | "endfilter" | "endblock" => {
                bound = opened.pop().filter(|name| !name.is_empty()).into_iter().collect();
            }
            "include" | "import" | "from" | "extends" => return Err("other templates can't be loaded".to_owned()),
            _ => {}
        }
        if !bound.is_empty() {
            self.source.push_str(&format!("{{{{ __check({}) }}}}", bound.join(", ")));
        }
        Ok(())
    }

    /// What went wrong, where in the text.
    fn problem(&self, error: &Error, text: &str, pieces: &[Piece], scope: &Scope<'_>) -> Problem {
        let range = error.range().unwrap_or(0..0);
        let place = self.places.iter().find(|(place, _)| place.contains(&range.start));
        let first =
            pieces.iter().find(|piece| piece.kind != Kind::Text).map_or(0..text.len(), |piece| piece.span.clone());
        let word = self.source.get(range.clone()).unwrap_or("");
        let is_name = |text: &str| !text.is_empty() && words(text).next() == Some(text);
        let mut found = match error.kind() {
            ErrorKind::OutOfFuel => problem("this Jinja takes too many steps", first.clone()),
            ErrorKind::UndefinedError if is_name(word) => {
                let known = scope.config.iter().chain(scope.named.iter()).map(|(name, _)| name);
                let help = match scope.blueprint.get(word) {
                    Some(_) => Some(format!("a blueprint's values are called by `blueprint_var('{word}')`")),
                    None => nearest(word, known).map(|near| format!("did you mean `{near}`?")),
                };
                Problem { help, ..problem(format!("undefined variable `{word}` in Jinja"), first.clone()) }
            }
            kind => {
                let detail = error.detail().map_or_else(|| kind.to_string(), str::to_owned);
                problem(format!("Jinja: {detail}"), first.clone())
            }
        };
        match place {
            Some((start, Ok(piece))) => {
                let whole = pieces.get(*piece).map_or(first, |piece| piece.span.clone());
                let inner =
                    whole.start + (range.start - start.start)..whole.start + (range.end.max(range.start) - start.start);
                let inside = inner.end <= whole.end && !inner.is_empty() && text.get(inner.clone()).is_some();
                found.span = if inside { inner } else { whole };
            }
            Some((_, Err(name))) => {
                let calls = |piece: &&Piece| {
                    piece.kind != Kind::Text && words(&text[piece.span.clone()]).any(|word| word == name)
                };
                found.span = pieces.iter().find(calls).map_or(first, |piece| piece.span.clone());
                found.what = format!("in the macro `{name}`: {}", found.what);
            }
            None => {}
        }
        found
    }
}

fn in_macro(name: &str, error: Problem, pieces: &[Piece]) -> Problem {
    let span = pieces.iter().find(|piece| piece.kind != Kind::Text).map_or(0..0, |piece| piece.span.clone());
    Problem { what: format!("in the macro `{name}`: {}", error.what), span, help: error.help }
}

/// The Jinja macros that a text mentions, and those that they mention.
fn needed<'s>(mentioned: &str, scope: &Scope<'s>) -> Vec<&'s Macro> {
    let mut wanted: BTreeSet<String> = words(mentioned).map(str::to_owned).collect();
    let mut found: Vec<&Macro> = Vec::new();
    loop {
        let fresh =
            |item: &&'s Macro| wanted.contains(&item.name) && !found.iter().any(|other| other.name == item.name);
        let more: Vec<_> =
            scope.macros.iter().filter(|item| matches!(item.body, Body::Jinja(_))).filter(fresh).collect();
        if more.is_empty() {
            return found;
        }
        for item in more {
            if let Body::Jinja(source) = &item.body {
                wanted.extend(words(source).map(str::to_owned));
            }
            found.push(item);
        }
    }
}

/// Refuses what could make a string very long in one step.
fn check_operators(tag: &str) -> Result<(), String> {
    if tag.len() > LONGEST {
        return Err("this Jinja tag is too long".to_owned());
    }
    if tag.bytes().filter(|byte| matches!(byte, b'~' | b'+')).count() > OPERATORS {
        return Err(format!("more than {OPERATORS} operators in one Jinja tag"));
    }
    let product = tag.find('*').map(|at| (&tag[..at], &tag[at + 1..]));
    let small =
        |word: Option<&str>| word.is_some_and(|word| word.len() < 3 && word.bytes().all(|byte| byte.is_ascii_digit()));
    match product {
        Some((left, right)) if right.contains('*') || !(small(words(left).last()) || small(words(right).next())) => {
            Err("Jinja multiplies only once in a tag, and by a number below 100".to_owned())
        }
        _ => Ok(()),
    }
}

/// A tag in which `'…' % x` is the filter that does the same: minijinja has `%` for numbers alone.
fn with_format(tag: &str) -> Cow<'_, str> {
    let (mut out, mut from) = (String::new(), 0);
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in tag.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => {
                quote = None;
                let behind = tag[at + 1..].trim_start();
                let Some(right) = behind.strip_prefix('%').filter(|right| !right.starts_with('}')) else { continue };
                let right = right.trim_start();
                let start = tag.len() - right.len();
                let end = start + operand(right);
                let value = &tag[start..end];
                let value = if value.starts_with('(') { value.to_owned() } else { format!("({value})") };
                out.push_str(&format!("{}|format{}", &tag[from..=at], with_format(&value)));
                from = end;
            }
            Some(_) => {}
            None if at >= from && (c == '\'' || c == '"') => quote = Some(c),
            None => {}
        }
    }
    if from == 0 { Cow::Borrowed(tag) } else { Cow::Owned(out + &tag[from..]) }
}

/// The length of what stands to the right of `%`: a name, a string, brackets, with what is called or looked up of it.
fn operand(text: &str) -> usize {
    let (mut depth, mut quote) = (0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) => quote = Some(open).filter(|open| *open != c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, c) if depth == 0 && !(c.is_alphanumeric() || c == '_' || c == '.') => return at,
            _ => {}
        }
    }
    text.len()
}

/// Where the `=` of an assignment stands.
fn assignment(tag: &str) -> Option<usize> {
    let at = tag.find('=')?;
    (!tag[at + 1..].starts_with('=') && !tag[..at].contains(['(', '\'', '"'])).then_some(at)
}

/// The names in the first parentheses of `macro f(a, b=1)`.
fn parameters(tag: &str) -> Vec<String> {
    let Some(open) = tag.find('(') else { return Vec::new() };
    listed(&tag[open + 1..])
}

/// The names of `with a = 1, b = 2`.
fn targets(tag: &str) -> Vec<String> {
    listed(tag.trim_start_matches("with"))
}

/// The names that begin the items of a list, up to a bracket that was not opened in it.
fn listed(list: &str) -> Vec<String> {
    let (mut names, mut depth, mut quote, mut start) = (Vec::new(), 0i32, None, Some(0));
    for (at, c) in list.char_indices().chain([(list.len(), ')')]) {
        if let Some(from) = start.filter(|_| !(c.is_alphanumeric() || c == '_' || (c.is_whitespace()))) {
            names.extend(words(&list[from..at]).next().map(str::to_owned));
            start = None;
        }
        match (quote, c) {
            (Some(open), c) => quote = Some(open).filter(|open| *open != c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => start = Some(at + 1),
            _ => {}
        }
        if depth < 0 {
            break;
        }
    }
    names
}

/// A string as Jinja writes it.
fn string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Puts the plain text back in place of its marks.
fn assemble(rendered: &str, text: &str, pieces: &[Piece]) -> Result<(String, Map), Problem> {
    let (mut out, mut map) = (String::new(), Map::default());
    let mut parts = rendered.split(MARK[0]);
    // What the project's macros left in front of the first mark is nothing but blanks.
    parts.next();
    for part in parts {
        let (index, produced) = part.split_once(MARK[1]).unwrap_or((part, ""));
        let Some(piece) = index.parse().ok().and_then(|index: usize| pieces.get(index)) else { continue };
        if piece.kind == Kind::Text {
            out.push_str(&text[piece.span.clone()]);
            map.push(piece.span.len(), piece.span.clone(), true);
        }
        let produced = text::one_line(produced);
        out.push_str(&produced);
        map.push(produced.len(), piece.span.clone(), false);
        if out.len() > LARGEST {
            return Err(problem(format!("this expands to more than {} MB", LARGEST >> 20), piece.span.clone()));
        }
    }
    Ok((out, map))
}
