//! Nothing grows past what one can hold in the head: functions, files, parameters, traits, error enums. What is too long
//! today is listed with its length, and may only shrink; what has shrunk enough leaves the list.

use std::collections::BTreeMap;

use super::{code, is_test, sources};

/// Lines of a function's code, and who may have more.
const LINES: (usize, &[(&str, usize)]) =
    (60, &[("domain/macros/call.rs call", 74), ("domain/model/mod.rs parse_with", 62)]);

/// Parameters besides `self`.
const PARAMETERS: (usize, &[(&str, usize)]) = (
    5,
    &[
        ("domain/macros/project.rs local", 7),
        ("domain/plan.rs new", 6),
        ("workflow/audit_sql.rs expand", 6),
        ("workflow/run.rs run_model", 6),
        ("workflow/statements.rs run_all", 6),
    ],
);

/// Methods of a trait.
const METHODS: (usize, &[(&str, usize)]) = (7, &[("adapter/git/backend.rs Backend", 21)]);

/// Variants of an enum of errors.
const VARIANTS: (usize, &[(&str, usize)]) = (12, &[]);

/// Lines of a file's code, without its tests.
const FILE: usize = 450;

#[test]
fn files_stay_small() {
    for (name, text) in product() {
        let lines = code(&text).lines().count();
        assert!(lines <= FILE, "{name} has {lines} lines of code");
    }
}

#[test]
fn functions_stay_short() {
    hold("lines", LINES, &all(functions, |function| function.lines));
}

#[test]
fn functions_take_few_parameters() {
    hold("parameters", PARAMETERS, &all(functions, |function| function.parameters));
}

#[test]
fn traits_stay_small() {
    hold("methods", METHODS, &all(traits, |(_, methods)| *methods));
}

#[test]
fn errors_have_few_variants() {
    hold("variants", VARIANTS, &all(errors, |(_, variants)| *variants));
}

#[test]
fn what_is_measured_is_there() {
    let text = r##"
impl A<'_> {
    pub(super) fn one<T: Fn(u8) -> [u8; 2]>(&mut self, a: T, (b, c): (u8, u8), d: &dyn Fn(A, B) -> Map<C, D>,) -> [u8; 2]
    where
        T: X,
    {
        let a = "} fn none(", '{', r#"}"}"#;
        fn two() {}
    }
}
trait Small: Big { const A: fn(u8); fn a(&self) { b() } fn b(self); }
enum AnError { #[error("a, {b}")] A, B { b: u8, c: u8 }, C(u8, u8), }
enum Other { A }
"##;
    let functions = functions(text);
    let told: Vec<_> = functions.iter().map(|one| (one.name.as_str(), one.lines, one.parameters)).collect();
    assert_eq!(told, [("one", 7, 3), ("two", 1, 0), ("a", 1, 0), ("b", 1, 0)]);
    assert_eq!(traits(text), [("Small".to_owned(), 2)]);
    assert_eq!(errors(text), [("AnError".to_owned(), 3)]);
}

/// A function's name and measures.
struct Function {
    name: String,
    lines: usize,
    parameters: usize,
}

/// What has a name.
trait Named {
    fn name(&self) -> &str;
}

impl Named for Function {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for (String, usize) {
    fn name(&self) -> &str {
        &self.0
    }
}

/// The files of the product.
fn product() -> impl Iterator<Item = (String, String)> {
    sources().into_iter().filter(|(name, _)| !is_test(name) && !name.starts_with("fuzz/"))
}

/// What all files have of something, as `file name` with its measure.
fn all<T: Named>(find: fn(&str) -> Vec<T>, measure: fn(&T) -> usize) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for (file, text) in product() {
        for one in find(&code(&text)) {
            let most = all.entry(format!("{file} {}", one.name())).or_default();
            *most = measure(&one).max(*most);
        }
    }
    all
}

/// Fails if one has more than is allowed, or is allowed more than it needs.
fn hold(what: &str, (most, exceptions): (usize, &[(&str, usize)]), found: &BTreeMap<String, usize>) {
    let exceptions: BTreeMap<&str, usize> = exceptions.iter().copied().collect();
    let allowed = |name: &str| exceptions.get(name).copied().unwrap_or(most);
    let too_many = found.iter().filter(|(name, count)| **count > allowed(name));
    let mut wrong: Vec<String> = too_many.map(|(name, count)| format!("{name} has {count} {what}")).collect();
    let is_needed = |name: &str| found.get(name).is_some_and(|count| *count > most);
    let past = exceptions.keys().filter(|name| !is_needed(name));
    wrong.extend(past.map(|name| format!("{name} has at most {most} {what} now: take it off the list")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn functions(text: &str) -> Vec<Function> {
    let text = plain(text);
    let function = |(name, rest): (String, &str)| {
        let start = parameters(rest).filter(|_| !name.is_empty())?;
        let given = inside(&rest[start..])?;
        let parameters = items(given).filter(|item| !is_self(item)).count();
        let behind = &rest[start + given.len() + 2..];
        let whole = rest.len() - behind.len() + body(behind);
        Some(Function { name, lines: rest[..whole].lines().count(), parameters })
    };
    declared(&text, "fn").into_iter().filter_map(function).collect()
}

/// Where the parameters begin: behind the generics.
fn parameters(function: &str) -> Option<usize> {
    let (mut depth, mut before) = (0, ' ');
    for (at, c) in function.char_indices() {
        match c {
            '(' if depth == 0 => return Some(at),
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

fn traits(text: &str) -> Vec<(String, usize)> {
    let text = plain(text);
    let methods = |(name, rest): (String, &str)| {
        let inner = inside(&rest[rest.find('{')?..])?;
        let is_outer = |at: usize| inner[..at].matches('{').count() == inner[..at].matches('}').count();
        let found = declared(inner, "fn").into_iter().filter(|(name, _)| !name.is_empty());
        Some((name, found.filter(|(_, rest)| is_outer(inner.len() - rest.len())).count()))
    };
    declared(&text, "trait").into_iter().filter_map(methods).collect()
}

fn errors(text: &str) -> Vec<(String, usize)> {
    let text = plain(text);
    let all = declared(&text, "enum").into_iter().filter(|(name, _)| name.ends_with("Error"));
    all.filter_map(|(name, rest)| Some((name, items(inside(&rest[rest.find('{')?..])?).count()))).collect()
}

/// What is declared by a keyword: its name, and the text from there on.
fn declared<'t>(text: &'t str, keyword: &str) -> Vec<(String, &'t str)> {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let places = text.match_indices(keyword).map(|(at, _)| at);
    let whole = places.filter(|at| !text[..*at].ends_with(is_word) && !text[at + keyword.len()..].starts_with(is_word));
    whole
        .map(|at| {
            (text[at + keyword.len()..].trim_start().split(|c| !is_word(c)).next().unwrap().to_owned(), &text[at..])
        })
        .collect()
}

/// The length of a body and what stands in front of it; up to the semicolon where there is none.
fn body(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' if depth == 0 => return at + inside(&text[at..]).map_or(0, str::len) + 2,
            ';' if depth == 0 => return at + 1,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// What stands between the bracket that a text begins with and the one that closes it.
fn inside(text: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(1..at);
        }
    }
    None
}

/// The items of a list, with commas between them.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut before, mut start, mut found) = (0, ' ', 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if matches!(before, '-' | '=') => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    found.push(&list[start..]);
    found.into_iter().filter(|item| !item.trim().is_empty())
}

fn is_self(parameter: &str) -> bool {
    parameter.split(':').next().unwrap().split([' ', '&']).any(|word| word.trim() == "self")
}

/// Code with nothing in its strings and characters, and without what is behind `//`.
fn plain(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => string(rest),
            'r' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw(rest).unwrap_or(0),
            '\'' => character(rest).unwrap_or(0),
            _ => 0,
        };
        if length == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            // a string of several lines has as many still
            out.extend(rest[..length].chars().filter(|c| *c == '\n'));
            rest = &rest[length..];
        }
    }
    out
}

/// The length of `"…"`.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The length of `r"…"` or `r#"…"#`.
fn raw(text: &str) -> Option<usize> {
    let marks = text[1..].chars().take_while(|c| *c == '#').count();
    let content = text[1 + marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    Some(2 + marks + content.find(&end)? + end.len())
}

/// The length of `'c'` or `'\…'`; none if it is a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (at, _) = chars.skip(1).find(|(_, c)| *c == '\'')?;
        return Some(at + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}
