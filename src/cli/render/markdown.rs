//! Plans and differences as Markdown, for comments under pull requests: a line that says the verdict, then what can be
//! unfolded.

use super::page::escape;
use super::plan::{notes, short, summary};
use super::{count, diff, some};
use crate::adapter::engine::Rows;
use crate::domain::name::ModelName;
use crate::domain::plan::{Action, Change, ColumnChanges, Plan, Step};
use crate::workflow::compare::{Diff, ModelDiff, TableDiff};

/// Rows of a table before the rest is only counted.
const ROWS: usize = 50;

/// Models that a reviewer sees without unfolding them.
const UNFOLDED: usize = 10;

/// The plan.
pub(in crate::cli) fn plan(plan: &Plan) -> String {
    let source = &plan.source;
    let commit = source.commit.as_deref().map(short).unwrap_or_default();
    let mut out = match source.merged {
        true => format!("### vmesh: `{}` into `{}`\n\n", source.branch, source.main),
        false => format!("### vmesh: `{}`\n\n", plan.environment),
    };
    let at = if commit.is_empty() { "nothing is committed yet".to_owned() } else { format!("at `{commit}`") };
    out.push_str(&format!("**{}** · {at}\n", summary(plan)));
    let told: Vec<&Step> =
        plan.steps.iter().filter(|step| step.change != Change::Unchanged || step.action() != Action::Reuse).collect();
    let mut table = "| model | change | action | why | columns |\n|---|---|---|---|---|\n".to_owned();
    for step in told.iter().take(ROWS) {
        let (change, action) = (step.change.word(), step.action().word());
        let (why, columns) = (cell(&notes(step)), columns(&step.columns));
        table.push_str(&format!("| `{}` | {change} | {action} | {why} | {columns} |\n", cell(&step.model.to_string())));
    }
    if told.len() > ROWS {
        table.push_str(&format!("\nand {} more\n", told.len() - ROWS));
    }
    match told.len() {
        0 => {}
        1..=UNFOLDED => out.push_str(&format!("\n{table}")),
        _ => out.push_str(&folded(&count(told.len(), "model"), &table)),
    }
    if !plan.behind.is_empty() {
        out.push_str(&format!("\nBehind `{}`: {}\n", source.main, names(&plan.behind)));
    }
    out
}

/// A merge that does not go.
pub(in crate::cli) fn conflicts(branch: &str, main: &str, models: &[String], others: &[String]) -> String {
    let mut out = format!("### vmesh: `{branch}` into `{main}`\n\n**the merge conflicts**\n\n");
    for path in models.iter().chain(others) {
        out.push_str(&format!("- `{}`\n", cell(path)));
    }
    out
}

/// The models in which two environments differ, each with its text.
pub(in crate::cli) fn diff(diff: &Diff) -> String {
    let mut out = format!("### vmesh: `{}` → `{}`\n\n", diff.a, diff.b);
    let own = diff.models.iter().filter(|model| model.texts.is_some()).count();
    let differ = match diff.models.len() {
        0 => format!("**both show the same** · {}\n", count(diff.same, "model")),
        all => format!("**{} changed**, {} below · {} the same\n", count(own, "model"), all - own, diff.same),
    };
    out.push_str(&differ);
    diff.models.iter().for_each(|model| out.push_str(&model_diff(model)));
    out
}

fn model_diff(model: &ModelDiff) -> String {
    let columns = columns(&model.columns);
    let columns = if columns.is_empty() { columns } else { format!(" · {columns}") };
    let Some((before, after)) = &model.texts else {
        return format!("\n`{}` {}{columns}\n", model.model, model.change.word());
    };
    let text = anstream::adapter::strip_str(&diff::text(before, after)).to_string();
    // the signs of a diff stand at the beginnings of its lines
    let lines: String = text.lines().map(|line| format!("{}\n", line.get(2..).unwrap_or_default())).collect();
    let summary = format!("<code>{}</code> {}{columns}", escape(&model.model.to_string()), model.change.word());
    folded(&summary, &fenced("diff", &lines))
}

/// The rows of two tables, compared.
pub(in crate::cli) fn tables(diff: &TableDiff) -> String {
    let (a, b) = (&diff.sides.0, &diff.sides.1);
    let mut out = format!("### vmesh: rows of `{}`, `{a}` → `{b}`\n\n", diff.model);
    if diff.same_snapshot {
        out.push_str("**both show one table**: no row was read\n");
        return out;
    }
    let changed = match diff.key.is_empty() {
        true => String::new(),
        false => format!(", {} changed", diff.both.1),
    };
    let verdict = if diff.differs() { "rows change" } else { "the same rows" };
    out.push_str(&format!(
        "**{verdict}**: {} → {}; {} new, {} gone{changed}\n",
        count(usize::try_from(diff.rows.0).unwrap_or(usize::MAX), "row"),
        diff.rows.1,
        diff.only_b,
        diff.only_a
    ));
    let named = |sign: &str, columns: &[(String, String)]| -> Vec<String> {
        columns.iter().map(|(name, kind)| format!("{sign}`{} {}`", cell(name), cell(kind))).collect()
    };
    let retyped = diff.retyped.iter().map(|(name, before, after)| format!("~`{}` {before} → {after}", cell(name)));
    let schema: Vec<String> =
        [named("−", &diff.only_a_columns), named("+", &diff.only_b_columns), retyped.collect()].concat();
    if !schema.is_empty() {
        out.push_str(&format!("\nColumns: {}\n", schema.join(" ")));
    }
    let differing: Vec<&(String, u64)> = diff.matches.iter().filter(|(_, matches)| *matches < diff.both.0).collect();
    if !differing.is_empty() {
        out.push_str("\n| column | equal | differ |\n|---|---|---|\n");
    }
    for (name, matches) in differing {
        let share = *matches as f64 * 100.0 / diff.both.0 as f64;
        out.push_str(&format!("| `{}` | {share:.2} % | {} |\n", cell(name), diff.both.0 - matches));
    }
    let titles = [format!("rows that only {a} has"), format!("rows that only {b} has"), "rows that changed".to_owned()];
    for (title, rows) in titles.iter().zip(&diff.samples).filter(|(_, rows)| !rows.rows.is_empty()) {
        out.push_str(&folded(&format!("{}, for example", escape(title)), &sample(rows)));
    }
    out
}

fn sample(rows: &Rows) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(rows.columns.iter().map(|(name, _)| format!("`{}`", cell(name))).collect());
    out.push_str(&line(rows.columns.iter().map(|_| "---".to_owned()).collect()));
    for row in &rows.rows {
        let value = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "NULL".to_owned(), |value| format!("`{}`", cell(value)))
        };
        out.push_str(&line(row.iter().map(value).collect()));
    }
    out
}

/// What is seen once somebody asks for it.
fn folded(summary: &str, text: &str) -> String {
    format!("\n<details><summary>{summary}</summary>\n\n{text}\n</details>\n")
}

/// A text as it is, between more backticks than it has itself in a row.
fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}{fence}\n")
}

fn columns(columns: &ColumnChanges) -> String {
    let lists = [("+", &columns.added), ("−", &columns.removed), ("~", &columns.changed)];
    let all = lists.iter().flat_map(|(sign, names)| names.iter().map(move |name| format!("{sign}`{}`", cell(name))));
    all.collect::<Vec<_>>().join(" ")
}

fn names(models: &[ModelName]) -> String {
    let models: Vec<String> = models.iter().map(|model| format!("`{model}`")).collect();
    some(&models, 10)
}

/// Text that ends neither its cell nor its code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('`', "'").replace('\n', " ")
}
