//! The graph of the models: as a tree of lines, as JSON, as a page with a drawing.

use std::collections::{BTreeMap, BTreeSet};

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

/// Pixels between and around the boxes of the drawing.
const ROW: usize = 44;
const COLUMN: usize = 260;
const BOX: (usize, usize) = (200, 28);

/// A page with the graph drawn in columns, left to right, coloured by the plan. It needs nothing but itself.
pub(in crate::cli) fn html(project: &Project, plan: &Plan) -> String {
    let steps = steps(plan);
    let places = places(project);
    let width = COLUMN * places.values().map(|(column, _)| column + 1).max().unwrap_or(1);
    let height = ROW * places.values().map(|(_, row)| row + 1).max().unwrap_or(1) + 20;
    let mut drawing = String::new();
    let point = |(column, row): (usize, usize)| (column * COLUMN + 10, row * ROW + 10);
    for (name, place) in &places {
        let (x, y) = point(*place);
        for parent in project.model(name).into_iter().flat_map(|model| model.parents.keys()) {
            let Some(from) = places.get(parent) else { continue };
            let (from_x, from_y) = point(*from);
            let (start, from_y, y) = (from_x + BOX.0, from_y + BOX.1 / 2, y + BOX.1 / 2);
            let middle = usize::midpoint(start, x);
            drawing.push_str(&format!("<path d=\"M{start} {from_y} C{middle} {from_y} {middle} {y} {x} {y}\"/>\n"));
        }
    }
    for (name, place) in &places {
        let (x, y) = point(*place);
        let class = steps.get(name).map_or("unchanged", |step| match (step.change, step.action()) {
            (Change::Added, _) => "added",
            (Change::Direct, _) => "direct",
            (Change::Indirect, _) => "indirect",
            (_, Action::Build) => "build",
            _ => "unchanged",
        });
        let (w, h) = BOX;
        let name = escape(&name.to_string());
        drawing.push_str(&format!(
            "<g class=\"{class}\"><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"5\"/>\
             <text x=\"{}\" y=\"{}\">{name}</text></g>\n",
            x + 10,
            y + 19
        ));
    }
    let title = escape(&format!("{} · {}", plan.environment, plan.source.branch));
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{title}</title>\n<style>\n\
         body {{ font: 13px system-ui, sans-serif; margin: 2em }}\n\
         path {{ fill: none; stroke: #999 }} rect {{ fill: #f4f4f4; stroke: #999 }}\n\
         .added rect {{ fill: #cdebc5 }} .direct rect {{ fill: #ffe08a }} .indirect rect {{ fill: #c6e2f5 }} \
         .build rect {{ fill: #e6dcf5 }}\n</style>\n<h1>{title}</h1>\n\
         <p>yellow: changed · blue: reached by a change · green: added · violet: to be built · grey: shared</p>\n\
         <svg width=\"{width}\" height=\"{height}\">\n{drawing}</svg>\n"
    )
}

/// Each model's column (one behind its last parent) and row.
fn places(project: &Project) -> BTreeMap<ModelName, (usize, usize)> {
    let mut places: BTreeMap<ModelName, (usize, usize)> = BTreeMap::new();
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    for name in project.order() {
        let parents: BTreeSet<&ModelName> =
            project.model(name).into_iter().flat_map(|model| model.parents.keys()).collect();
        let column = parents.iter().filter_map(|parent| places.get(*parent)).map(|(column, _)| column + 1).max();
        let column = column.unwrap_or(0);
        let row = rows.entry(column).or_default();
        places.insert(name.clone(), (column, *row));
        *row += 1;
    }
    places
}

fn steps(plan: &Plan) -> BTreeMap<&ModelName, &Step> {
    plan.steps.iter().map(|step| (&step.model, step)).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
