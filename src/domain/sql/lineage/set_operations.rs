//! Relations made of others or of nothing: UNION, EXCEPT and INTERSECT, recursion, VALUES.

use std::rc::Rc;

use sqlparser::ast::{Cte, SetExpr, SetOperator, SetQuantifier, Values};

use super::from::rename;
use super::origin::{Node, Traced};
use super::scope::{Column, Relation, Scope};
use super::select::Ctes;
use super::{Told, Unknown, Walk};

impl Walk<'_> {
    /// A CTE that may read itself: everything that it gives hangs on everything in it.
    pub(super) fn recursive(&mut self, cte: &Cte, ctes: &Ctes, outer: &[&Scope]) -> Told<Relation> {
        let name = cte.alias.name.value.to_ascii_lowercase();
        let query = &cte.query;
        let SetExpr::SetOperation { op, set_quantifier, left, right } = query.body.as_ref() else {
            let mut relation = self.query(query, ctes, outer)?;
            rename(&mut relation, &cte.alias)?;
            return Ok(relation);
        };
        let is_simple = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
        let is_plain =
            !matches!(set_quantifier, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName);
        if !is_simple || !is_plain || *op != SetOperator::Union {
            return Err(Unknown("a recursive query of another form"));
        }
        let mut first = self.body(left, ctes, outer, None)?;
        rename(&mut first, &cte.alias)?;
        let itself = |index: usize, column: &Column| {
            let origin = Traced::constant("itself", &(index as u64).to_le_bytes());
            Column::new(column.name.clone(), origin)
        };
        let columns = first.columns.iter().enumerate().map(|(index, column)| itself(index, column)).collect();
        let itself = Relation { path: first.path.clone(), ..Relation::new(columns, Traced::constant("itself", &[])) };
        let mut within = ctes.to_vec();
        within.push(Rc::new((name, itself)));
        let next = self.body(right, &within, outer, None)?;
        if first.open.is_some() || next.open.is_some() {
            return Err(Unknown("a set operation over columns that the files don't tell"));
        }
        let parts = [&first, &next]
            .into_iter()
            .flat_map(|arm| std::iter::once(&arm.rows).chain(arm.columns.iter().map(|column| &column.origin)));
        let all = Traced::with("recursive", format!("{set_quantifier}").as_bytes(), parts);
        let of_all = |(index, column): (usize, Column)| {
            Column::new(column.name, Traced::with("of recursive", &(index as u64).to_le_bytes(), [&all]))
        };
        let columns = first.columns.into_iter().enumerate().map(of_all).collect();
        Ok(Relation { path: first.path, ..Relation::new(columns, all.clone()) })
    }

    pub(super) fn values(&mut self, values: &Values, ctes: &Ctes, outer: &[&Scope]) -> Told<Relation> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut columns: Vec<Vec<Node>> = vec![Vec::new(); width];
        for row in &values.rows {
            if row.content.len() != width {
                return Err(Unknown("rows of different lengths"));
            }
            for (column, value) in columns.iter_mut().zip(&row.content) {
                column.push(self.expression(value, outer, ctes)?);
            }
        }
        let column = |(index, values): (usize, &Vec<Node>)| {
            Column::new(Some(format!("col{index}")), Traced::of("values", values))
        };
        let rows = Traced::constant("rows", &(values.rows.len() as u64).to_le_bytes());
        Ok(Relation::new(columns.iter().enumerate().map(column).collect(), rows))
    }
}

/// Two relations in one: UNION, EXCEPT, INTERSECT.
pub(super) fn combined(
    (op, quantifier): (SetOperator, SetQuantifier),
    left: Relation,
    right: Relation,
) -> Told<Relation> {
    use SetQuantifier::{All, AllByName, ByName, Distinct, DistinctByName, None as Plain};
    if left.open.is_some() || right.open.is_some() {
        return Err(Unknown("a set operation over columns that the files don't tell"));
    }
    let columns = match quantifier {
        ByName | AllByName | DistinctByName => by_name(&left, &right)?,
        All | Distinct | Plain if left.columns.len() == right.columns.len() => {
            let pairs = left.columns.iter().zip(&right.columns);
            pairs
                .map(|(one, other)| Column::new(one.name.clone(), Traced::of("union", [&one.origin, &other.origin])))
                .collect()
        }
        _ => return Err(Unknown("a set operation over different numbers of columns")),
    };
    let keeps_all = op == SetOperator::Union && matches!(quantifier, All | AllByName);
    let what = format!("{op} {quantifier}");
    let compared = columns.iter().map(|column| &column.origin).filter(|_| !keeps_all);
    let rows = Traced::with("set operation", what.as_bytes(), [&left.rows, &right.rows].into_iter().chain(compared));
    Ok(Relation::new(columns, rows))
}

fn by_name(left: &Relation, right: &Relation) -> Told<Vec<Column>> {
    let name = |column: &Column| column.name.clone().ok_or(Unknown("a column without a name of its own"));
    let mut columns = Vec::new();
    for column in &left.columns {
        let name = name(column)?;
        let other = right.columns.iter().find(|other| other.is(&name));
        let origin = match other {
            Some(other) => Traced::of("union", [&column.origin, &other.origin]),
            None => Traced::of("union left", [&column.origin]),
        };
        columns.push(Column::new(Some(name), origin));
    }
    for column in &right.columns {
        let name = name(column)?;
        if !left.columns.iter().any(|other| other.is(&name)) {
            columns.push(Column::new(Some(name), Traced::of("union right", [&column.origin])));
        }
    }
    Ok(columns)
}
