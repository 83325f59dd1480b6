//! The graph of the models: as a tree of lines, as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{BOLD, CYAN, DIM, GREEN, YELLOW, padded, paint};
use crate::domain::name::ModelName;
use crate::domain::plan::{Action, Change, Plan, Step};
use crate::domain::project::Project;
use crate::workflow::lineage::Lineage;

/// Every model with what it reads, parents first.
pub(in crate::cli) fn text(project: &Project, plan: &Plan) -> String {
    let steps = steps(plan);
    let width = project.order().iter().map(|name| name.to_string().len()).max().unwrap_or(0);
    let mut out = String::new();
    for name in project.order() {
        let Some(model) = project.model(name) else { continue };
        let style = match steps.get(name).map(|step| (step.change, step.action())) {
            Some((Change::Added, _)) => GREEN,
            Some((Change::Direct, _)) => YELLOW,
            Some((_, Action::Build)) => CYAN,
            _ => anstyle::Style::new(),
        };
        let mut reads: Vec<String> = model.parents.keys().map(ToString::to_string).collect();
        reads.extend(model.externals().into_iter().map(|name| format!("({name})")));
        let arrow = if reads.is_empty() { String::new() } else { format!("← {}", reads.join(", ")) };
        let name = paint(style, padded(&name.to_string(), width));
        out.push_str(&format!("{name}  {}\n", paint(DIM, format!("{:8} {arrow}", model.kind.word()))));
    }
    out
}

/// A model between what it reads and what reads it.
pub(in crate::cli) fn lineage(project: &Project, lineage: &Lineage) -> String {
    let direct = |name: &ModelName| project.model(&lineage.model).is_some_and(|model| model.parents.contains_key(name));
    let mut out = String::new();
    for source in &lineage.sources {
        out.push_str(&format!("  {}\n", paint(DIM, format!("({source})"))));
    }
    for name in &lineage.upstream {
        let text = name.to_string();
        out.push_str(&format!("  {}\n", if direct(name) { text } else { paint(DIM, text) }));
    }
    out.push_str(&format!("▶ {}\n", paint(BOLD, &lineage.model)));
    for name in &lineage.downstream {
        let reads = project.model(name).is_some_and(|model| model.parents.contains_key(&lineage.model));
        let text = name.to_string();
        out.push_str(&format!("  {}\n", if reads { text } else { paint(DIM, text) }));
    }
    out
}

/// Nodes and edges.
pub(in crate::cli) fn json(project: &Project, plan: &Plan) -> Value {
    let steps = steps(plan);
    let models = project.models().map(|model| {
        let step = steps.get(&model.name);
        json!({
            "name": model.name,
            "kind": model.kind.word().as_str(),
            "path": model.path,
            "parents": model.parents.keys().collect::<Vec<_>>(),
            "sources": model.externals(),
            "change": step.map(|step| step.change.word()),
            "action": step.map(|step| step.action().word()),
        })
    });
    json!({"environment": plan.environment, "models": models.collect::<Vec<_>>()})
}

fn steps(plan: &Plan) -> BTreeMap<&ModelName, &Step> {
    plan.steps.iter().map(|step| (&step.model, step)).collect()
}
