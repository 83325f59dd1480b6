//! Methods of strings, lists, dicts and expressions, as far as macros use them.

use ruff_python_ast::{Expr, ExprCall, ExprSlice};

use super::Failed;
use super::glot::Given;
use super::run::{LARGEST, Names, Run};
use super::value::Py;

/// Names that an import brings.
pub(super) const MODULES: [&str; 4] = ["exp", "sqlglot", "parse_one", "maybe_parse"];

/// A string that is put together.
#[derive(Default)]
pub(super) struct Pieces {
    text: String,
    is_rendered: bool,
}

impl Pieces {
    pub(super) fn push(&mut self, text: &str, is_exact: bool) {
        self.text.push_str(text);
        self.is_rendered |= !is_exact;
    }

    /// Whether it is longer than any string may be.
    fn is_too_long(&self) -> bool {
        self.text.len() > LARGEST
    }

    pub(super) fn made(self) -> Py {
        if self.is_rendered { Py::Rendered(self.text) } else { Py::Str(self.text) }
    }
}

/// `'%s = %s' % (a, b)`.
pub(super) fn percent(text: &str, given: &[Py]) -> Option<Py> {
    let (mut out, mut given, mut chars) = (Pieces::default(), given.iter(), text.chars());
    while let Some(c) = chars.next() {
        let mut one = [0; 4];
        match c {
            '%' => match (chars.next()?, ()) {
                ('%', ()) => out.push("%", true),
                ('s', ()) => {
                    let (text, is_exact) = given.next()?.text()?;
                    out.push(&text, is_exact);
                }
                ('d', ()) => match given.next()? {
                    Py::Int(number) => out.push(&number.to_string(), true),
                    _ => return None,
                },
                _ => return None,
            },
            c => out.push(c.encode_utf8(&mut one), true),
        }
        (!out.is_too_long()).then_some(())?;
    }
    given.next().is_none().then(|| out.made())
}

/// `'{} {0} {name}'.format(…)`.
fn format(text: &str, given: &Given) -> Option<Py> {
    let (mut out, mut next, mut rest) = (Pieces::default(), 0, text);
    while let Some(at) = rest.find(['{', '}']) {
        out.push(&rest[..at], true);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(more) = rest.strip_prefix(brace) {
            out.push(brace, true);
            rest = more;
            continue;
        }
        let (field, more) = rest.split_once('}').filter(|_| brace == "{")?;
        let value = match field.parse::<usize>() {
            Ok(at) => given.args.get(at),
            Err(_) if field.is_empty() => {
                next += 1;
                given.args.get(next - 1)
            }
            Err(_) => given.named.iter().find(|(name, _)| name == field).map(|(_, value)| value),
        };
        let (text, is_exact) = value?.text()?;
        out.push(&text, is_exact);
        (!out.is_too_long()).then_some(())?;
        rest = more;
    }
    out.push(rest, true);
    Some(out.made())
}

impl Run<'_> {
    /// `of.name`, without a call.
    pub(super) fn attribute(&mut self, of: &Py, name: &str, at: &Expr) -> Result<Py, Failed> {
        let unknown = || Failed::unknown(&format!("`.{name}` of {}", of.kind()), at);
        if let Py::Module(module) = of {
            return Ok(Py::Module(format!("{module}.{name}")));
        }
        if of.is_marked() {
            return self.fixed(of, at).map(|()| Py::None);
        }
        let made = match (of, name) {
            (Py::Sql(_), "name") => of.name().map(Py::Str),
            (Py::Sql(sql), "this") if super::super::text::string(sql).is_some() => of.name().map(Py::Str),
            (Py::Evaluator, "locals") => Some(Py::Evaluator),
            (Py::Evaluator, "runtime_stage") => (self.variable)(super::Ask::Local, name),
            _ => None,
        };
        made.ok_or_else(unknown)
    }

    /// `of[…]`.
    pub(super) fn subscript(&mut self, of: &Py, slice: &Expr, names: &mut Names) -> Result<Py, Failed> {
        self.fixed(of, slice)?;
        let items = match of {
            Py::List(items) => items.borrow().clone(),
            Py::Tuple(items) => items.to_vec(),
            Py::Str(text) => text.chars().map(|c| Py::Str(c.to_string())).collect(),
            Py::Dict(_) | Py::Evaluator => return self.looked_up(of, slice, names),
            other => return Err(Failed::unknown(&format!("an element of {}", other.kind()), slice)),
        };
        if let Expr::Slice(it) = slice {
            let (start, end) = self.bounds(it, items.len(), names)?;
            let part = items.get(start..end.max(start)).unwrap_or_default().to_vec();
            return Ok(match of {
                Py::List(_) => Py::list(part),
                Py::Tuple(_) => Py::tuple(part),
                _ => Py::Str(part.iter().filter_map(|c| Some(c.text()?.0)).collect()),
            });
        }
        match self.value(slice, names)? {
            Py::Int(at) => match place(at, items.len()).and_then(|at| items.get(at)) {
                Some(item) => Ok(item.clone()),
                None => Err(Failed::new(format!("there is no element {at}"), slice)),
            },
            _ => Err(Failed::unknown("this index", slice)),
        }
    }

    /// The start and the end of a slice.
    fn bounds(&mut self, it: &ExprSlice, length: usize, names: &mut Names) -> Result<(usize, usize), Failed> {
        if it.step.is_some() {
            return Err(Failed::unknown("a step in a slice", it));
        }
        let mut end = |bound: &Option<Box<Expr>>, otherwise: usize| match bound {
            None => Ok(otherwise),
            Some(bound) => match self.value(bound, names)? {
                Py::Int(at) => Ok(place(at, length).unwrap_or(0).min(length)),
                _ => Err(Failed::unknown("this bound of a slice", &**bound)),
            },
        };
        Ok((end(&it.lower, 0)?, end(&it.upper, length)?))
    }

    /// `dict['key']`, `evaluator.locals['name']`.
    fn looked_up(&mut self, of: &Py, key: &Expr, names: &mut Names) -> Result<Py, Failed> {
        let value = self.value(key, names)?;
        let Py::Str(name) = &value else { return Err(Failed::unknown("a key that is no string", key)) };
        self.fixed(&value, key)?;
        let found = match of {
            Py::Dict(entries) => entry(entries, name),
            _ => (self.variable)(super::Ask::Local, name),
        };
        found.ok_or_else(|| Failed::new(format!("there is no `{name}`"), key))
    }

    /// A method.
    pub(super) fn method(&mut self, of: &Py, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        match of {
            Py::Module(module) => self.of_module(module, name, given, at),
            Py::Evaluator => self.of_evaluator(name, given, at),
            Py::Str(text) => self.of_string(text, name, given, at),
            Py::List(_) | Py::Dict(_) | Py::Tuple(_) => self.of_container(of, name, given, at),
            Py::Case(branches, otherwise) => {
                let unknown = || Failed::unknown(&format!("`.{name}` of an expression with these arguments"), at);
                let sql = |at: usize| given.args.get(at).and_then(Py::sql).ok_or_else(unknown);
                match (name, given.args.len(), given.named.len()) {
                    ("when", 2, 0) => {
                        let branch = (sql(0)?, sql(1)?);
                        Ok(Py::Case(branches.iter().cloned().chain([branch]).collect(), otherwise.clone()))
                    }
                    ("else_", 1, 0) => Ok(Py::Case(branches.clone(), Some(sql(0)?))),
                    _ => self.of_expression(of, name, given, at),
                }
            }
            _ => self.of_expression(of, name, given, at),
        }
    }

    fn of_expression(&mut self, of: &Py, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let is_duckdb = |value: &Py| matches!(value, Py::Str(dialect) if dialect == "duckdb");
        let says_dialect = given.is_within(1, &["dialect"]) && given.get("dialect", 0).is_none_or(is_duckdb);
        match (name, of.text()) {
            ("sql", Some((sql, _))) if says_dialect && of.sql().is_some() => Ok(Py::Rendered(sql)),
            ("copy", Some(_)) if given.is_within(0, &[]) => Ok(of.clone()),
            _ => Err(Failed::unknown(&format!("`.{name}()` of {}", of.kind()), at)),
        }
    }

    fn of_module(&mut self, module: &str, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let path = format!("{module}.{name}");
        match path.strip_prefix("sqlglot.").unwrap_or(&path) {
            "parse_one" | "maybe_parse" => self.parsed(&given, at),
            path => match path.strip_prefix("exp.") {
                Some(name) => self.of_sqlglot(name, &given, at),
                None => Err(Failed::unknown(&format!("`{path}`"), at)),
            },
        }
    }

    /// `parse_one('a + b')`: SQL as it is written.
    pub(super) fn parsed(&mut self, given: &Given, at: &ExprCall) -> Result<Py, Failed> {
        let is_duckdb = |value: &Py| matches!(value, Py::Str(dialect) if dialect == "duckdb");
        let says_dialect = given.is_within(1, &["dialect"]) && given.get("dialect", usize::MAX).is_none_or(is_duckdb);
        match given.args.first() {
            Some(Py::Str(text) | Py::Rendered(text) | Py::Sql(text)) if says_dialect => Ok(Py::Sql(text.clone())),
            _ => Err(Failed::unknown("parsing this", at)),
        }
    }

    fn of_evaluator(&mut self, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let ask = match name {
            "var" => super::Ask::Variable,
            "blueprint_var" => super::Ask::Blueprint,
            "get" if matches!(given.args.first(), Some(Py::Str(name)) if name == "runtime_stage") => super::Ask::Local,
            "parse_one" => return self.parsed(&given, at),
            _ => return Err(Failed::unknown(&format!("`evaluator.{name}`"), at)),
        };
        match given.args.as_slice() {
            [Py::Str(variable), otherwise @ ..] if given.named.is_empty() && otherwise.len() < 2 => {
                let otherwise = || otherwise.first().cloned().unwrap_or(Py::None);
                Ok((self.variable)(ask, variable).unwrap_or_else(otherwise))
            }
            _ => Err(Failed::unknown(&format!("`evaluator.{name}` with these arguments"), at)),
        }
    }

    fn of_string(&mut self, text: &str, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let string = |at: usize| match given.args.get(at) {
            Some(Py::Str(text)) => Some(text.as_str()),
            _ => None,
        };
        if name == "format" {
            return format(text, &given).ok_or_else(|| Failed::unknown("this format", at));
        }
        if !given.named.is_empty() {
            return Err(Failed::unknown(&format!("`.{name}` of a string with these arguments"), at));
        }
        if name == "join" {
            return self.joined(text, &given, at);
        }
        self.fixed(&Py::Str(text.to_owned()), at)?;
        let unknown = || Failed::unknown(&format!("`.{name}` of a string with these arguments"), at);
        let chars = || string(0).map(|set| set.chars().collect::<Vec<char>>());
        let is_cut = |set: &Option<Vec<char>>, c: char| match set {
            Some(set) => set.contains(&c),
            None => c.is_whitespace(),
        };
        let set = chars();
        Ok(Py::Str(match (name, given.args.len()) {
            ("upper", 0) if text.is_ascii() => text.to_ascii_uppercase(),
            ("lower", 0) if text.is_ascii() => text.to_ascii_lowercase(),
            ("title", 0) if text.is_ascii() => title(text),
            ("strip" | "lstrip" | "rstrip", 0) if !text.is_ascii() => return Err(unknown()),
            ("strip", 0 | 1) => text.trim_matches(|c| is_cut(&set, c)).to_owned(),
            ("lstrip", 0 | 1) => text.trim_start_matches(|c| is_cut(&set, c)).to_owned(),
            ("rstrip", 0 | 1) => text.trim_end_matches(|c| is_cut(&set, c)).to_owned(),
            ("replace", 2) => {
                let (from, to) = (string(0).ok_or_else(unknown)?, string(1).ok_or_else(unknown)?);
                let found = text.matches(from).count();
                if found.saturating_mul(to.len()).saturating_add(text.len()) > LARGEST {
                    return Err(Failed::new("this string gets too long".to_owned(), at));
                }
                text.replace(from, to)
            }
            ("removeprefix", 1) => text.strip_prefix(string(0).ok_or_else(unknown)?).unwrap_or(text).to_owned(),
            ("removesuffix", 1) => text.strip_suffix(string(0).ok_or_else(unknown)?).unwrap_or(text).to_owned(),
            ("startswith", 1) => return Ok(Py::Bool(text.starts_with(string(0).ok_or_else(unknown)?))),
            ("endswith", 1) => return Ok(Py::Bool(text.ends_with(string(0).ok_or_else(unknown)?))),
            ("isdigit", 0) if text.is_ascii() => {
                return Ok(Py::Bool(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())));
            }
            ("split", 0) if text.is_ascii() => {
                return Ok(Py::list(text.split_ascii_whitespace().map(|part| Py::Str(part.to_owned())).collect()));
            }
            ("split", 1) => {
                let by = string(0).filter(|by| !by.is_empty()).ok_or_else(unknown)?;
                return Ok(Py::list(text.split(by).map(|part| Py::Str(part.to_owned())).collect()));
            }
            _ => return Err(unknown()),
        }))
    }

    /// `', '.join(…)`.
    fn joined(&mut self, by: &str, given: &Given, at: &ExprCall) -> Result<Py, Failed> {
        let [items] = given.args.as_slice() else { return Err(Failed::unknown("`.join` of this", at)) };
        let mut out = Pieces::default();
        for (nth, item) in self.items(items, at)?.iter().enumerate() {
            if nth > 0 {
                out.push(by, true);
            }
            // Python joins strings alone
            match item {
                Py::Str(text) => out.push(text, true),
                Py::Rendered(text) => out.push(text, false),
                other => return Err(Failed::unknown(&format!("joining {}", other.kind()), at)),
            }
            if out.is_too_long() {
                return Err(Failed::new("this string gets too long".to_owned(), at));
            }
        }
        Ok(out.made())
    }

    fn of_container(&mut self, of: &Py, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let unknown = || Failed::unknown(&format!("`.{name}` of {}", of.kind()), at);
        if !given.named.is_empty() {
            return Err(unknown());
        }
        match (of, name, given.args.as_slice()) {
            (Py::List(items), "append", [item]) => {
                let length = items.borrow().len() + 1;
                self.fits(length, at)?;
                items.borrow_mut().push(item.clone());
                Ok(Py::None)
            }
            (Py::List(items), "extend", [more]) => {
                let more = self.items(more, at)?;
                let length = items.borrow().len() + more.len();
                self.fits(length, at)?;
                items.borrow_mut().extend(more);
                Ok(Py::None)
            }
            (Py::Dict(entries), "get", [key @ Py::Str(name), rest @ ..]) if rest.len() < 2 => {
                self.fixed(key, at)?;
                Ok(entry(entries, name).or_else(|| rest.first().cloned()).unwrap_or(Py::None))
            }
            (Py::Dict(entries), "items", []) => {
                let pair = |(key, value): &(Py, Py)| Py::tuple(vec![key.clone(), value.clone()]);
                Ok(Py::iter(entries.iter().map(pair).collect()))
            }
            (Py::Dict(entries), "keys", []) => Ok(Py::iter(entries.iter().map(|(key, _)| key.clone()).collect())),
            (Py::Dict(entries), "values", []) => Ok(Py::iter(entries.iter().map(|(_, value)| value.clone()).collect())),
            _ => Err(unknown()),
        }
    }
}

/// The value of a key.
fn entry(entries: &[(Py, Py)], name: &str) -> Option<Py> {
    let is_it = |(key, _): &&(Py, Py)| matches!(key, Py::Str(known) if known == name);
    entries.iter().find(is_it).map(|(_, value)| value.clone())
}

/// The place of an element, counted from the end where it is negative.
fn place(at: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    usize::try_from(if at < 0 { at.saturating_add(length) } else { at }).ok()
}

/// Each word with a capital.
fn title(text: &str) -> String {
    let mut after_letter = false;
    let mut one = |c: char| {
        let made = if after_letter { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() };
        after_letter = c.is_alphabetic();
        made
    };
    text.chars().map(&mut one).collect()
}
