//! FROM clauses: the relations that they bring into scope, and what decides the rows of all of them together.

use sqlparser::ast::{
    Ident, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableSampleKind, TableWithJoins,
};

use super::super::encode::encode;
use super::super::{policy, relation};
use super::origin::{Node, Print, Traced};
use super::scope::{Column, Relation, Scope, within};
use super::select::Ctes;
use super::{Parent, ParentColumns, Told, Unknown, Walk};

const NOT_TOLD: Unknown = Unknown("USING a column that the files don't tell");

impl Walk<'_> {
    /// Brings the relations of a tree of joins into scope; gives what decides their rows.
    pub(super) fn tree(
        &mut self,
        tree: &TableWithJoins,
        scope: &mut Scope,
        ctes: &Ctes,
        outer: &[&Scope],
    ) -> Told<Node> {
        let first = scope.relations.len();
        let mut rows = self.factor(&tree.relation, scope, ctes, outer)?;
        for join in &tree.joins {
            if join.global {
                return Err(Unknown("a join of another engine's"));
            }
            let right = scope.relations.len();
            let right_rows = self.factor(&join.relation, scope, ctes, outer)?;
            let condition = self.condition(join, scope, (first, right), ctes, outer)?;
            rows = Traced::of("join", [&rows, &right_rows, &condition]);
            if let JoinOperator::Semi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::LeftAnti(_) = &join.join_operator
            {
                scope.relations.truncate(right);
            }
        }
        Ok(rows)
    }

    /// What decides which rows of both sides of a join go together. The tree's relations begin at `first`, those of the
    /// right side at `right`.
    fn condition(
        &mut self,
        join: &Join,
        scope: &mut Scope,
        (first, right): (usize, usize),
        ctes: &Ctes,
        outer: &[&Scope],
    ) -> Told<Node> {
        use JoinOperator as Op;
        let (what, constraint) = match &join.join_operator {
            Op::Join(constraint) | Op::Inner(constraint) | Op::CrossJoin(constraint) => ("inner", constraint),
            Op::Left(constraint) | Op::LeftOuter(constraint) => ("left", constraint),
            Op::Right(constraint) | Op::RightOuter(constraint) => ("right", constraint),
            Op::FullOuter(constraint) => ("full", constraint),
            Op::Semi(constraint) | Op::LeftSemi(constraint) => ("semi", constraint),
            Op::Anti(constraint) | Op::LeftAnti(constraint) => ("anti", constraint),
            Op::AsOf { match_condition, constraint } => {
                let matched = self.expression(match_condition, &within(outer, scope), ctes)?;
                let rest = self.constraint(constraint, scope, (first, right), ctes, outer)?;
                return Ok(Traced::of("asof", [&matched, &rest]));
            }
            _ => return Err(Unknown("a join of another engine's")),
        };
        let constraint = self.constraint(constraint, scope, (first, right), ctes, outer)?;
        Ok(Traced::of(what, [&constraint]))
    }

    fn constraint(
        &mut self,
        constraint: &JoinConstraint,
        scope: &mut Scope,
        (first, right): (usize, usize),
        ctes: &Ctes,
        outer: &[&Scope],
    ) -> Told<Node> {
        match constraint {
            JoinConstraint::None => Ok(Traced::constant("always", &[])),
            JoinConstraint::On(condition) => self.expression(condition, &within(outer, scope), ctes),
            JoinConstraint::Using(names) => {
                let mut merged = Vec::new();
                for name in names {
                    let parts = relation::parts(name);
                    let [name] = parts.as_slice() else { return Err(NOT_TOLD) };
                    merged.push(merge(name, scope, (first, right))?);
                }
                self.named.extend(merged.iter().cloned());
                Ok(Traced::of("using", &merged))
            }
            // USING the names that both sides have: a column more on one side may join by one column more
            JoinConstraint::Natural => {
                let sides = [&scope.relations[first..right], &scope.relations[right..]];
                let mut all = sides.iter().flat_map(|side| side.iter());
                let is_unclear = |it: &Relation| it.open.is_some() || it.columns.iter().any(|it| it.name.is_none());
                if all.any(is_unclear) {
                    return Err(Unknown("NATURAL JOIN over columns that the files don't tell"));
                }
                let names = |side: &[Relation]| -> Vec<String> {
                    let columns = side.iter().flat_map(|relation| &relation.columns).filter(|column| !column.merged);
                    columns.filter_map(|column| column.name.clone()).collect()
                };
                let (left, right_names) = (names(sides[0]), names(sides[1]));
                let has = |name: &&String| right_names.iter().any(|other| other.eq_ignore_ascii_case(name));
                let common = left.iter().filter(has).map(|name| merge(name, scope, (first, right)));
                let common: Vec<Node> = common.collect::<Told<_>>()?;
                Ok(Traced::of("natural", &common))
            }
        }
    }

    /// Brings a relation into scope; gives what decides its rows.
    fn factor(&mut self, factor: &TableFactor, scope: &mut Scope, ctes: &Ctes, outer: &[&Scope]) -> Told<Node> {
        let mut relation = match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.tree(table_with_joins, scope, ctes, outer);
            }
            TableFactor::Table {
                name,
                args,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample,
                index_hints,
                ..
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                let relation = match args {
                    None => self.table(factor, name, ctes)?,
                    Some(args) => {
                        let arguments = self.part(args.clone(), &within(outer, scope), ctes)?;
                        function(name, &arguments, relation::alias(factor))?
                    }
                };
                sampled(relation, sample.as_ref())?
            }
            TableFactor::Function { name, args, with_ordinality: false, .. } => {
                let arguments = self.part(args.clone(), &within(outer, scope), ctes)?;
                function(name, &arguments, relation::alias(factor))?
            }
            TableFactor::UNNEST { array_exprs, with_offset: false, with_ordinality: false, alias, .. } => {
                let arguments = self.part(array_exprs.clone(), &within(outer, scope), ctes)?;
                let name = ObjectName::from(vec![Ident::new("unnest")]);
                function(&name, &arguments, alias.as_ref())?
            }
            TableFactor::Derived { subquery, sample, .. } => {
                let relation = self.query(subquery, ctes, &within(outer, scope))?;
                sampled(Relation { path: Vec::new(), ..relation }, sample.as_ref())?
            }
            _ => return Err(Unknown("PIVOT, or a relation of another engine's")),
        };
        if let Some(alias) = relation::alias(factor) {
            rename(&mut relation, alias)?;
        }
        let relation = self.settled(relation)?;
        self.counted(relation.columns.len())?;
        let rows = relation.rows.clone();
        let relation = if scope.is_alone { relation } else { placed(relation, scope.relations.len()) };
        scope.relations.push(relation);
        Ok(rows)
    }

    /// A table or a CTE.
    fn table(&self, factor: &TableFactor, name: &ObjectName, ctes: &Ctes) -> Told<Relation> {
        let parts: Vec<String> = relation::parts(name).iter().map(|part| part.to_ascii_lowercase()).collect();
        if let Some(read) = self.tree.sources.read_of(factor) {
            let parent = self.parents.get(read).ok_or(Unknown("tables that can't be told"))?;
            return Ok(Relation { path: parts, ..of_parent(parent, read) });
        }
        let [name] = parts.as_slice() else { return Err(Unknown("a table that can't be told")) };
        if let Some(cte) = ctes.iter().rev().find(|cte| cte.0 == *name) {
            let columns = cte.1.columns.iter().map(|column| Column { merged: false, ..column.clone() });
            return Ok(Relation { path: parts.clone(), columns: columns.collect(), ..cte.1.clone() });
        }
        Err(Unknown("a file in FROM"))
    }
}

/// A relation at its place among those of a FROM clause: a table that is read twice has rows of its own in each place. Only
/// what stands alone keeps its columns as they are, so that a query around a query adds nothing.
fn placed(mut relation: Relation, place: usize) -> Relation {
    let text = (place as u64).to_le_bytes();
    for column in &mut relation.columns {
        column.origin = Traced::with("place", &text, [&column.origin]);
    }
    if let Some((open, _)) = &mut relation.open {
        *open = Traced::with("place", &text, [&*open]);
    }
    relation
}

/// What a query reads, as a relation.
fn of_parent(parent: &Parent, read: usize) -> Relation {
    let rows = Traced::read((parent.rows, parent.name), None);
    match &parent.columns {
        ParentColumns::Known(columns) => {
            let column = |(name, print): &(String, Print)| {
                let lower = name.to_ascii_lowercase();
                let shape = Print::of("open column", [parent.name.bytes(), lower.as_bytes()]);
                // the letter case of a table's column is that of a column which passes it on
                let cased = |print: Print| match lower == *name {
                    true => print,
                    false => Print::of("cased", [print.bytes(), name.as_bytes()]),
                };
                let prints = (cased(*print), cased(shape));
                Column::new(Some(name.clone()), Traced::read(prints, Some((read, &lower))))
            };
            Relation::new(columns.iter().map(column).collect(), rows)
        }
        ParentColumns::Open(print) => {
            let open = Traced::read((*print, parent.name), None);
            Relation { open: Some((open, Some(read))), ..Relation::new(Vec::new(), rows) }
        }
    }
}

/// A function in FROM.
fn function(name: &ObjectName, arguments: &Node, alias: Option<&TableAlias>) -> Told<Relation> {
    let parts = relation::parts(name);
    let [name] = parts.as_slice() else { return Err(Unknown("a function that is not known")) };
    let name = name.to_ascii_lowercase();
    let rows = Traced::with("function", name.as_bytes(), [arguments]);
    let column = |name: String| Column::new(Some(name), rows.clone());
    let relation = match (name.as_str(), alias) {
        // it may have any columns
        (name, _) if policy::reads_files(name) => {
            let open = Some((Traced::of("file", [&rows]), None));
            Relation { open, ..Relation::new(Vec::new(), rows.clone()) }
        }
        ("range" | "generate_series" | "unnest", Some(alias)) if !alias.columns.is_empty() => {
            let one = Column { name: None, ..column(String::new()) };
            Relation::new(vec![one; alias.columns.len()], rows.clone())
        }
        ("range" | "generate_series", _) => Relation::new(vec![column(name.clone())], rows.clone()),
        _ => return Err(Unknown("a function in FROM whose columns are not known")),
    };
    Ok(Relation { path: vec![name], ..relation })
}

/// Which rows a sample takes is left to chance.
fn sampled(relation: Relation, sample: Option<&TableSampleKind>) -> Told<Relation> {
    let Some(sample) = sample else { return Ok(relation) };
    let text = encode(sample).map_err(|_| Unknown("a tree without a canonical form"))?;
    let rows = Traced::with("sample", &text, [&relation.rows]);
    Ok(Relation { rows: Traced::unstable(&rows), ..relation })
}

/// Gives a relation the names of an alias.
pub(super) fn rename(relation: &mut Relation, alias: &TableAlias) -> Told<()> {
    relation.path = vec![alias.name.value.to_ascii_lowercase()];
    if alias.columns.len() > relation.columns.len() {
        return Err(Unknown("more names than columns"));
    }
    for (column, name) in relation.columns.iter_mut().zip(&alias.columns) {
        column.name = Some(name.name.value.clone());
    }
    Ok(())
}

/// Makes one column of those of this name on both sides of a join.
fn merge(name: &str, scope: &mut Scope, (first, right): (usize, usize)) -> Told<Node> {
    let (left, right) = scope.relations.split_at_mut(right);
    let one = |relations: &mut [Relation]| -> Told<(usize, usize)> {
        let mut found = Vec::new();
        for (at, relation) in relations.iter().enumerate() {
            if relation.open.is_some() {
                return Err(NOT_TOLD);
            }
            let columns = relation.columns.iter().enumerate();
            found.extend(columns.filter(|(_, it)| !it.merged && it.is(name)).map(|(column, _)| (at, column)));
        }
        <[(usize, usize); 1]>::try_from(found).map(|[one]| one).map_err(|_| NOT_TOLD)
    };
    let left = left.get_mut(first..).ok_or(NOT_TOLD)?;
    let (of_left, of_right) = (one(left)?, one(right)?);
    let left = &mut left[of_left.0].columns[of_left.1];
    let right = &mut right[of_right.0].columns[of_right.1];
    // the letter case is that of one side, by the sort of join
    if left.name != right.name {
        return Err(NOT_TOLD);
    }
    // of an outer join, the name alone means either side's
    let shared = Traced::of("merged", [left.by_name(), right.by_name()]);
    left.shared = Some(shared.clone());
    right.merged = true;
    Ok(shared)
}
