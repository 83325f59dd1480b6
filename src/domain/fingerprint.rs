//! What makes two versions of a model the same.
//!
//! | counts | doesn't count |
//! | --- | --- |
//! | the meaning of the query: its canonical form | layout, comments, case of keywords, quoting |
//! | the kind and the physical properties | description, owner, cron and other metadata |
//! | a seed's rows and declared columns, the files a query reads | the model's path, line endings |
//! | the statements around the query, what they read | what views are commented with |
//! | the time zone, if it is not UTC | that of the machine |
//! | what `before_all` says of what the model uses | the rest of the settings' statements |
//! | what it takes of every parent ([`reach`](super::project)) | the branch, the author, the time, the machine |
//! | the model's own name, the version of this recipe | rows of tables and files from outside |
//!
//! A table is shared by all models with one fingerprint. To leave something out is therefore wrong data; to count too
//! much is only slow. When in doubt, count it, and raise [`RECIPE`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::ModelName;
use super::sql::Print;

/// Raised whenever the recipe or the canonical form changes, so that old tables are not taken for new ones.
const RECIPE: &str = "vmesh 2026-12 fingerprint 2";

/// BLAKE3 over a model's meaning and everything it depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// 64 hex digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What another table of this version is named by, where those of lower numbers have their names.
    pub fn again(&self, number: u64) -> Self {
        let mut recipe = Recipe::new("again");
        recipe.bytes(&self.0);
        recipe.bytes(&number.to_le_bytes());
        recipe.finish()
    }

    /// The fingerprint of 64 hex digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex()[..12])
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hex digits"))
    }
}

/// What a model itself says, apart from its parents.
#[derive(Clone)]
pub(super) struct Own<'a> {
    pub(super) name: &'a ModelName,
    /// The kind's word and its settings.
    pub(super) kind: Vec<String>,
    pub(super) physical: &'a [(String, String)],
    pub(super) columns: &'a [(String, String)],
    pub(super) query: Option<[u8; 32]>,
    /// The hash of a seed's content.
    pub(super) seed: Option<[u8; 32]>,
    /// What the statements around the query say.
    pub(super) statements: Vec<[u8; 32]>,
    /// The project's files that the query reads: path and hash.
    pub(super) files: Vec<(&'a str, [u8; 32])>,
    /// What those of `before_all` say that make what the model uses.
    pub(super) before_all: Vec<[u8; 32]>,
    /// The time zone, where it is not UTC.
    pub(super) zone: Option<&'a str>,
}

/// The hash of the model's own part: equal means "its own text says the same", whatever its parents do.
pub(super) fn own(own: &Own<'_>) -> Fingerprint {
    let mut recipe = Recipe::new("own");
    recipe.text(&own.name.to_string());
    own.rest(recipe)
}

/// The same without the model's name: equal means "says the same, whatever it is called".
pub(super) fn nameless(own: &Own<'_>) -> Fingerprint {
    own.rest(Recipe::new("nameless"))
}

impl Own<'_> {
    fn rest(&self, mut recipe: Recipe) -> Fingerprint {
        recipe.count(self.kind.len());
        self.kind.iter().for_each(|part| recipe.text(part));
        for pairs in [self.physical, self.columns] {
            recipe.count(pairs.len());
            for (key, value) in pairs {
                recipe.text(key);
                recipe.text(value);
            }
        }
        recipe.optional(self.query.as_ref());
        recipe.optional(self.seed.as_ref());
        recipe.count(self.files.len());
        for (path, hash) in &self.files {
            recipe.text(path);
            recipe.bytes(hash);
        }
        // a model without statements keeps the fingerprint that it had before there were any
        if !self.statements.is_empty() {
            recipe.text("statements");
            recipe.count(self.statements.len());
            self.statements.iter().for_each(|hash| recipe.bytes(hash));
        }
        if !self.before_all.is_empty() {
            recipe.text("before_all");
            recipe.count(self.before_all.len());
            self.before_all.iter().for_each(|hash| recipe.bytes(hash));
        }
        if let Some(zone) = self.zone {
            recipe.text("zone");
            recipe.text(zone);
        }
        recipe.finish()
    }
}

/// The fingerprint: the model's own part, and each parent by name.
pub(super) fn whole<'a>(
    own: &Fingerprint,
    parents: impl IntoIterator<Item = (&'a ModelName, Fingerprint)>,
) -> Fingerprint {
    let mut recipe = Recipe::new("whole");
    recipe.bytes(&own.0);
    for (name, fingerprint) in parents {
        recipe.text(&name.to_string());
        recipe.bytes(&fingerprint.0);
    }
    recipe.finish()
}

/// The fingerprint of a model whose lineage is understood: its own part, and what of its parents counts.
pub(super) fn by_columns(own: &Fingerprint, counted: &Print) -> Fingerprint {
    let mut recipe = Recipe::new("by columns");
    recipe.bytes(&own.0);
    recipe.bytes(counted.bytes());
    recipe.finish()
}

/// What the texts say that make a model's rows of those of the tables above: its own part, and the recipes of the views and
/// embedded models through which it reads these.
pub(super) fn recipe<'a>(
    own: &Fingerprint,
    between: impl IntoIterator<Item = (&'a ModelName, Fingerprint)>,
) -> Fingerprint {
    let mut recipe = Recipe::new("recipe");
    recipe.bytes(&whole(own, between).0);
    recipe.finish()
}

/// What decides a model's rows beside its query and its declared columns. Its kind counts: what a table holds is as old as
/// the table, and a view is never old; so does it whether the query says something else at another time.
pub(super) fn beside(own: &Own<'_>, is_timely: bool) -> Print {
    let rest = Own { physical: &[], columns: &[], query: None, ..own.clone() };
    Print::of(if is_timely { "beside, in time" } else { "beside" }, [&rest.rest(Recipe::new("beside")).0[..]])
}

/// A hash over parts that can't run into each other: each is led by its length.
struct Recipe(blake3::Hasher);

impl Recipe {
    fn new(part: &str) -> Self {
        let mut recipe = Self(blake3::Hasher::new_derive_key(RECIPE));
        recipe.text(super::sql::CANON_VERSION);
        recipe.text(part);
        recipe
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn optional(&mut self, hash: Option<&[u8; 32]>) {
        self.bytes(hash.map_or(&[][..], |hash| &hash[..]));
    }

    fn finish(self) -> Fingerprint {
        Fingerprint(*self.0.finalize().as_bytes())
    }
}
