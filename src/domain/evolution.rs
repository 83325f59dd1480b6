//! What a new version does to the columns of rows that stay: a forward-only model's table goes on from the rows of the
//! version before, in the new version's columns.

use super::environment::Column;
use super::model::{OnChange, Policy};

/// A column of the new table, and whether the old rows have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evolved {
    /// Name and type.
    pub column: Column,
    /// Whether old rows bring a value; NULL otherwise.
    pub is_old: bool,
}

/// The columns of the new table, or what the model doesn't allow, each in words.
pub fn evolve(old: &[Column], new: &[Column], rules: OnChange) -> Result<Vec<Evolved>, Vec<String>> {
    let find =
        |columns: &'_ [Column], name: &str| columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).cloned();
    let mut columns = Vec::new();
    let mut refused = Vec::new();
    for (name, kind) in new {
        let before = find(old, name);
        let mut add = |kind: &str, is_old| columns.push(Evolved { column: (name.clone(), kind.to_owned()), is_old });
        match before {
            Some((_, before)) if before == *kind || widens(&before, kind) => add(kind, true),
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

/// Whether every value of a type fits into another of the same sort, so that nothing is lost.
fn widens(from: &str, to: &str) -> bool {
    const INTEGERS: [&str; 5] = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"];
    let rank = |kind: &str| INTEGERS.iter().position(|known| *known == kind);
    if let (Some(from), Some(to)) = (rank(from), rank(to)) {
        return from < to;
    }
    if let (Some((from_whole, from_scale)), Some((whole, scale))) = (decimal(from), decimal(to)) {
        return from_whole <= whole && from_scale <= scale;
    }
    matches!((from, to), ("FLOAT", "DOUBLE") | ("DATE", "TIMESTAMP"))
}

/// The digits before and behind the point of `DECIMAL(18,2)`.
fn decimal(kind: &str) -> Option<(u8, u8)> {
    let (width, scale) = kind.strip_prefix("DECIMAL(")?.strip_suffix(')')?.split_once(',')?;
    let (width, scale): (u8, u8) = (width.trim().parse().ok()?, scale.trim().parse().ok()?);
    Some((width.checked_sub(scale)?, scale))
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
        match evolve(&columns(old), &columns(new), rules) {
            Ok(columns) => columns.iter().map(told).collect::<Vec<_>>().join("; "),
            Err(refused) => format!("refused: {}", refused.join("; ")),
        }
    }

    #[test]
    fn columns_may_come_and_widen_and_nothing_is_lost_unasked() {
        let rules = OnChange::default();
        assert_eq!(told("a INTEGER", "b DATE; A INTEGER", rules), "b DATE new; A INTEGER");
        assert_eq!(told("a INTEGER; d DECIMAL(9,2)", "a BIGINT; d DECIMAL(18,3)", rules), "a BIGINT; d DECIMAL(18,3)");
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
}
