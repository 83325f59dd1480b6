//! What decides something, as a hash; with the columns that have a say in it.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// BLAKE3 over all that decides something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print([u8; 32]);

impl Print {
    /// That of some parts, told apart by what they are.
    pub fn of<'p>(what: &str, parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        // one call for all of many small parts
        let mut bytes = Vec::with_capacity(256);
        let mut add = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        };
        add(what.as_bytes());
        parts.into_iter().for_each(&mut add);
        Self(*blake3::hash(&bytes).as_bytes())
    }

    /// The hash.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
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
        /// Reads it where it stands: there are tens of thousands of them in a file.
        struct Digits;
        impl serde::de::Visitor<'_> for Digits {
            type Value = Print;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 hex digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Print, E> {
                Print::from_hex(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

/// What decides something. Stored with few letters: there are tens of thousands of them in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// As a hash: equal for equal meaning.
    #[serde(rename = "p")]
    pub print: Print,
    /// The columns that have a say in it, as indices of [`Lineage::taken`](super::Lineage::taken).
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) from: Vec<usize>,
    /// Whether it may come out differently when it is worked out again: by the time, by chance, by an order that nobody
    /// asked for.
    #[serde(rename = "u", default, skip_serializing_if = "is_false")]
    pub unstable: bool,
}

fn is_false(it: &bool) -> bool {
    !it
}

/// What decides something, on the way to a query's lineage.
#[derive(Debug)]
pub(super) struct Traced {
    pub(super) print: Print,
    /// The same of parents of which only names count.
    pub(super) shape: Print,
    /// The columns that have a say in it, each with the table, as an index of what is read.
    pub(super) from: From,
    pub(super) unstable: bool,
}

type From = BTreeSet<(usize, Rc<str>)>;

/// They are shared: a column that is passed on is decided by what decided it.
pub(super) type Node = Rc<Traced>;

impl Traced {
    /// Something that a text says, and nothing that is read.
    pub(super) fn constant(what: &str, text: &[u8]) -> Node {
        let print = Print::of(what, [text]);
        Self::read((print, print), None)
    }

    /// Something that is read; its print, and that of its name.
    pub(super) fn read((print, shape): (Print, Print), from: Option<(usize, &str)>) -> Node {
        let from = from.map(|(read, name)| (read, Rc::from(name))).into_iter().collect();
        Rc::new(Self { print, shape, from, unstable: false })
    }

    /// A column that something may have beside those that are known.
    pub(super) fn open_column(of: &Node, read: Option<usize>, name: &str) -> Node {
        let print = |of: Print| Print::of("open column", [of.bytes(), name.as_bytes()]);
        Self::read((print(of.print), print(of.shape)), read.map(|read| (read, name)))
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
        let made = |of: fn(&Node) -> &Print| {
            Print::of(what, std::iter::once(text).chain(parts.iter().map(|part| of(part).bytes())))
        };
        let print = made(|part| &part.print);
        let is_one = parts.iter().all(|part| part.print == part.shape);
        let shape = if is_one { print } else { made(|part| &part.shape) };
        Rc::new(Self { print, shape, from, unstable })
    }

    /// The same, which may come out differently each time.
    pub(super) fn unstable(node: &Node) -> Node {
        let Self { print, shape, from, .. } = node.as_ref();
        Rc::new(Self { print: *print, shape: *shape, from: from.clone(), unstable: true })
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
