//! The models of a plan as a tree: what changed, and below each change what it reaches.

use std::collections::BTreeMap;

use super::plan::notes;
use super::wrap::{lines, width_of};
use super::{CYAN, DIM, GREEN, RED, YELLOW, count, padded, paint, signed};
use crate::domain::name::ModelName;
use crate::domain::plan::{Action, Change, Reason, Step};

/// Changes that are told one by one.
const CHANGES: usize = 30;

/// Models below one of them.
const BELOW: usize = 15;

/// Names longer than this don't move what stands behind the others.
const NAME: usize = 44;

/// A line: what it begins with, what the lines below it begin with, and its model.
struct Row<'p> {
    start: String,
    rest: String,
    step: &'p Step,
    /// The model under which it stands.
    parent: Option<&'p ModelName>,
    /// Whether it had another name before.
    renamed: bool,
}

/// The steps of a plan, each once, below the nearest parent through which a change reaches it. Of many, some are told, unless
/// `all` are asked for; in lines of at most `width` characters, as far as words allow.
pub(in crate::cli) fn render(steps: &[&Step], all: bool, width: Option<usize>) -> String {
    let renamed = renamed(steps);
    let steps: Vec<&Step> = steps.iter().filter(|step| !renamed.contains(&&step.model)).copied().collect();
    let mut tree = Tree::of(&steps);
    let is_renamed = |step: &Step| matches!(&step.reason, Reason::SameAs(before) if renamed.contains(&before));
    let mut groups: Vec<Vec<Row<'_>>> = Vec::new();
    let mut left: Vec<&Step> = Vec::new();
    for root in std::mem::take(&mut tree.roots) {
        let mut rows =
            vec![Row { start: sign(root), rest: String::new(), step: root, parent: None, renamed: is_renamed(root) }];
        tree.add_below(&root.model, "", &mut rows);
        match all || groups.len() < CHANGES {
            true => groups.push(rows),
            false => left.extend(rows.iter().map(|row| row.step)),
        }
    }
    let told = groups.iter().flatten().map(|row| width_of(&row.start) + width_of(&row.step.model.to_string()));
    let column = told.filter(|width| *width <= NAME).max().unwrap_or(0);
    let mut out = String::new();
    for rows in &groups {
        let shown = if all || rows.len() <= BELOW + 1 { rows.len() } else { BELOW };
        let (shown, hidden) = rows.split_at(shown);
        shown.iter().enumerate().for_each(|(at, row)| {
            let is_followed = rows.get(at + 1).is_some_and(|next| next.parent == Some(&row.step.model));
            out.push_str(&line(row, column, width, is_followed));
        });
        if !hidden.is_empty() {
            let hidden = hidden.iter().map(|row| row.step).collect::<Vec<_>>();
            out.push_str(&format!("  {}\n", paint(DIM, format!("└─ {}", more(&hidden, "below")))));
        }
    }
    if !left.is_empty() {
        out.push_str(&format!("  {}\n", paint(DIM, more(&left, "besides"))));
    }
    out
}

/// Models that are gone, while another says the same: that tells of them.
fn renamed<'p>(steps: &[&'p Step]) -> Vec<&'p ModelName> {
    let gone = |name: &ModelName| steps.iter().any(|step| step.model == *name && step.change == Change::Removed);
    let before = steps.iter().filter_map(|step| match &step.reason {
        Reason::SameAs(before) if step.change == Change::Added && gone(before) => Some(before),
        _ => None,
    });
    before.collect()
}

struct Tree<'p> {
    roots: Vec<&'p Step>,
    below: BTreeMap<&'p ModelName, Vec<&'p Step>>,
}

impl<'p> Tree<'p> {
    fn of(steps: &[&'p Step]) -> Self {
        let mut tree = Self { roots: Vec::new(), below: BTreeMap::new() };
        let mut listed: BTreeMap<&ModelName, usize> = BTreeMap::new();
        for (at, step) in steps.iter().enumerate() {
            // parents come first in a plan: the last of them is the nearest
            match step.through.iter().filter(|parent| listed.contains_key(parent)).max_by_key(|it| listed.get(it)) {
                Some(parent) => tree.below.entry(parent).or_default().push(step),
                None => tree.roots.push(step),
            }
            listed.insert(&step.model, at);
        }
        tree.roots.sort_by_key(|step| rank(step.change));
        tree
    }

    /// Adds the lines below a model, from the first of its children on.
    fn add_below(&self, model: &'p ModelName, bars: &str, rows: &mut Vec<Row<'p>>) {
        // a stack of its own: a chain of models may be long
        let children = |model: &ModelName, bars: &str| {
            let below = self.below.get(model).map_or(&[][..], Vec::as_slice);
            let last = below.len();
            let row = |(at, step): (usize, &&'p Step)| {
                let (fork, bar) = if at + 1 == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                (format!("{bars}{fork}"), format!("{bars}{bar}"), *step)
            };
            below.iter().enumerate().map(row).rev().collect::<Vec<_>>()
        };
        let with = |parent: &'p ModelName, below: Vec<(String, String, &'p Step)>| {
            below.into_iter().map(move |(start, rest, step)| Row {
                start,
                rest,
                step,
                parent: Some(parent),
                renamed: false,
            })
        };
        let mut todo: Vec<Row<'p>> = with(model, children(model, bars)).collect();
        while let Some(row) = todo.pop() {
            todo.extend(with(&row.step.model, children(&row.step.model, &row.rest)));
            rows.push(row);
        }
    }
}

/// What changed comes before what is only to be done.
fn rank(change: Change) -> usize {
    match change {
        Change::Direct => 0,
        Change::Added => 1,
        Change::Removed => 2,
        Change::Metadata => 3,
        Change::Indirect => 4,
        Change::Unchanged => 5,
    }
}

fn sign(step: &Step) -> String {
    let sign = match step.change {
        Change::Direct | Change::Indirect => "~",
        Change::Metadata => "·",
        Change::Added => "+",
        Change::Removed => "-",
        Change::Unchanged => " ",
    };
    format!("{sign} ")
}

fn line(row: &Row<'_>, column: usize, width: Option<usize>, is_followed: bool) -> String {
    let Row { start, rest, step, .. } = row;
    let style = match step.change {
        Change::Direct => YELLOW,
        Change::Indirect => CYAN,
        Change::Added => GREEN,
        Change::Removed => RED,
        Change::Metadata | Change::Unchanged => DIM,
    };
    let name = step.model.to_string();
    let padding = padded("", column.saturating_sub(width_of(start) + width_of(&name)));
    let action = format!("{:5}", step.action().word());
    let begin = format!("  {}{name}{padding}  {action}  ", paint(style, start));
    let bar = if is_followed { "│ " } else { "  " };
    let rest = if row.parent.is_some() { format!("{rest}{bar}") } else { bar.to_owned() };
    let indent = column.max(width_of(start) + width_of(&name)) + 11;
    let hanging = format!("  {}{}", paint(DIM, &rest), padded("", indent.saturating_sub(width_of(&rest) + 2)));
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent));
    // where the name leaves no room, what is said stands below it
    let (first, hanging, room) = match room < 24 {
        true => (
            format!("{}\n  {}  ", begin.trim_end(), paint(DIM, &rest)),
            format!("  {}  ", paint(DIM, &rest)),
            width.map_or(usize::MAX, |width| width.saturating_sub(width_of(&rest) + 4)),
        ),
        false => (begin, hanging, room),
    };
    let told = match &step.reason {
        Reason::SameAs(before) if step.change == Change::Added && row.renamed => {
            format!("renamed from {before}: shows its table")
        }
        _ => notes(step),
    };
    let told_in = lines(&told, room);
    let mut out = String::new();
    for (at, text) in told_in.iter().enumerate() {
        let before = if at == 0 { &first } else { &hanging };
        out.push_str(&format!("{before}{}\n", paint(DIM, text)));
    }
    let columns = signed(&step.columns);
    if !columns.is_empty() {
        let room = width.map_or(usize::MAX, |width| width.saturating_sub(width_of(&rest) + 13));
        for (at, part) in lines(&columns.join(" "), room).iter().enumerate() {
            let word = if at == 0 { "columns:" } else { "        " };
            out.push_str(&format!("  {}  {word} {part}\n", paint(DIM, &rest)));
        }
    }
    out
}

/// How many more models there are, and what is done about them.
fn more(steps: &[&Step], where_: &str) -> String {
    let of = |action: Action| steps.iter().filter(|step| step.action() == action).count();
    let parts = [(Action::Build, "to build"), (Action::Reuse, "to reuse"), (Action::Drop, "to drop")];
    let told =
        parts.iter().filter(|(action, _)| of(*action) > 0).map(|(action, words)| format!("{} {words}", of(*action)));
    let told = told.collect::<Vec<_>>().join(", ");
    format!("… {} {where_}: {told} · --explain lists them", count(steps.len(), "more model"))
}
