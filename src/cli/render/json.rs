//! Results as JSON. The shapes are written down here, apart from the domain's types, so that they change on purpose only.

use serde_json::{Map, Value, json};

use super::plan::reason;
use crate::adapter::engine::Rows;
use crate::domain::plan::{Action, ColumnChanges, Plan};
use crate::workflow::compare::{Diff, TableDiff};

/// A plan: every model of the tree and the removed ones, with what is done about each.
pub(in crate::cli) fn plan(plan: &Plan, applied: bool) -> Value {
    let source = &plan.source;
    let models: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            json!({
                "name": step.model,
                "change": step.change.word(),
                "action": step.action().word(),
                "fingerprint": step.fingerprint,
                "snapshot": step.table.as_ref().map(ToString::to_string),
                "reason": reason(&step.reason),
                "through": step.through,
                "edited": step.edited,
                "expected_seconds": step.expected.map(|expected| expected.as_secs_f64()),
                "columns": columns(&step.columns),
            })
        })
        .collect();
    let drop = plan.steps.iter().filter(|step| step.action() == Action::Drop && step.swap).count();
    let mut told = json!({
        "environment": plan.environment,
        "branch": source.branch,
        "commit": source.commit,
        "dirty": source.dirty,
        "merged": source.merged,
        "base": source.base.as_ref().map(|commit| json!({"branch": source.main, "commit": commit})),
        "applied": applied,
        "models": models,
        "behind": plan.behind,
        "summary": {
            "build": plan.count(Action::Build),
            "reuse": plan.count(Action::Reuse),
            "swap": plan.swaps() - drop,
            "drop": drop,
        },
    });
    if let Some(mixed) = plan.mixed() {
        told["mixed_seconds"] = mixed.as_secs_f64().into();
    }
    told
}

fn columns(columns: &ColumnChanges) -> Value {
    json!({"added": columns.added, "removed": columns.removed, "changed": columns.changed})
}

/// Two environments compared.
pub(in crate::cli) fn diff(diff: &Diff) -> Value {
    let models: Vec<Value> = diff
        .models
        .iter()
        .map(|model| {
            json!({
                "name": model.model,
                "change": model.change.word(),
                "columns": columns(&model.columns),
                "before": model.texts.as_ref().map(|texts| &texts.0),
                "after": model.texts.as_ref().map(|texts| &texts.1),
            })
        })
        .collect();
    json!({"a": diff.a, "b": diff.b, "models": models, "same": diff.same})
}

/// Two tables compared.
pub(in crate::cli) fn table_diff(diff: &TableDiff) -> Value {
    let named = |columns: &[(String, String)]| -> Vec<Value> {
        columns.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect()
    };
    let retyped: Vec<Value> = diff.retyped.iter().map(|(name, a, b)| json!({"name": name, "a": a, "b": b})).collect();
    let matches: Map<String, Value> =
        diff.matches.iter().map(|(name, matches)| (name.clone(), json!(matches))).collect();
    json!({
        "model": diff.model,
        "a": diff.sides.0,
        "b": diff.sides.1,
        "same_snapshot": diff.same_snapshot,
        "differs": diff.differs(),
        "key": diff.key,
        "duplicate_keys": {"a": diff.duplicates.0, "b": diff.duplicates.1},
        "columns": {"only_a": named(&diff.only_a_columns), "only_b": named(&diff.only_b_columns), "retyped": retyped},
        "rows": {
            "a": diff.rows.0,
            "b": diff.rows.1,
            "only_a": diff.only_a,
            "only_b": diff.only_b,
            "same": diff.both.0 - diff.both.1,
            "changed": diff.both.1,
        },
        "matches": matches,
        "samples": {
            "only_a": rows(&diff.samples[0]),
            "only_b": rows(&diff.samples[1]),
            "changed": rows(&diff.samples[2]),
        },
    })
}

/// Rows as objects; every value as the engine prints it.
fn rows(rows: &Rows) -> Vec<Value> {
    let object = |row: &Vec<Option<String>>| {
        let pairs = rows.columns.iter().zip(row).map(|((name, _), value)| (name.clone(), json!(value)));
        Value::Object(pairs.collect())
    };
    rows.rows.iter().map(object).collect()
}
