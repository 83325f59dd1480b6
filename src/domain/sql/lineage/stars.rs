//! What stands for several columns: `*`, `t.*`, `COLUMNS('…')`.

use regex::Regex;
use sqlparser::ast::{
    ExcludeSelectItem, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, IdentWithAlias, ObjectName,
    RenameSelectItem, Value, WildcardAdditionalOptions,
};

use super::super::functions::name_of;
use super::super::relation;
use super::expression::calls;
use super::scope::{Column, Scope, within};
use super::select::Ctes;
use super::{Told, Unknown, Walk};

impl Walk<'_> {
    /// The columns of a star without those that EXCLUDE names, and with the values that REPLACE gives.
    pub(super) fn replaced(
        &mut self,
        columns: Vec<Column>,
        options: &WildcardAdditionalOptions,
        scope: &Scope,
        ctes: &Ctes,
        outer: &[&Scope],
    ) -> Told<Vec<Column>> {
        let WildcardAdditionalOptions {
            opt_ilike, opt_exclude, opt_except, opt_replace, opt_rename, opt_alias, ..
        } = options;
        if opt_ilike.is_some() || opt_except.is_some() || opt_alias.is_some() {
            return Err(Unknown("a star that chooses by a pattern"));
        }
        let names: Vec<&ObjectName> = match opt_exclude {
            None => Vec::new(),
            Some(ExcludeSelectItem::Single(name)) => vec![name],
            Some(ExcludeSelectItem::Multiple(names)) => names.iter().collect(),
        };
        let names = names.into_iter().map(|name| <[String; 1]>::try_from(relation::parts(name)).map(|[name]| name));
        let names: Vec<String> = names.collect::<Result<_, _>>().map_err(|_| Unknown("EXCLUDE of a table's column"))?;
        let is_left = |column: &Column| !names.iter().any(|name| column.is(name));
        let mut columns: Vec<Column> = columns.into_iter().filter(is_left).collect();
        for item in opt_replace.iter().flat_map(|replace| &replace.items) {
            let is_call = calls(&item.expr);
            if is_call.aggregates || is_call.multiplies || is_call.aggregates_within {
                return Err(Unknown("an aggregate in REPLACE"));
            }
            let origin = self.expression(&item.expr, &within(outer, scope), ctes)?;
            let replaced = columns.iter_mut().filter(|column| column.is(&item.column_name.value));
            replaced.for_each(|column| *column = Column::new(Some(item.column_name.value.clone()), origin.clone()));
        }
        let renamed: &[IdentWithAlias] = match opt_rename {
            None => &[],
            Some(RenameSelectItem::Single(one)) => std::slice::from_ref(one),
            Some(RenameSelectItem::Multiple(all)) => all,
        };
        let before: Vec<Option<String>> = columns.iter().map(|column| column.name.clone()).collect();
        for IdentWithAlias { ident, alias } in renamed {
            let of_name = columns
                .iter_mut()
                .zip(&before)
                .filter(|(_, name)| name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&ident.value)));
            of_name.for_each(|(column, _)| column.name = Some(alias.value.clone()));
        }
        Ok(columns)
    }
}

/// What `*` stands for.
pub(super) fn shown(scope: &Scope) -> Told<Vec<Column>> {
    if scope.relations.is_empty() || scope.relations.iter().any(|relation| relation.open.is_some()) {
        return Err(Unknown("a star over columns that the files don't tell"));
    }
    let columns = scope.relations.iter().flat_map(|relation| &relation.columns);
    let columns = columns.filter(|column| !column.merged);
    Ok(columns.map(|column| Column::new(column.name.clone(), column.by_name().clone())).collect())
}

/// What `name.*` stands for.
pub(super) fn shown_of(name: &ObjectName, scope: &Scope) -> Told<Vec<Column>> {
    let parts: Vec<String> = relation::parts(name).iter().map(|part| part.to_ascii_lowercase()).collect();
    let mut relations = scope.relations.iter().filter(|relation| relation.is(&parts));
    match (relations.next(), relations.next()) {
        (Some(relation), None) if relation.open.is_none() => {
            let columns = relation.columns.iter();
            Ok(columns.map(|column| Column::new(column.name.clone(), column.origin.clone())).collect())
        }
        _ => Err(Unknown("a star over columns that the files don't tell")),
    }
}

/// The regular expression of `COLUMNS('…')`, where that is all that an expression is.
pub(super) fn pattern(expr: &Expr) -> Option<&str> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] = list.args.as_slice() else { return None };
    let is_bare = list.clauses.is_empty()
        && list.duplicate_treatment.is_none()
        && function.filter.is_none()
        && function.over.is_none()
        && function.null_treatment.is_none()
        && function.within_group.is_empty();
    match &value.value {
        Value::SingleQuotedString(pattern) if is_bare && name_of(function) == "columns" => Some(pattern),
        _ => None,
    }
}

/// The columns whose names a regular expression finds something in. DuckDB asks RE2: only what both libraries take for the
/// same is asked here.
pub(super) fn matching(columns: Vec<Column>, pattern: &str) -> Told<Vec<Column>> {
    let is_simple = |c: char| c.is_ascii_alphanumeric() || "_|^$.*+()".contains(c);
    let simple = pattern.chars().all(is_simple).then(|| Regex::new(pattern).ok()).flatten();
    let simple = simple.ok_or(Unknown("COLUMNS of a pattern that is not a simple one"))?;
    let names = columns.iter().map(|column| column.name.as_deref().filter(|name| name.is_ascii()));
    let names: Vec<&str> = names.collect::<Option<_>>().ok_or(Unknown("COLUMNS over columns without plain names"))?;
    let is_chosen: Vec<bool> = names.into_iter().map(|name| simple.is_match(name)).collect();
    if !is_chosen.contains(&true) {
        return Err(Unknown("COLUMNS of a pattern that no column has"));
    }
    Ok(columns.into_iter().zip(is_chosen).filter_map(|(column, is_chosen)| is_chosen.then_some(column)).collect())
}
