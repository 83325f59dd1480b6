//! The relatives of a column: as two trees of lines, as JSON.

use serde_json::{Value, json};

use super::{BOLD, DIM, paint};
use crate::domain::project::{Part, Trace};
use crate::workflow::lineage::ColumnLineage;

/// What the column is made of, and what is made of it.
pub(in crate::cli) fn text(lineage: &ColumnLineage) -> String {
    let mut out = format!("▶ {}\n", paint(BOLD, name(&lineage.above)));
    for (title, trace, none) in [
        ("made of", &lineage.above, "nothing that is read: its text says it"),
        ("has a say in", &lineage.below, "nothing: no model reads it"),
    ] {
        out.push_str(&format!("\n{}\n", paint(DIM, title)));
        match trace.next.is_empty() {
            true => out.push_str(&format!("  {none}\n")),
            false => branches(&trace.next, "  ", &mut out),
        }
    }
    out
}

fn branches(traces: &[Trace], indent: &str, out: &mut String) {
    for (at, trace) in traces.iter().enumerate() {
        let is_last = at + 1 == traces.len();
        let (branch, rest) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let told = if trace.is_told { paint(DIM, " (as above)") } else { String::new() };
        out.push_str(&format!("{indent}{branch}{}{told}\n", name(trace)));
        branches(&trace.next, &format!("{indent}{rest}"), out);
    }
}

fn name(trace: &Trace) -> String {
    match &trace.part {
        Part::Column(column) => format!("{}.{column}", trace.table),
        Part::Rows => format!("{} {}", trace.table, paint(DIM, "(which rows it has)")),
        Part::Whole => format!("{} {}", trace.table, paint(DIM, "(all of it, maybe: its query can't be taken apart)")),
    }
}

/// The same.
pub(in crate::cli) fn json(lineage: &ColumnLineage) -> Value {
    let Part::Column(column) = &lineage.above.part else { return Value::Null };
    json!({
        "model": lineage.above.table,
        "column": column,
        "upstream": lineage.above.next.iter().map(node).collect::<Vec<_>>(),
        "downstream": lineage.below.next.iter().map(node).collect::<Vec<_>>(),
    })
}

fn node(trace: &Trace) -> Value {
    let (column, part) = match &trace.part {
        Part::Column(column) => (Some(column), "column"),
        Part::Rows => (None, "rows"),
        Part::Whole => (None, "whole"),
    };
    let next: Vec<Value> = trace.next.iter().map(node).collect();
    json!({"table": trace.table, "column": column, "part": part, "next": next, "told_before": trace.is_told})
}
