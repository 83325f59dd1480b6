//! What decides something, as a hash; with the columns that have a say in it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// BLAKE3 over all that decides something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print([u8; 32]);

impl Print {
    /// That of some parts, told apart by what they are.
    pub fn of<'p>(what: &str, parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        add(what.as_bytes());
        parts.into_iter().for_each(add);
        Self(*hasher.finalize().as_bytes())
    }

    /// The hash.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl fmt::Debug for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex()[..12])
    }
}

impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Serialize for Print {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash = blake3::Hash::from_hex(&text).map_err(|_| serde::de::Error::custom("expected 64 hex digits"))?;
        Ok(Self(*hash.as_bytes()))
    }
}

/// Columns, each with the table, as an index of [`Query::reads`](super::super::Query::reads).
type From = BTreeSet<(usize, String)>;

/// What decides something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// As a hash: equal for equal meaning.
    pub print: Print,
    /// The columns that have a say in it.
    pub from: From,
    /// Whether it may come out differently when it is worked out again: by the time, by chance, by an order that nobody
    /// asked for.
    pub unstable: bool,
}

/// What decides something, on the way to a query's lineage.
#[derive(Debug)]
pub(super) struct Traced {
    origin: Origin,
    /// The same of parents of which only names count.
    pub(super) shape: Print,
}

/// Origins are shared: a column that is passed on has the origin that it had.
pub(super) type Node = Rc<Traced>;

impl Deref for Traced {
    type Target = Origin;

    fn deref(&self) -> &Origin {
        &self.origin
    }
}

impl Origin {
    /// Something that a text says, and nothing that is read.
    pub(super) fn constant(what: &str, text: &[u8]) -> Node {
        let print = Print::of(what, [text]);
        Self::read((print, print), None)
    }

    /// Something that is read; its print, and what it is called.
    pub(super) fn read((print, shape): (Print, Print), from: Option<(usize, String)>) -> Node {
        let origin = Self { print, from: from.into_iter().collect(), unstable: false };
        Rc::new(Traced { origin, shape })
    }

    /// A column that something may have beside those that are known.
    pub(super) fn open_column(of: &Node, read: Option<usize>, name: &str) -> Node {
        let print = |of: Print| Print::of("open column", [of.bytes(), name.as_bytes()]);
        Self::read((print(of.print), print(of.shape)), read.map(|read| (read, name.to_owned())))
    }

    /// Something that others decide, in this order.
    pub(super) fn of<'n>(what: &str, parts: impl IntoIterator<Item = &'n Node>) -> Node {
        Self::with(what, &[], parts)
    }

    /// Something that a text and others decide.
    pub(super) fn with<'n>(what: &str, text: &[u8], parts: impl IntoIterator<Item = &'n Node>) -> Node {
        let parts: Vec<&Node> = parts.into_iter().collect();
        #[cfg(test)]
        if let Some(first) = parts.first().filter(|_| rules::is_off(what)) {
            return Rc::clone(first);
        }
        let from = parts.iter().flat_map(|part| part.from.iter().cloned()).collect();
        Self::made(what, text, &parts, (from, parts.iter().any(|part| part.unstable)))
    }

    /// Something that is worked out over rows: what decides these counts, and is not where its values come from.
    pub(super) fn over(rows: &Node, node: &Node) -> Node {
        #[cfg(test)]
        if rules::is_off("over") {
            return Rc::clone(node);
        }
        Self::made("over", &[], &[rows, node], (node.from.clone(), node.unstable))
    }

    fn made(what: &str, text: &[u8], parts: &[&Node], (from, unstable): (From, bool)) -> Node {
        let print = |of: fn(&Traced) -> &Print| {
            let parts: Vec<&Print> = parts.iter().map(|part| of(part)).collect();
            Print::of(what, std::iter::once(text).chain(parts.into_iter().map(Print::bytes)))
        };
        let whole = print(|part| &part.print);
        let is_one = parts.iter().all(|part| part.print == part.shape);
        let shape = if is_one { whole } else { print(|part| &part.shape) };
        Rc::new(Traced { origin: Self { print: whole, from, unstable }, shape })
    }

    /// The same, which may come out differently each time.
    pub(super) fn unstable(node: &Node) -> Node {
        let origin = Self { unstable: true, ..node.origin.clone() };
        Rc::new(Traced { origin, shape: node.shape })
    }
}

/// Tests try what becomes of lineage without one of its rules.
#[cfg(test)]
pub(crate) mod rules {
    use std::cell::Cell;

    thread_local! {
        static OFF: Cell<&'static str> = const { Cell::new("") };
    }

    /// Does something while what a rule makes is just the first thing that it is made of.
    pub(crate) fn without<T>(rule: &'static str, does: impl FnOnce() -> T) -> T {
        OFF.set(rule);
        let done = does();
        OFF.set("");
        done
    }

    pub(super) fn is_off(rule: &str) -> bool {
        OFF.get() == rule
    }
}
