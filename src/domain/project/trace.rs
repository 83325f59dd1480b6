//! Where the values of a column come from, through all models above, and where they go to, through all models below.

use std::collections::BTreeSet;

use super::super::model::Kind;
use super::super::name::ModelName;
use super::super::sql::{Lineage, Origin};
use super::{Model, Project};

/// A column on the way, and the next ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The model, or a table that no model makes.
    pub table: String,
    /// What of it.
    pub part: Part,
    /// The next ones, away from the column that was asked for; none where they were told before.
    pub next: Vec<Trace>,
    /// Whether they were told before.
    pub is_told: bool,
}

/// What of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A column.
    Column(String),
    /// Which rows there are.
    Rows,
    /// Maybe all of it: what its query makes of columns is not understood.
    Whole,
}

/// A column that another one's values are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSource<'m> {
    /// The model that it is of; none for a table that no model makes.
    pub model: Option<&'m ModelName>,
    /// What the query calls that table.
    pub table: String,
    /// The column.
    pub column: String,
}

impl Model {
    /// What a column's values are made of, by the model's own query; none where that is not understood.
    pub fn sources_of(&self, column: &str) -> Option<Vec<ColumnSource<'_>>> {
        Some(self.sources(self.lineage.as_ref()?, origin_of(self, column)?))
    }

    /// What decides which rows there are; none where that is not understood.
    pub fn sources_of_rows(&self) -> Option<Vec<ColumnSource<'_>>> {
        let lineage = self.lineage.as_ref()?;
        Some(self.sources(lineage, &lineage.rows))
    }

    fn sources(&self, lineage: &Lineage, origin: &Origin) -> Vec<ColumnSource<'_>> {
        let reads = self.file.query.as_ref().and_then(|query| query.reads.as_ref());
        let source = |(read, column): &(usize, String)| {
            let model = self.reads.get(*read)?.as_ref();
            let table = reads.and_then(|reads| reads.get(*read)).map(|read| read.parts.join("."));
            Some(ColumnSource { model, table: table.unwrap_or_default(), column: column.clone() })
        };
        lineage.from(origin).filter_map(source).collect()
    }
}

impl Project {
    /// What the values of a column are made of; `column` in any letter case.
    pub fn above_column(&self, model: &Model, column: &str) -> Trace {
        self.traced_above(model, &Part::Column(column.to_lowercase()), &mut BTreeSet::new())
    }

    /// What the values of a column have a say in.
    pub fn below_column(&self, model: &Model, column: &str) -> Trace {
        self.traced_below(model, &Part::Column(column.to_lowercase()), &mut BTreeSet::new())
    }

    fn traced_above(&self, model: &Model, part: &Part, told: &mut BTreeSet<(ModelName, Part)>) -> Trace {
        let is_told = !told.insert((model.name.clone(), part.clone()));
        let trace = |next| Trace { table: model.name.to_string(), part: named(model, part), next, is_told };
        let Part::Column(column) = part else { return trace(Vec::new()) };
        let (Some(sources), false) = (model.sources_of(column), is_told) else {
            let reads = model.reads.iter().flatten().filter(|_| !is_told && !matches!(model.kind, Kind::Seed(_)));
            let whole = |name: &ModelName| whole(name.to_string());
            let mut all: Vec<Trace> = reads.map(whole).collect();
            all.dedup();
            return trace(all);
        };
        let next = sources.into_iter().filter_map(|source| {
            let part = Part::Column(source.column);
            match source.model {
                Some(parent) => Some(self.traced_above(self.model(parent)?, &part, told)),
                None => Some(Trace { table: source.table, part, next: Vec::new(), is_told: false }),
            }
        });
        trace(next.collect())
    }

    fn traced_below(&self, model: &Model, part: &Part, told: &mut BTreeSet<(ModelName, Part)>) -> Trace {
        let is_told = !told.insert((model.name.clone(), part.clone()));
        let trace = |next| Trace { table: model.name.to_string(), part: named(model, part), next, is_told };
        let Part::Column(column) = part else { return trace(Vec::new()) };
        if is_told {
            return trace(Vec::new());
        }
        let mut next = Vec::new();
        let children = self.order().iter().filter_map(|name| self.model(name));
        for child in children.filter(|child| child.parents.contains_key(&model.name)) {
            let Some(lineage) = &child.lineage else {
                next.push(whole(child.name.to_string()));
                continue;
            };
            let takes = |origin: &Origin| {
                let mut from = lineage.from(origin);
                from.any(|(read, name)| {
                    name == column && child.reads.get(*read).is_some_and(|it| it.as_ref() == Some(&model.name))
                })
            };
            let taken = lineage.columns.iter().filter(|(_, origin)| takes(origin));
            let parts = taken.map(|(name, _)| Part::Column(name.to_lowercase()));
            let rows = takes(&lineage.rows).then_some(Part::Rows);
            next.extend(parts.chain(rows).collect::<Vec<_>>().iter().map(|part| self.traced_below(child, part, told)));
        }
        trace(next)
    }
}

fn whole(table: String) -> Trace {
    Trace { table, part: Part::Whole, next: Vec::new(), is_told: false }
}

/// What decides a column of a model, if that is understood.
fn origin_of<'m>(model: &'m Model, column: &str) -> Option<&'m Origin> {
    let columns = &model.lineage.as_ref()?.columns;
    columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, origin)| origin)
}

/// A part with the letter case that the model's column has.
fn named(model: &Model, part: &Part) -> Part {
    let Part::Column(column) = part else { return part.clone() };
    let mut names = model.columns.iter().flatten();
    Part::Column(names.find(|name| name.eq_ignore_ascii_case(column)).unwrap_or(column).clone())
}
