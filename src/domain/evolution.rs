//! What new rows do to the columns of rows that stay: a forward-only model's table goes on from the rows of the version
//! before, in the new version's columns, and each load may bring columns that the table has not.

use super::engine_kind::EngineKind;
use super::environment::Column;
use super::model::{OnChange, Policy};
use super::name::{TableName, quote};
use super::types::holds;

/// A column of the new table, and whether the old rows have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evolved {
    /// Name and type.
    pub column: Column,
    /// Whether old rows bring a value; NULL otherwise.
    pub is_old: bool,
}

/// The columns of the new table, or what the model doesn't allow, each in words.
pub fn evolve(
    engine: EngineKind,
    old: &[Column],
    new: &[Column],
    rules: OnChange,
) -> Result<Vec<Evolved>, Vec<String>> {
    let find =
        |columns: &'_ [Column], name: &str| columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).cloned();
    let mut columns = Vec::new();
    let mut refused = Vec::new();
    for (name, kind) in new {
        let before = find(old, name);
        let mut add = |kind: &str, is_old| columns.push(Evolved { column: (name.clone(), kind.to_owned()), is_old });
        match before {
            Some((_, before)) if holds(engine, kind, &before) => add(kind, true),
            Some((_, before)) => match rules.destructive {
                Policy::Error => refused.push(format!("`{name}` would change from {before} to {kind}")),
                Policy::Allow => add(kind, true),
                Policy::Ignore => add(&before, true),
            },
            None => match rules.additive {
                Policy::Error => refused.push(format!("`{name}` would be added")),
                Policy::Allow => add(kind, false),
                Policy::Ignore => {}
            },
        }
    }
    for column in old.iter().filter(|(name, _)| find(new, name).is_none()) {
        match rules.destructive {
            Policy::Error => refused.push(format!("`{}` would be dropped", column.0)),
            Policy::Allow => {}
            Policy::Ignore => columns.push(Evolved { column: column.clone(), is_old: true }),
        }
    }
    if refused.is_empty() { Ok(columns) } else { Err(refused) }
}

/// What has to be done to a table before a load's rows go into it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fitting {
    /// The statements that change its columns.
    pub alter: Vec<String>,
    /// The columns that it has then.
    pub columns: Vec<Evolved>,
    /// Whether columns are added to it, and all that it has stay as they are.
    pub only_adds: bool,
    /// Columns that stay as they are, though not every value of the new rows' type is one of theirs: name and the
    /// table's type.
    pub tight: Vec<Column>,
}

/// Makes a table's columns fit those of a load's rows. What the table's type holds goes in as it is; a type that holds
/// all that the table has takes its place; anything else is as the rules say.
pub fn fitting(
    engine: EngineKind,
    table: &TableName,
    old: &[Column],
    new: &[Column],
    rules: OnChange,
) -> Result<Fitting, Vec<String>> {
    let find = |columns: &[Column], name: &str| {
        columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, kind)| kind.clone())
    };
    let given: Vec<Column> = new
        .iter()
        .map(|(name, kind)| {
            (name.clone(), find(old, name).filter(|has| holds(engine, has, kind)).unwrap_or(kind.clone()))
        })
        .collect();
    let columns = evolve(engine, old, &given, rules)?;
    let mut fitting = Fitting::default();
    let mut alter = |what: String| fitting.alter.push(format!("ALTER TABLE {} {what}", table.quoted()));
    for Evolved { column: (name, kind), .. } in &columns {
        match find(old, name) {
            None => alter(format!("ADD COLUMN {} {kind}", quote(name))),
            Some(before) if before != *kind => alter(format!("ALTER COLUMN {} TYPE {kind}", quote(name))),
            Some(_) => {}
        }
    }
    let is_kept = |name: &str| columns.iter().any(|it| it.column.0.eq_ignore_ascii_case(name));
    old.iter().filter(|(name, _)| !is_kept(name)).for_each(|(name, _)| alter(format!("DROP COLUMN {}", quote(name))));
    let is_tight = |(name, kind): &&Column| find(new, name).is_some_and(|other| !holds(engine, kind, &other));
    fitting.tight = columns.iter().map(|evolved| &evolved.column).filter(is_tight).cloned().collect();
    let stays = |(name, kind): &Column| columns.iter().any(|it| it.column.0 == *name && it.column.1 == *kind);
    fitting.only_adds = old.iter().all(stays);
    fitting.columns = columns;
    Ok(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<Column> {
        let column = |text: &str| text.split_once(' ').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        text.split("; ").filter_map(column).collect()
    }

    fn told(old: &str, new: &str, rules: OnChange) -> String {
        let told = |evolved: &Evolved| {
            let (name, kind) = &evolved.column;
            if evolved.is_old { format!("{name} {kind}") } else { format!("{name} {kind} new") }
        };
        match evolve(EngineKind::DuckDb, &columns(old), &columns(new), rules) {
            Ok(columns) => columns.iter().map(told).collect::<Vec<_>>().join("; "),
            Err(refused) => format!("refused: {}", refused.join("; ")),
        }
    }

    #[test]
    fn columns_may_come_and_widen_and_nothing_is_lost_unasked() {
        let rules = OnChange::default();
        assert_eq!(told("a INTEGER", "b DATE; A INTEGER", rules), "b DATE new; A INTEGER");
        assert_eq!(told("a INTEGER; d DECIMAL(9,2)", "a BIGINT; d DECIMAL(18,3)", rules), "a BIGINT; d DECIMAL(18,3)");
        assert_eq!(told("a INTEGER; d DATE", "a DECIMAL(12,1); d TIMESTAMP", rules), "a DECIMAL(12,1); d TIMESTAMP");
        assert_eq!(told("a INTEGER; b DATE", "a INTEGER", rules), "refused: `b` would be dropped");
        assert_eq!(told("a BIGINT", "a INTEGER", rules), "refused: `a` would change from BIGINT to INTEGER");
        assert_eq!(
            told("d DECIMAL(9,2)", "d DECIMAL(9,3)", rules),
            "refused: `d` would change from DECIMAL(9,2) to DECIMAL(9,3)"
        );
    }

    #[test]
    fn what_is_allowed_is_done_and_what_is_ignored_stays() {
        let both = |policy| OnChange { destructive: policy, additive: policy };
        assert_eq!(told("a BIGINT; b DATE", "a INTEGER; c INTEGER", both(Policy::Allow)), "a INTEGER; c INTEGER new");
        assert_eq!(told("a BIGINT; b DATE", "a INTEGER; c INTEGER", both(Policy::Ignore)), "a BIGINT; b DATE");
        assert_eq!(told("a INTEGER", "a INTEGER; c DATE", both(Policy::Error)), "refused: `c` would be added");
    }

    #[test]
    fn a_table_widens_with_a_load_or_the_load_is_refused() {
        let told = |old: &str, new: &str, rules| match fitting(
            EngineKind::DuckDb,
            &table(),
            &columns(old),
            &columns(new),
            rules,
        ) {
            Ok(Fitting { alter, tight, .. }) => {
                let tight = tight.iter().map(|(name, kind)| format!("tight {name} {kind}"));
                let alter = alter.iter().map(|sql| sql.replace("ALTER TABLE \"s\".\"t\" ", ""));
                alter.chain(tight).collect::<Vec<_>>().join("; ")
            }
            Err(refused) => format!("refused: {}", refused.join("; ")),
        };
        let all = |policy| OnChange { destructive: policy, additive: policy };
        let strict = all(Policy::Error);
        assert_eq!(told("a INTEGER; b DATE", "B DATE; A INTEGER", strict), "");
        assert_eq!(told("a DECIMAL(9,2)", "a DECIMAL(12,4)", strict), "ALTER COLUMN \"a\" TYPE DECIMAL(12,4)");
        assert_eq!(told("a DECIMAL(12,4)", "a DECIMAL(9,2)", strict), "", "a wider table holds narrower rows");
        assert_eq!(told("a DATE", "a TIMESTAMP", strict), "ALTER COLUMN \"a\" TYPE TIMESTAMP");
        assert_eq!(told("a DECIMAL(9,2)", "a DOUBLE", strict), "refused: `a` would change from DECIMAL(9,2) to DOUBLE");
        assert_eq!(told("a INTEGER", "a INTEGER; b DATE", strict), "refused: `b` would be added");
        assert_eq!(told("a INTEGER; b DATE", "a INTEGER", strict), "refused: `b` would be dropped");
        assert_eq!(told("a INTEGER", "a INTEGER; b DATE", OnChange::default()), "ADD COLUMN \"b\" DATE");
        assert_eq!(told("a BIGINT; b DATE", "a INTEGER[]", all(Policy::Ignore)), "tight a BIGINT");
        assert_eq!(
            told("a BIGINT; b DATE", "a DATE", all(Policy::Allow)),
            "ALTER COLUMN \"a\" TYPE DATE; DROP COLUMN \"b\""
        );
    }

    fn table() -> TableName {
        TableName { schema: "s".to_owned(), name: "t".to_owned() }
    }
}
