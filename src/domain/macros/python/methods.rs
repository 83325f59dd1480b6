//! Methods of strings, lists, dicts and expressions, as far as macros use them.

use ruff_python_ast::{Expr, ExprCall};

use super::Failed;
use super::glot::Given;
use super::run::{LARGEST, Names, Run};
use super::value::Py;

/// Names that an import brings.
pub(super) const MODULES: [&str; 4] = ["exp", "sqlglot", "parse_one", "maybe_parse"];

/// Sets an entry of a dict.
pub(super) fn set(entries: &mut Vec<(Py, Py)>, key: Py, value: Py) {
    match entries.iter_mut().find(|(known, _)| known.equals(&key)) {
        Some((_, known)) => *known = value,
        None => entries.push((key, value)),
    }
}

/// `'%s = %d' % (a, b)`.
pub(super) fn percent(text: &str, given: &[Py]) -> Option<String> {
    let (mut out, mut given, mut chars) = (String::new(), given.iter(), text.chars());
    while let Some(c) = chars.next() {
        match (c, c == '%') {
            (c, false) => out.push(c),
            (_, true) => match chars.next()? {
                '%' => out.push('%'),
                's' | 'd' => out.push_str(&given.next()?.text()),
                'r' => out.push_str(&given.next()?.repr()),
                _ => return None,
            },
        }
    }
    given.next().is_none().then_some(out)
}

/// `'{} {0} {name}'.format(…)`.
fn format(text: &str, given: &Given) -> Option<String> {
    let (mut out, mut next, mut rest) = (String::new(), 0, text);
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(more) = rest.strip_prefix(brace) {
            out.push_str(brace);
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
        out.push_str(&value?.text());
        rest = more;
    }
    out.push_str(rest);
    Some(out)
}

impl Run<'_> {
    /// `of.name`, without a call.
    pub(super) fn attribute(&mut self, of: &Py, name: &str, at: &Expr) -> Result<Py, Failed> {
        Ok(match (of, name) {
            (Py::Module(module), name) => Py::Module(format!("{module}.{name}")),
            (Py::Sql(_), "name" | "alias_or_name" | "output_name") => {
                self.fixed(of, at)?;
                Py::Str(of.name())
            }
            (Py::Sql(sql), "is_string") => Py::Bool(super::super::text::string(sql).is_some()),
            (Py::Sql(sql), "this") if super::super::text::string(sql).is_some() => Py::Str(of.name()),
            (Py::List(_), "expressions") => of.clone(),
            (Py::Sql(sql), "expressions") => {
                let items = super::super::text::elements(sql).unwrap_or_default();
                Py::list(items.into_iter().map(Py::Sql).collect())
            }
            (Py::Evaluator, "locals") => Py::Evaluator,
            (Py::Evaluator, name @ ("runtime_stage" | "this_model" | "gateway" | "model_kind_name")) => {
                (self.variable)(name).unwrap_or(Py::None)
            }
            _ => return Err(Failed::unknown(&format!("`.{name}` of {}", of.kind()), at)),
        })
    }

    /// `of[…]`.
    pub(super) fn subscript(&mut self, of: &Py, slice: &Expr, names: &mut Names) -> Result<Py, Failed> {
        let place = |at: i64, length: usize| {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            usize::try_from(if at < 0 { at + length } else { at }).ok()
        };
        if let Expr::Slice(it) = slice {
            if it.step.is_some() {
                return Err(Failed::unknown("a step in a slice", slice));
            }
            let mut end = |bound: &Option<Box<Expr>>, otherwise: usize, length: usize| match bound {
                None => Ok(otherwise),
                Some(bound) => match self.value(bound, names)? {
                    Py::Int(at) => Ok(place(at, length).unwrap_or(0).min(length)),
                    _ => Err(Failed::unknown("this bound of a slice", &**bound)),
                },
            };
            return match of {
                Py::List(items) => {
                    let items = items.borrow();
                    let (start, end) = (end(&it.lower, 0, items.len())?, end(&it.upper, items.len(), items.len())?);
                    Ok(Py::list(items.get(start..end.max(start)).unwrap_or_default().to_vec()))
                }
                Py::Str(text) => {
                    let chars: Vec<char> = text.chars().collect();
                    let (start, end) = (end(&it.lower, 0, chars.len())?, end(&it.upper, chars.len(), chars.len())?);
                    self.fixed(of, slice)?;
                    Ok(Py::Str(chars.get(start..end.max(start)).unwrap_or_default().iter().collect()))
                }
                other => Err(Failed::unknown(&format!("a slice of {}", other.kind()), slice)),
            };
        }
        let key = self.value(slice, names)?;
        let found = match (of, &key) {
            (Py::List(items), Py::Int(at)) => {
                let items = items.borrow();
                place(*at, items.len()).and_then(|at| items.get(at).cloned())
            }
            (Py::Str(text), Py::Int(at)) => {
                self.fixed(of, slice)?;
                let chars: Vec<char> = text.chars().collect();
                place(*at, chars.len()).and_then(|at| chars.get(at).map(|c| Py::Str(c.to_string())))
            }
            (Py::Dict(entries), key) => {
                self.fixed(key, slice)?;
                entries.borrow().iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value.clone())
            }
            (Py::Evaluator, Py::Str(name)) => Some((self.variable)(name).unwrap_or(Py::None)),
            _ => return Err(Failed::unknown(&format!("an element of {}", of.kind()), slice)),
        };
        found.ok_or_else(|| Failed::new(format!("there is no element {}", key.repr()), slice))
    }

    /// A method.
    pub(super) fn method(&mut self, of: &Py, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        match of {
            Py::Module(module) => self.of_module(module, name, given, at),
            Py::Evaluator => self.of_evaluator(name, given, at),
            Py::Str(text) => self.of_string(text, name, given, at),
            Py::List(_) | Py::Dict(_) => self.of_container(of, name, given, at),
            Py::Case(branches, otherwise) => {
                let unknown = || Failed::unknown(&format!("`.{name}` of an expression with these arguments"), at);
                let sql = |name: &str, at: usize| given.get(name, at).and_then(Py::sql).ok_or_else(unknown);
                match name {
                    "when" => {
                        let branch = (sql("condition", 0)?, sql("then", 1)?);
                        Ok(Py::Case(branches.iter().cloned().chain([branch]).collect(), otherwise.clone()))
                    }
                    "else_" => Ok(Py::Case(branches.clone(), Some(sql("condition", 0)?))),
                    _ => self.of_expression(of, name, at),
                }
            }
            _ => self.of_expression(of, name, at),
        }
    }

    fn of_expression(&mut self, of: &Py, name: &str, at: &ExprCall) -> Result<Py, Failed> {
        match (name, of.sql()) {
            ("sql", Some(sql)) => Ok(Py::Str(sql)),
            ("copy" | "unnest", Some(_)) => Ok(of.clone()),
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
        match given.args.first() {
            Some(Py::Str(text) | Py::Sql(text)) => Ok(Py::Sql(text.clone())),
            _ => Err(Failed::unknown("parsing this", at)),
        }
    }

    fn of_evaluator(&mut self, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        match (name, given.args.first()) {
            ("var" | "blueprint_var" | "get", Some(Py::Str(variable))) => {
                let otherwise = given.get("default", 1).cloned().unwrap_or(Py::None);
                Ok((self.variable)(variable).unwrap_or(otherwise))
            }
            ("parse_one", _) => self.parsed(&given, at),
            _ => Err(Failed::unknown(&format!("`evaluator.{name}`"), at)),
        }
    }

    fn of_string(&mut self, text: &str, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let string = |at: usize| match given.args.get(at) {
            Some(Py::Str(text)) => Some(text.as_str()),
            _ => None,
        };
        if name == "join" {
            let items = given.args.first().map(|items| self.items(items, at)).transpose()?.unwrap_or_default();
            let items = items.iter().map(|item| self.shown(item, at)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Py::Str(items.join(text)));
        }
        if name == "format" {
            return format(text, &given).map(Py::Str).ok_or_else(|| Failed::unknown("this format", at));
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
            ("upper", 0) => text.to_uppercase(),
            ("lower", 0) => text.to_lowercase(),
            ("title", 0) => title(text),
            ("strip", 0 | 1) => text.trim_matches(|c| is_cut(&set, c)).to_owned(),
            ("lstrip", 0 | 1) => text.trim_start_matches(|c| is_cut(&set, c)).to_owned(),
            ("rstrip", 0 | 1) => text.trim_end_matches(|c| is_cut(&set, c)).to_owned(),
            ("replace", 2) => {
                let (from, to) = (string(0).ok_or_else(unknown)?, string(1).ok_or_else(unknown)?);
                if text.len().saturating_mul(to.len().max(1)) > LARGEST {
                    return Err(Failed::new("this string gets too long".to_owned(), at));
                }
                text.replace(from, to)
            }
            ("removeprefix", 1) => text.strip_prefix(string(0).ok_or_else(unknown)?).unwrap_or(text).to_owned(),
            ("removesuffix", 1) => text.strip_suffix(string(0).ok_or_else(unknown)?).unwrap_or(text).to_owned(),
            ("startswith", 1) => return Ok(Py::Bool(text.starts_with(string(0).ok_or_else(unknown)?))),
            ("endswith", 1) => return Ok(Py::Bool(text.ends_with(string(0).ok_or_else(unknown)?))),
            ("isdigit", 0) => return Ok(Py::Bool(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))),
            ("split", 0) => {
                return Ok(Py::list(text.split_whitespace().map(|part| Py::Str(part.to_owned())).collect()));
            }
            ("split", 1) => {
                let by = string(0).filter(|by| !by.is_empty()).ok_or_else(unknown)?;
                return Ok(Py::list(text.split(by).map(|part| Py::Str(part.to_owned())).collect()));
            }
            _ => return Err(unknown()),
        }))
    }

    fn of_container(&mut self, of: &Py, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let unknown = || Failed::unknown(&format!("`.{name}` of {}", of.kind()), at);
        match (of, name, given.args.as_slice()) {
            (Py::List(items), "append", [item]) => {
                items.borrow_mut().push(item.clone());
                Ok(Py::None)
            }
            (Py::List(items), "extend", [more]) => {
                let more = self.items(more, at)?;
                items.borrow_mut().extend(more);
                Ok(Py::None)
            }
            (Py::Dict(entries), "get", [key, rest @ ..]) => {
                self.fixed(key, at)?;
                let found = entries.borrow().iter().find(|(known, _)| known.equals(key)).map(|(_, it)| it.clone());
                Ok(found.or_else(|| rest.first().cloned()).unwrap_or(Py::None))
            }
            (Py::Dict(entries), "items", []) => {
                Ok(Py::list(entries.borrow().iter().map(|(key, it)| Py::list(vec![key.clone(), it.clone()])).collect()))
            }
            (Py::Dict(entries), "keys", []) => {
                Ok(Py::list(entries.borrow().iter().map(|(key, _)| key.clone()).collect()))
            }
            (Py::Dict(entries), "values", []) => {
                Ok(Py::list(entries.borrow().iter().map(|(_, it)| it.clone()).collect()))
            }
            _ => Err(unknown()),
        }
    }
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
