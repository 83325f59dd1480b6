//! The table names in front of columns that must be rewritten when their table is replaced.
//!
//! `raw.orders.id` names no table any more once `raw.orders` is a table elsewhere that goes by `orders`. And where a
//! query reads `raw.orders` beside `staging.orders`, both would go by `orders`: then one gets all its parts as name,
//! and every column qualified with it, `orders.id` too, must say so.

use std::collections::{HashMap, HashSet};

use sqlparser::ast::Ident;

use super::parse::Places;
use super::reads::Sources;
use super::scopes::{Relation, Scopes};
use super::{Qualifier, Read, SqlName};

/// How many leading parts of a dotted column name name this table: `2` for `raw.orders.id` and table `raw.orders`. At
/// least one part is left for the column: `raw.orders` alone is a whole row, which stays as it is, because `orders` could
/// be another table's column.
pub(super) fn qualifying_parts(read: &Read, name: &[String]) -> Option<usize> {
    (2..name.len()).find(|count| name.get(..*count).is_some_and(|parts| is_named(read, parts)))
}

/// Whether some parts, at least two, name this table: `raw.orders` does for table `raw.orders`, and `main.orders` for
/// table `orders`. A database in front counts too. Not if the table goes by an alias.
pub(super) fn is_named(read: &Read, parts: &[String]) -> bool {
    let default_schema = (read.parts.len() == 1).then_some("main");
    let ours = read.parts.iter().rev().map(String::as_str).chain(default_schema);
    let mut both = ours.zip(parts.iter().rev());
    !read.aliased && parts.len() > 1 && both.all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// Qualifiers met on a walk through a query.
#[derive(Default)]
pub(super) struct Qualifiers {
    /// Of two parts or more, which always need rewriting.
    long: Vec<Qualifier>,
    /// Of one part, which need it if their table gets another name.
    short: Vec<Qualifier>,
    /// Tables that share their last part with another relation of the same FROM.
    crowded: HashSet<usize>,
    /// Tables that a subquery names by several parts: by the last alone, it might mean a column of its own.
    correlated: HashSet<usize>,
    /// Whether a qualifier may mean either of two relations of one FROM, depending on their columns.
    pub(super) ambiguous: bool,
}

impl Qualifiers {
    /// Takes note of tables that the innermost FROM has beside another relation of their name. A table of several parts
    /// can get another name; beside one that can't, there is no way to tell them apart.
    pub(super) fn note_select(&mut self, scopes: &Scopes<'_>) {
        let mut named: HashMap<&SqlName, Vec<Option<usize>>> = HashMap::new();
        for relation in scopes.inside_out().take(1).flat_map(|scope| scope.visible()) {
            let replaceable = relation.read.filter(|index| scopes.read(*index).is_some_and(|read| !read.aliased));
            if let Some(name) = &relation.name {
                named.entry(name).or_default().push(replaceable);
            }
        }
        for crowd in named.into_values().filter(|relations| relations.len() > 1) {
            let parts = |index: usize| scopes.read(index).map_or(0, |read| read.parts.len());
            let fixed = crowd.iter().filter(|read| read.is_none_or(|index| parts(index) == 1)).count();
            self.ambiguous |= fixed > 1 && crowd.iter().any(Option::is_some);
            self.crowded.extend(crowd.into_iter().flatten());
        }
    }

    /// Takes note of a dotted name.
    pub(super) fn note_name(&mut self, idents: &[&Ident], scopes: &Scopes<'_>, places: &Places) {
        let name: Vec<String> = idents.iter().map(|ident| ident.value.clone()).collect();
        match long(&name, scopes) {
            Some(Long { read, count, outer }) => {
                self.correlated.extend(outer.then_some(read));
                let span = places.idents(idents.iter().take(count).copied());
                self.long.extend(span.map(|span| Qualifier { span, read }));
            }
            None => self.note_short(idents, scopes, places),
        }
    }

    /// Takes note of a name of which only the first part may be a table's.
    pub(super) fn note_short(&mut self, idents: &[&Ident], scopes: &Scopes<'_>, places: &Places) {
        let [first, _, ..] = idents else { return };
        let name = SqlName::new(&first.value);
        let Some(scope) = scopes.inside_out().find(|scope| scope.named(&name).next().is_some()) else { return };
        let named: Vec<&Relation> = scope.named(&name).collect();
        let replaceable =
            |relation: &&Relation| relation.read.and_then(|index| scopes.read(index)).is_some_and(|r| !r.aliased);
        self.ambiguous |= named.len() > 1 && named.iter().any(replaceable);
        let read = named.first().filter(|relation| replaceable(relation)).and_then(|relation| relation.read);
        if let (Some(read), Some(span)) = (read, places.span(first.span)) {
            self.short.push(Qualifier { span, read });
        }
    }

    /// What must be rewritten, in the order of the text; gives reads another name where their last part alone doesn't
    /// tell them apart.
    pub(super) fn finish(self, sources: &mut Sources) -> Vec<Qualifier> {
        let qualified: HashSet<usize> = self.long.iter().map(|qualifier| qualifier.read).collect();
        let mut renamed = HashSet::new();
        for (index, (read, rival)) in sources.reads.iter_mut().zip(&sources.rivals).enumerate() {
            let needed = qualified.contains(&index) || self.crowded.contains(&index);
            if (*rival && read.parts.len() > 1 && needed) || self.correlated.contains(&index) {
                let schema = if read.parts.len() == 1 { "main." } else { "" };
                read.alias = format!("{schema}{}", read.parts.join("."));
                renamed.insert(index);
            }
        }
        let short = self.short.into_iter().filter(|qualifier| renamed.contains(&qualifier.read));
        let mut all: Vec<Qualifier> = self.long.into_iter().chain(short).collect();
        all.sort_by_key(|qualifier| qualifier.span.start);
        all
    }
}

/// A table named by the leading parts of a name.
struct Long {
    read: usize,
    /// How many parts name it.
    count: usize,
    /// Whether it belongs to a SELECT further out.
    outer: bool,
}

/// The table that two or more leading parts of a name name.
fn long(name: &[String], scopes: &Scopes<'_>) -> Option<Long> {
    let first = SqlName::new(name.first()?);
    for (depth, scope) in scopes.inside_out().enumerate() {
        let mut reads = scope.visible().filter_map(|relation| relation.read);
        let found = reads.find_map(|read| {
            let count = qualifying_parts(scopes.read(read)?, name)?;
            Some(Long { read, count, outer: depth > 0 })
        });
        if found.is_some() || scope.named(&first).next().is_some() {
            return found;
        }
    }
    None
}
