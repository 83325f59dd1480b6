//! minijinja with bounds, and the variables that its templates see.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use minijinja::value::{Object, Rest, Value as Dynamic, ValueKind};
use minijinja::{Environment, Error, ErrorKind, FormatStyle, UndefinedBehavior};

use super::super::sql::Token;
use super::jinja_text::{Piece, words};
use super::jinja_values::{Taken, attribute, formatted, joined, method, own, replaced, to_json};
use super::{LARGEST, Local, Scope, Value, text};

/// How many instructions a template may take.
const FUEL: u64 = 200_000;

/// How long a value may be that a template gives a name to.
pub(super) const LONGEST: usize = 32 << 10;

/// The variables of a template, and which of them it looks at.
#[derive(Debug)]
pub(super) struct Names {
    all: BTreeMap<String, Dynamic>,
    config: BTreeMap<String, Dynamic>,
    blueprint: BTreeMap<String, Dynamic>,
    pub(super) used: Mutex<BTreeSet<String>>,
}

impl Names {
    /// Of a template's source.
    pub(super) fn new(source: &str, scope: &Scope<'_>) -> Self {
        let pairs = |variables: &super::Variables| -> BTreeMap<String, Dynamic> {
            variables.iter().map(|(name, value)| (name.to_owned(), dynamic(value))).collect()
        };
        let config = pairs(scope.config);
        // as in SQLMesh, these are SQL, a string with its quotes, and only `blueprint_var` gives them
        let as_sql = |value: &Value| match value {
            Value::Text(_) => Dynamic::from(value.sql()),
            other => dynamic(other),
        };
        let blueprint = scope.blueprint.iter().map(|(name, value)| (name.to_owned(), as_sql(value))).collect();
        let mut all = config.clone();
        for word in words(source).map(str::to_lowercase) {
            if let Some(sql) = (scope.time)(&word) {
                all.insert(word, Dynamic::from(plain(&sql)));
            }
        }
        all.extend(pairs(scope.named));
        for (name, local) in scope.locals {
            if let Local::Value(sql) = local {
                all.insert(name.clone(), Dynamic::from(text::raw(sql)));
            }
        }
        Self { all, config, blueprint, used: Mutex::new(BTreeSet::new()) }
    }

    fn note(&self, name: &str) {
        if let Ok(mut used) = self.used.lock() {
            used.insert(name.to_owned());
        }
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        let name = key.as_str()?.to_lowercase();
        let value = self.all.get(&name)?;
        self.note(&name);
        Some(value.clone())
    }
}

fn dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::from(()),
        Value::Bool(value) => Dynamic::from(*value),
        Value::Int(value) => Dynamic::from(*value),
        Value::Float(value) => Dynamic::from(*value),
        Value::Text(text) | Value::Sql(text) => Dynamic::from(text.clone()),
        Value::List(values) => Dynamic::from(values.iter().map(dynamic).collect::<Vec<_>>()),
        Value::Map(entries) => entries.iter().map(|(name, value)| (name.as_str(), dynamic(value))).collect(),
    }
}

/// What Jinja shows of a time variable: `2024-01-31` of `CAST('2024-01-31' AS DATE)`.
fn plain(sql: &str) -> String {
    let string = super::scan::with_lexemes(sql, |source| {
        source.lexemes.iter().find_map(|lexeme| match &lexeme.token {
            Token::String(content) => Some(content.clone()),
            _ => None,
        })
    });
    string.unwrap_or_else(|| sql.to_owned())
}

/// A minijinja with bounds.
pub(super) fn environment<'e>(text: &str, pieces: &[Piece], names: &Arc<Names>) -> Environment<'e> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(100);
    env.set_keep_trailing_newline(true);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // These make long strings of short ones.
    for filter in ["indent", "pprint", "slice", "batch", "escape", "e", "urlencode"] {
        env.remove_filter(filter);
    }
    env.remove_global("debug");
    env.add_filter("replace", |text: &str, from: &str, to: &str| replaced(text, from, to, None));
    env.add_filter("join", |items: Dynamic, between: Option<&str>| joined(&items, between.unwrap_or("")));
    env.add_filter("tojson", |value: Dynamic| to_json(&value));
    env.add_filter("format", |text: &str, args: Rest<Dynamic>| formatted(FormatStyle::Printf, text, &args));
    env.set_unknown_method_callback(method);
    let taken = Taken::default();
    let of_namespace = taken.clone();
    env.add_function("__own", move |value: Dynamic| own(value, &taken));
    let of_attribute = of_namespace.clone();
    env.add_function("__attribute", move |value: Dynamic| attribute(value, &of_attribute));
    env.add_function("namespace", move |values: Option<Dynamic>| {
        let mut own = Vec::new();
        if let Some(values) = values {
            size(&values, &mut (LONGEST as isize), 0)?;
            for name in values.try_iter()? {
                own.push((name.clone(), attribute(values.get_item(&name)?, &of_namespace)?));
            }
        }
        minijinja::functions::namespace(Some(own.into_iter().collect()))
    });
    let texts: Vec<Dynamic> = pieces.iter().map(|piece| Dynamic::from(&text[piece.span.clone()])).collect();
    env.add_function("__text", move |index: usize| texts.get(index).cloned().unwrap_or_default());
    env.add_function("__check", |values: Rest<Dynamic>| {
        let mut left = LONGEST as isize;
        values.iter().try_for_each(|value| size(value, &mut left, 0)).map(|()| "")
    });
    for (function, blueprint) in [("var", false), ("blueprint_var", true)] {
        let names = names.clone();
        env.add_function(function, move |name: &str, default: Option<Dynamic>| {
            let name = name.to_lowercase();
            names.note(&name);
            let values = if blueprint { &names.blueprint } else { &names.config };
            values.get(&name).cloned().or(default).unwrap_or_else(|| Dynamic::from(()))
        });
    }
    let made = AtomicUsize::new(0);
    env.set_formatter(move |out, state, value| {
        let mut left = LARGEST as isize;
        size(value, &mut left, 0)?;
        let length = LARGEST - usize::try_from(left).unwrap_or(0);
        if made.fetch_add(length, Ordering::Relaxed) > LARGEST {
            return Err(too_long());
        }
        minijinja::escape_formatter(out, state, value)
    });
    env
}

pub(super) fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, "this gets too long")
}

/// Takes the length of a value off what is left, without looking further than that.
pub(super) fn size(value: &Dynamic, left: &mut isize, depth: usize) -> Result<(), Error> {
    *left -= value.as_str().map_or(8, |text| text.len() as isize);
    if *left < 0 || depth > 16 {
        return Err(too_long());
    }
    if value.as_str().is_none() && matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        for item in value.try_iter()? {
            size(&item, left, depth + 1)?;
            if value.kind() == ValueKind::Map {
                size(&value.get_item(&item)?, left, depth + 1)?;
            }
        }
    }
    Ok(())
}

/// Bytes, up to a limit.
pub(super) struct Bounded(pub(super) Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
