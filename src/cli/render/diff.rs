//! Two environments, or two tables, side by side.

use similar::{ChangeTag, TextDiff};

use super::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, signed, table};
use crate::domain::plan::Change;
use crate::workflow::compare::{Diff, ModelDiff, TableDiff};

/// The models that differ, with the text of those that changed themselves, unless that is left out.
pub(in crate::cli) fn models(diff: &Diff, without_texts: bool) -> String {
    if diff.models.is_empty() {
        let (same, a, b) = (count(diff.same, "model"), &diff.a, &diff.b);
        return format!("{a} and {b} show the same: {same}\n");
    }
    let title = format!("{} → {}", diff.a, diff.b);
    let mut out = format!("{}\n", paint(BOLD, title));
    for model in &diff.models {
        out.push_str(&heading(model));
        if let Some((before, after)) = model.texts.as_ref().filter(|_| !without_texts) {
            out.push_str(&text(before, after));
        }
    }
    let rest = format!("{} the same", count(diff.same, "model"));
    let verb = if diff.models.len() == 1 { "differs" } else { "differ" };
    out.push_str(&format!("\n{} {verb}, {rest}\n", count(diff.models.len(), "model")));
    out
}

fn heading(model: &ModelDiff) -> String {
    let (sign, style) = match model.change {
        Change::Added => ("+", GREEN),
        Change::Removed => ("-", RED),
        Change::Indirect => ("~", CYAN),
        Change::Direct | Change::Metadata | Change::Unchanged => ("~", YELLOW),
    };
    let columns = signed(&model.columns);
    let columns = if columns.is_empty() { String::new() } else { format!("  columns: {}", columns.join(" ")) };
    format!("\n{} {}  {}{columns}\n", paint(style, sign), paint(BOLD, &model.model), model.change.word())
}

/// The changed lines of a text, with two lines around each.
pub(in crate::cli) fn text(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            out.push_str(&format!("    {}\n", paint(DIM, "⋯")));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches(['\n', '\r']);
            out.push_str(&match change.tag() {
                ChangeTag::Insert => format!("  {}\n", paint(GREEN, format!("+ {line}"))),
                ChangeTag::Delete => format!("  {}\n", paint(RED, format!("- {line}"))),
                ChangeTag::Equal => format!("    {line}\n"),
            });
        }
    }
    out
}

/// Two tables of a model, compared.
pub(in crate::cli) fn tables(diff: &TableDiff) -> String {
    let (a, b) = (&diff.sides.0, &diff.sides.1);
    let mut out = format!("{} {}\n", paint(BOLD, &diff.model), paint(DIM, format!("· A = {a} · B = {b}")));
    if diff.same_snapshot {
        out.push_str("same snapshot: both show one table, no row was read\n");
        return out;
    }
    for (name, kind) in &diff.only_a_columns {
        out.push_str(&format!("  {} only in A\n", paint(RED, format!("- {name} {kind}"))));
    }
    for (name, kind) in &diff.only_b_columns {
        out.push_str(&format!("  {} only in B\n", paint(GREEN, format!("+ {name} {kind}"))));
    }
    for (name, before, after) in &diff.retyped {
        out.push_str(&format!("  {} {before} → {after}\n", paint(YELLOW, format!("~ {name}"))));
    }
    out.push_str(&format!("\n  rows      A {}, B {}\n", diff.rows.0, diff.rows.1));
    if diff.key.is_empty() {
        out.push_str(&format!(
            "  compared  whole rows over the columns that both have; --on COLUMNS matches by key\n  \
             same      {}\n  only in A {}\n  only in B {}\n",
            diff.both.0, diff.only_a, diff.only_b
        ));
    } else {
        out.push_str(&format!(
            "  key       {}\n  same      {}\n  changed   {}\n  only in A {}\n  only in B {}\n",
            diff.key.join(", "),
            diff.both.0 - diff.both.1,
            diff.both.1,
            diff.only_a,
            diff.only_b
        ));
        for (side, duplicates) in [("A", diff.duplicates.0), ("B", diff.duplicates.1)] {
            if duplicates > 0 {
                let occur = if duplicates == 1 { "value occurs" } else { "values occur" };
                let what = format!("the key is not unique in {side}: {duplicates} {occur} more than once");
                out.push_str(&format!("  {}\n", paint(YELLOW, what)));
            }
        }
        out.push_str(&matches(diff));
    }
    let titles = ["only in A", "only in B", "changed"];
    for (title, rows) in titles.iter().zip(&diff.samples) {
        if !rows.rows.is_empty() {
            out.push_str(&format!("\n{}\n{}", paint(BOLD, format!("{title}, for example")), table::rows(rows)));
        }
    }
    out
}

/// How well each column matches, in the rows that both have; columns that match throughout are only counted.
fn matches(diff: &TableDiff) -> String {
    let both = diff.both.0;
    let differing: Vec<&(String, u64)> = diff.matches.iter().filter(|(_, matches)| *matches < both).collect();
    if differing.is_empty() || both == 0 {
        return String::new();
    }
    let lines = differing.iter().map(|(name, matches)| {
        let rate = *matches as f64 * 100.0 / both as f64;
        vec![name.clone(), format!("{:.2} %", rate), (both - matches).to_string()]
    });
    let rest = diff.matches.len() - differing.len();
    let table = table::list(&["column", "match", "differ"], &[], lines.collect());
    format!("\n{table}{}\n", paint(DIM, format!("{} match in every row", count(rest, "other column"))))
}
