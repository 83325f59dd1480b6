//! A plan as Markdown: the comment under a pull request.

use super::plan::{reason, short, summary};
use super::some;
use crate::domain::name::ModelName;
use crate::domain::plan::{Action, Change, ColumnChanges, Plan, Step};

/// Rows of a table before the rest is only counted.
const ROWS: usize = 50;

/// The plan.
pub(in crate::cli) fn plan(plan: &Plan) -> String {
    let source = &plan.source;
    let commit = source.commit.as_deref().map(short).unwrap_or_default();
    let mut out = match source.merged {
        true => format!("### vmesh: `{}` into `{}`\n\n", source.branch, source.main),
        false => format!("### vmesh: `{}`\n\n", plan.environment),
    };
    out.push_str(&format!("**{}** · at `{commit}`\n", summary(plan)));
    let told: Vec<&Step> =
        plan.steps.iter().filter(|step| step.change != Change::Unchanged || step.action() != Action::Reuse).collect();
    if !told.is_empty() {
        out.push_str("\n| model | change | action | why | columns |\n|---|---|---|---|---|\n");
    }
    for step in told.iter().take(ROWS) {
        let (change, action) = (step.change.word(), step.action().word());
        let (why, columns) = (cell(&reason(&step.reason)), columns(&step.columns));
        out.push_str(&format!("| `{}` | {change} | {action} | {why} | {columns} |\n", cell(&step.model.to_string())));
    }
    if told.len() > ROWS {
        out.push_str(&format!("\nand {} more\n", told.len() - ROWS));
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
