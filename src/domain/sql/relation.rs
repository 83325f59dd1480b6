//! What stands in a FROM clause, whatever its shape: its names, and its parts in the order of the text.

use sqlparser::ast::{ObjectName, ObjectNamePart, Select, TableAlias, TableFactor, TableWithJoins};

/// The alias of a relation.
pub(super) fn alias(factor: &TableFactor) -> Option<&TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::JsonTable { alias, .. }
        | TableFactor::OpenJsonTable { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::Pivot { alias, .. }
        | TableFactor::Unpivot { alias, .. }
        | TableFactor::MatchRecognize { alias, .. }
        | TableFactor::XmlTable { alias, .. }
        | TableFactor::SemanticView { alias, .. } => alias.as_ref(),
        TableFactor::UnpivotExpr { .. } => None,
    }
}

/// The dotted name that a relation refers to: a table's, a CTE's or a function's.
pub(super) fn referred(factor: &TableFactor) -> Option<&ObjectName> {
    match factor {
        TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => Some(name),
        _ => None,
    }
}

/// The name that columns of a relation are qualified with: its alias, or the last part of its name.
pub(super) fn visible_name(factor: &TableFactor) -> Option<String> {
    match alias(factor) {
        Some(alias) => Some(alias.name.value.clone()),
        None => parts(referred(factor)?).pop(),
    }
}

/// The parts of a dotted name, letter case as written.
pub(super) fn parts(name: &ObjectName) -> Vec<String> {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => ident.value.clone(),
        ObjectNamePart::Function(function) => function.name.value.clone(),
    };
    name.0.iter().map(part).collect()
}

/// A node's address: its identity while a tree is looked at.
pub(super) fn address<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}

/// The relations of a FROM clause in the order of the text, parenthesised joins opened.
pub(super) fn of_select(select: &Select) -> Vec<&TableFactor> {
    let mut factors = Vec::new();
    select.from.iter().for_each(|tree| of_tree(tree, &mut factors));
    factors
}

fn of_tree<'a>(tree: &'a TableWithJoins, factors: &mut Vec<&'a TableFactor>) {
    let each = [&tree.relation].into_iter().chain(tree.joins.iter().map(|join| &join.relation));
    for factor in each {
        match factor {
            // With an alias of its own, the join is one relation.
            TableFactor::NestedJoin { table_with_joins, alias: None } => of_tree(table_with_joins, factors),
            other => factors.push(other),
        }
    }
}
