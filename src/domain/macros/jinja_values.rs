//! Values of Jinja as Python has them: lists and dicts that change in place, and methods of strings, lists and dicts.
//!
//! What holds of every value here is what holds of all that a template gives a name to: it is no longer than [`LONGEST`].
//! A list or dict that goes into another one goes in as it is then, so that nothing grows unseen and nothing holds itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Value as Dynamic, ValueKind, from_args};
use minijinja::{Error, ErrorKind, FormatStyle, State, format_filter};
use minijinja_contrib::pycompat;

use super::jinja_env::{LONGEST, size, too_long};

/// How much all lists and dicts of a template may take in, in all.
const MOST: usize = 1 << 20;
/// How wide a format may make one value.
const WIDEST: usize = 1000;

/// What the lists and dicts of a template may still take in.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken(Arc<AtomicUsize>);

/// What a list or a dict holds, and how much it may still take in.
#[derive(Debug)]
struct Held<T> {
    items: Vec<T>,
    left: isize,
    taken: Taken,
}

#[derive(Debug)]
struct List(Mutex<Held<Dynamic>>);

#[derive(Debug)]
struct Dict(Mutex<Held<(Dynamic, Dynamic)>>);

impl<T> Held<T> {
    fn new(taken: &Taken) -> Mutex<Self> {
        Mutex::new(Self { items: Vec::new(), left: LONGEST as isize, taken: taken.clone() })
    }

    /// A value as it may be put in: nothing that changes.
    fn admit(&mut self, value: &Dynamic) -> Result<Dynamic, Error> {
        let before = self.left;
        size(value, &mut self.left, 1)?;
        let added = usize::try_from(before - self.left).unwrap_or(0);
        if self.taken.0.fetch_add(added, Ordering::Relaxed) > MOST {
            return Err(too_long());
        }
        frozen(value)
    }
}

fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value as it is now: its size was looked at before.
fn frozen(value: &Dynamic) -> Result<Dynamic, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter()?.map(|item| frozen(&item)).collect::<Result<Vec<_>, _>>().map(Dynamic::from)
        }
        ValueKind::Map => {
            let pair = |key: Dynamic| Ok((key.clone(), frozen(&value.get_item(&key)?)?));
            Ok(value.try_iter()?.map(pair).collect::<Result<Vec<_>, Error>>()?.into_iter().collect())
        }
        _ => Ok(value.clone()),
    }
}

/// A list or dict that a template gives a name to, as one that changes in place; any other value as it is.
pub(super) fn own(value: Dynamic, taken: &Taken) -> Result<Dynamic, Error> {
    size(&value, &mut (LONGEST as isize), 0)?;
    // and not a namespace, the loop, or what is one of ours already
    let is_plain = value.as_object().is_some_and(|object| {
        let name = object.type_name();
        name.contains("Vec<") || name.contains("IndexMap<")
    });
    match value.kind() {
        ValueKind::Seq if is_plain => {
            let list = Held::new(taken);
            for item in value.try_iter()? {
                let item = locked(&list).admit(&item)?;
                locked(&list).items.push(item);
            }
            Ok(Dynamic::from_object(List(list)))
        }
        ValueKind::Map if is_plain => {
            let dict = Dict(Held::new(taken));
            dict.update(&value)?;
            Ok(Dynamic::from_object(dict))
        }
        _ => Ok(value),
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        let held = locked(&self.0);
        held.items.get(place(i64::try_from(key.clone()).ok()?, held.items.len())?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(locked(&self.0).items.len())
    }

    fn call_method(self: &Arc<Self>, _: &State<'_, '_>, method: &str, args: &[Dynamic]) -> Result<Dynamic, Error> {
        match method {
            "append" | "extend" | "insert" | "remove" | "index" => return self.with_item(method, args),
            "pop" => {
                let (at,): (Option<i64>,) = from_args(args)?;
                let mut held = locked(&self.0);
                let at =
                    place(at.unwrap_or(-1), held.items.len()).ok_or_else(|| lacking("the list has no such item"))?;
                return Ok(held.items.remove(at));
            }
            "copy" => {
                let (items, taken) = (locked(&self.0).items.clone(), locked(&self.0).taken.clone());
                return own(Dynamic::from(items), &taken);
            }
            "clear" => locked(&self.0).items.clear(),
            "reverse" => locked(&self.0).items.reverse(),
            "sort" => {
                let (options,): (Kwargs,) = from_args(args)?;
                let is_reverse = options.get::<Option<bool>>("reverse")?.unwrap_or(false);
                options.assert_all_used()?;
                let mut held = locked(&self.0);
                held.items.sort();
                if is_reverse {
                    held.items.reverse();
                }
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Dynamic::from(()))
    }
}

impl List {
    /// The methods that take an item. It may be the list itself, or hold it: it is taken as it is before the list is held.
    fn with_item(&self, method: &str, args: &[Dynamic]) -> Result<Dynamic, Error> {
        let (at, item): (i64, Dynamic) = match method {
            "insert" => from_args(args)?,
            _ => (0, from_args::<(Dynamic,)>(args)?.0),
        };
        let item = frozen_first(&item)?;
        let mut held = locked(&self.0);
        match method {
            "append" => {
                let item = held.admit(&item)?;
                held.items.push(item);
            }
            "extend" => {
                for item in item.try_iter()? {
                    let item = held.admit(&item)?;
                    held.items.push(item);
                }
            }
            "insert" => {
                let item = held.admit(&item)?;
                let at = place(at, held.items.len()).unwrap_or(if at < 0 { 0 } else { held.items.len() });
                held.items.insert(at, item);
            }
            _ => {
                let at = held.items.iter().position(|other| *other == item);
                let at = at.ok_or_else(|| lacking("the list has no such item"))?;
                if method == "index" {
                    return Ok(Dynamic::from(at));
                }
                held.items.remove(at);
            }
        }
        Ok(Dynamic::from(()))
    }
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        // a key that holds things might hold this dict
        if key.as_object().is_some() {
            return None;
        }
        locked(&self.0).items.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(locked(&self.0).items.iter().map(|(key, _)| key.clone()).collect())
    }

    fn call_method(self: &Arc<Self>, _: &State<'_, '_>, method: &str, args: &[Dynamic]) -> Result<Dynamic, Error> {
        match method {
            "update" => {
                let (other, named): (Option<Dynamic>, Kwargs) = from_args(args)?;
                if let Some(other) = other {
                    self.update(&other)?;
                }
                for name in named.args() {
                    self.set(&Dynamic::from(name), &named.get::<Dynamic>(name)?)?;
                }
                Ok(Dynamic::from(()))
            }
            "setdefault" => {
                let (key, value): (Dynamic, Option<Dynamic>) = from_args(args)?;
                if self.get_value(&key).is_none() {
                    self.set(&key, &value.unwrap_or_else(|| Dynamic::from(())))?;
                }
                Ok(self.get_value(&key).unwrap_or_default())
            }
            "pop" => {
                let (key, value): (Dynamic, Option<Dynamic>) = from_args(args)?;
                let mut held = locked(&self.0);
                let is_plain = key.as_object().is_none();
                match held.items.iter().position(|(other, _)| is_plain && *other == key) {
                    Some(at) => Ok(held.items.remove(at).1),
                    None => value.ok_or_else(|| lacking("the dict has no such key")),
                }
            }
            "clear" => {
                locked(&self.0).items.clear();
                Ok(Dynamic::from(()))
            }
            "copy" => {
                let (items, taken) = (locked(&self.0).items.clone(), locked(&self.0).taken.clone());
                own(items.into_iter().collect(), &taken)
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Dict {
    fn set(&self, key: &Dynamic, value: &Dynamic) -> Result<(), Error> {
        if key.as_object().is_some() {
            return Err(lacking("a key is a string or a number"));
        }
        // it may be the dict itself, or hold it: it is taken as it is before the dict is held
        let value = frozen_first(value)?;
        let mut held = locked(&self.0);
        let (key, value) = (held.admit(key)?, held.admit(&value)?);
        match held.items.iter_mut().find(|(other, _)| *other == key) {
            Some(entry) => entry.1 = value,
            None => held.items.push((key, value)),
        }
        Ok(())
    }

    /// Takes over what another dict has, or a list of pairs.
    fn update(&self, other: &Dynamic) -> Result<(), Error> {
        let items: Vec<Dynamic> = other.try_iter()?.take(LONGEST).collect();
        for item in items {
            match other.kind() {
                ValueKind::Map => self.set(&item, &other.get_item(&item)?)?,
                _ => self.set(&item.get_item_by_index(0)?, &item.get_item_by_index(1)?)?,
            }
        }
        Ok(())
    }
}

/// A value as it is now, if it is not too long.
fn frozen_first(value: &Dynamic) -> Result<Dynamic, Error> {
    size(value, &mut (LONGEST as isize), 1)?;
    frozen(value)
}

/// The values of a namespace: each changes in place, and is no namespace itself.
pub(super) fn attribute(value: Dynamic, taken: &Taken) -> Result<Dynamic, Error> {
    let is_ours = |value: &Dynamic| {
        value.downcast_object_ref::<List>().is_some() || value.downcast_object_ref::<Dict>().is_some()
    };
    match value.kind() {
        ValueKind::Seq | ValueKind::Map if !is_ours(&value) => own(frozen_first(&value)?, taken),
        _ => Ok(value),
    }
}

/// Which item a number means, from the end if it is negative.
fn place(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add(i64::try_from(length).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < length)
}

fn lacking(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// Python's methods of strings, lists and dicts that don't change them.
pub(super) fn method(state: &State<'_, '_>, value: &Dynamic, name: &str, args: &[Dynamic]) -> Result<Dynamic, Error> {
    size(value, &mut (LONGEST as isize), 0)?;
    match (value.as_str(), name) {
        (Some(text), "replace") => {
            let (from, to, most): (&str, &str, Option<i64>) = from_args(args)?;
            replaced(text, from, to, most).map(Dynamic::from)
        }
        (Some(text), "join") => {
            let (items,): (Dynamic,) = from_args(args)?;
            joined(&items, text).map(Dynamic::from)
        }
        (Some(text), "format") => formatted(FormatStyle::StrFormat, text, args).map(Dynamic::from),
        // as Python counts it: the crate would never come to an end
        (Some(text), "count") if args.first().and_then(Dynamic::as_str) == Some("") => {
            Ok(Dynamic::from(text.chars().count() + 1))
        }
        _ => pycompat::unknown_method_callback(state, value, name, args),
    }
}

/// A text with other words in it.
pub(super) fn replaced(text: &str, from: &str, to: &str, most: Option<i64>) -> Result<String, Error> {
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let found = if from.is_empty() { 0 } else { text.matches(from).count().min(most) };
    if found.saturating_mul(to.len()) > LONGEST {
        return Err(too_long());
    }
    Ok(if found == 0 { text.to_owned() } else { text.replacen(from, to, found) })
}

/// Items in a row.
pub(super) fn joined(items: &Dynamic, between: &str) -> Result<String, Error> {
    let mut out = String::new();
    for (index, item) in items.try_iter()?.enumerate() {
        size(&item, &mut (LONGEST as isize), 0)?;
        out.push_str(if index == 0 { "" } else { between });
        out.push_str(&item.to_string());
        if out.len() > LONGEST {
            return Err(too_long());
        }
    }
    Ok(out)
}

/// `'%s' % x` and `'{}'.format(x)`, with no field wider than [`WIDEST`].
pub(super) fn formatted(style: FormatStyle, format: &str, args: &[Dynamic]) -> Result<String, Error> {
    let mut left = LONGEST as isize;
    args.iter().try_for_each(|arg| size(arg, &mut left, 0))?;
    let each = LONGEST - usize::try_from(left).unwrap_or(0) + WIDEST;
    let fields = format.matches(['%', '{']).count();
    let is_wide = format.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 3);
    // a width that is itself a value
    let is_nested =
        format.contains('*') || format.split('}').any(|field| field.replace("{{", "").matches('{').count() > 1);
    if is_wide || is_nested || fields.saturating_mul(each) > MOST << 3 {
        return Err(too_long());
    }
    let out = format_filter(style, format, args)?;
    if out.len() > LONGEST { Err(too_long()) } else { Ok(out) }
}

/// A value as JSON, as Jinja writes it: blanks behind `,` and `:`, and none of `<`, `>`, `&` and `'`.
pub(super) fn to_json(value: &Dynamic) -> Result<String, Error> {
    size(value, &mut (LONGEST as isize), 0)?;
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    serde::Serialize::serialize(value, &mut writer)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let mut text = String::new();
    for c in String::from_utf8_lossy(&out).chars() {
        match c {
            '<' | '>' | '&' | '\'' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    Ok(text)
}

/// JSON as Python writes it.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
