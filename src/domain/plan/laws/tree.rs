//! Source trees as values: a few models that read each other, written as model files and read by the real domain code.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::super::super::config::Config;
use super::super::super::external::Externals;
use super::super::super::model::{self, ModelFile};
use super::super::super::project::{Lineages, Project, Published, SeedFile, Sources};

/// What a model is in these trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sort {
    Full,
    View,
    Embedded,
    Seed,
    /// By time range.
    Range,
    /// By time range, a day a load.
    Batches,
    /// By time range, and a changed version goes on from the rows of the one before.
    Forward,
    /// By unique key: loads build on each other.
    Key,
    /// `SCD_TYPE_2`.
    History,
}

impl Sort {
    pub(super) const ALL: [Self; 9] = [
        Self::Full,
        Self::View,
        Self::Embedded,
        Self::Seed,
        Self::Range,
        Self::Batches,
        Self::Forward,
        Self::Key,
        Self::History,
    ];

    fn words(self, text: u8) -> String {
        match self {
            Self::Full => "FULL".to_owned(),
            Self::View => "VIEW".to_owned(),
            Self::Embedded => "EMBEDDED".to_owned(),
            Self::Seed => format!("SEED (path 'seeds/{text}.csv')"),
            Self::Range => "INCREMENTAL_BY_TIME_RANGE (time_column ds)".to_owned(),
            Self::Batches => "INCREMENTAL_BY_TIME_RANGE (time_column ds, batch_size 1)".to_owned(),
            Self::Forward => "INCREMENTAL_BY_TIME_RANGE (time_column ds, forward_only true)".to_owned(),
            Self::Key => "INCREMENTAL_BY_UNIQUE_KEY (unique_key id)".to_owned(),
            Self::History => "SCD_TYPE_2_BY_COLUMN (unique_key id, columns [v])".to_owned(),
        }
    }

    /// Whether a changed version goes on from the rows of the one before.
    pub(super) fn goes_on(self) -> bool {
        matches!(self, Self::Forward | Self::History)
    }
}

/// What a model reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Read {
    /// A table that vmesh doesn't manage.
    Raw(u8),
    /// A model.
    Model(String),
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spec {
    pub(super) sort: Sort,
    /// Which of its texts it has: a number that its query, or its seed's file, says.
    pub(super) text: u8,
    /// What it reads; nothing for seeds.
    pub(super) reads: Vec<Read>,
    pub(super) comment: u8,
    /// What it says of a column that nobody reads.
    pub(super) extra: u8,
    /// In which words it says its text: of some rows, other words make others.
    pub(super) words: u8,
}

/// The models by name.
pub(super) type Tree = BTreeMap<String, Spec>;

/// A change of a tree.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// Another text of its query.
    Text(u8),
    /// A comment: nothing that counts.
    Comment(u8),
    /// Another value of the column that nobody reads.
    Extra(u8),
    /// Other words for the same, as long as they are.
    Words(u8),
    /// Another name.
    Rename,
    /// Another kind.
    Sort(Sort),
    /// It reads something else in place of what it read first.
    Reads(u8),
    /// It goes; who read it reads what it read.
    Remove,
    /// Another model that reads two others.
    Add(Sort, u8, u8),
}

fn spec(sort: Sort, reads: &[&str]) -> Spec {
    let read = |name: &&str| match name.strip_prefix("raw") {
        Some(number) => Read::Raw(number.parse().unwrap()),
        None => Read::Model((*name).to_owned()),
    };
    Spec { sort, text: 0, reads: reads.iter().map(read).collect(), comment: 0, extra: 0, words: 0 }
}

/// What main begins with.
pub(super) fn first() -> Tree {
    let models: [(&str, Sort, &[&str]); 12] = [
        ("a", Sort::Full, &["raw0"]),
        ("b", Sort::Range, &["raw0"]),
        ("c", Sort::View, &["b"]),
        ("d", Sort::Embedded, &["c"]),
        ("e", Sort::Full, &["d", "a"]),
        ("f", Sort::Forward, &["raw1"]),
        ("g", Sort::Key, &["b", "s"]),
        ("h", Sort::View, &["f"]),
        ("i", Sort::Batches, &["h"]),
        ("j", Sort::View, &["e"]),
        ("k", Sort::Full, &["f"]),
        ("s", Sort::Seed, &[]),
    ];
    models.iter().map(|(name, sort, reads)| ((*name).to_owned(), spec(*sort, reads))).collect()
}

/// The letter that orders models: each reads only those before it, and seeds.
fn rank(name: &str) -> u8 {
    let first = name.as_bytes()[0];
    if first == b's' { 0 } else { first }
}

/// The models that a model may read.
fn readable(tree: &Tree, name: &str, number: u8) -> Read {
    let before: Vec<&String> = tree.keys().filter(|other| rank(other) < rank(name)).collect();
    match usize::from(number) % (before.len() + 2) {
        raw @ 0..2 => Read::Raw(u8::try_from(raw).unwrap()),
        at => Read::Model(before[at - 2].clone()),
    }
}

/// Changes one model of a tree, that which the number means.
pub(super) fn edit(tree: &mut Tree, number: u8, edit: &Edit) {
    let names: Vec<String> = tree.keys().cloned().collect();
    let name = names[usize::from(number) % names.len()].clone();
    match edit {
        Edit::Text(text) => tree.get_mut(&name).unwrap().text = *text,
        Edit::Comment(comment) => tree.get_mut(&name).unwrap().comment = *comment,
        Edit::Words(words) if tree[&name].sort != Sort::Seed => tree.get_mut(&name).unwrap().words = *words,
        Edit::Words(_) => {}
        Edit::Extra(extra) => tree.get_mut(&name).unwrap().extra = *extra,
        Edit::Sort(sort) => {
            let seeds = (*sort == Sort::Seed) != (tree[&name].sort == Sort::Seed);
            // a seed reads nothing, and all others something
            if !seeds {
                tree.get_mut(&name).unwrap().sort = *sort;
            }
        }
        Edit::Reads(other) => {
            let read = readable(tree, &name, *other);
            let reads = &mut tree.get_mut(&name).unwrap().reads;
            if !reads.is_empty() && !reads.contains(&read) {
                reads[0] = read;
            }
        }
        Edit::Rename => {
            let new = match name.len() {
                1 => format!("{name}x"),
                _ => name[..1].to_owned(),
            };
            if !tree.contains_key(&new) {
                let spec = tree.remove(&name).unwrap();
                tree.insert(new.clone(), spec);
                replace(tree, &name, &[Read::Model(new)]);
            }
        }
        Edit::Remove if tree.len() > 2 => {
            let reads = tree.remove(&name).unwrap().reads;
            let reads = if reads.is_empty() { vec![Read::Raw(0)] } else { reads };
            replace(tree, &name, &reads);
        }
        Edit::Remove => {}
        Edit::Add(sort, one, other) => {
            let new = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"].into_iter().map(str::to_owned);
            let Some(new) =
                new.into_iter().find(|new| !tree.contains_key(new) && !tree.contains_key(&format!("{new}x")))
            else {
                return;
            };
            let mut reads = vec![readable(tree, &new, *one), readable(tree, &new, *other)];
            reads.dedup();
            if *sort == Sort::Seed {
                reads.clear();
            }
            tree.insert(new, Spec { sort: *sort, text: 0, reads, comment: 0, extra: 0, words: 0 });
        }
    }
}

fn replace(tree: &mut Tree, name: &str, by: &[Read]) {
    let old = Read::Model(name.to_owned());
    for spec in tree.values_mut() {
        let reads = spec.reads.iter().flat_map(|read| if *read == old { by.to_vec() } else { vec![read.clone()] });
        let mut seen: Vec<Read> = Vec::new();
        reads.for_each(|read| {
            if !seen.contains(&read) {
                seen.push(read)
            }
        });
        spec.reads = seen;
    }
}

/// A branch merged into main: what the branch changed since base, and all else as main has it.
pub(super) fn merge(base: &Tree, main: &Tree, branch: &Tree) -> Tree {
    let mut merged = main.clone();
    for name in base.keys().chain(branch.keys()) {
        if base.get(name) != branch.get(name) {
            match branch.get(name) {
                Some(spec) => merged.insert(name.clone(), spec.clone()),
                None => merged.remove(name),
            };
        }
    }
    merged
}

/// Whether a model says the same in two trees, and so does all above it that counts: of what is built whole, the columns
/// that are read; of what a view reads, all.
pub(super) fn says_the_same(one: &Tree, other: &Tree, name: &str) -> bool {
    let (Some(this), Some(that)) = (one.get(name), other.get(name)) else { return false };
    let above = |read: &Read| match read {
        Read::Raw(_) => true,
        Read::Model(name) if this.sort == Sort::View => says_the_same(one, other, name),
        Read::Model(name) => gives_the_same(one, other, name),
    };
    let own = |spec: &Spec| (spec.sort, spec.text, spec.words, spec.extra, spec.reads.clone());
    own(this) == own(that) && this.reads.iter().all(above)
}

/// Whether a model's readers find the same in two trees.
fn gives_the_same(one: &Tree, other: &Tree, name: &str) -> bool {
    let (Some(this), Some(that)) = (one.get(name), other.get(name)) else { return false };
    if !matches!(this.sort, Sort::Full | Sort::View | Sort::Embedded) {
        return says_the_same(one, other, name);
    }
    let above = |read: &Read| match read {
        Read::Raw(_) => true,
        Read::Model(name) => gives_the_same(one, other, name),
    };
    let own = |spec: &Spec| (spec.sort, spec.text, spec.words, spec.reads.clone());
    own(this) == own(that) && this.reads.iter().all(above)
}

fn written(name: &str, spec: &Spec) -> String {
    let (words, start) =
        (spec.sort.words(spec.text), if spec.sort == Sort::Seed { "" } else { ", start '2026-01-01'" });
    let head = format!("MODEL (name {name}, kind {words}, description 'c{}'{start});\n", spec.comment);
    let read = |(at, read): (usize, &Read)| match read {
        Read::Raw(number) => format!("raw.r{number} AS t{at}"),
        Read::Model(name) => format!("{name} AS t{at}"),
    };
    let reads: Vec<String> = spec.reads.iter().enumerate().map(read).collect();
    match reads.is_empty() {
        true => head,
        false => {
            let (text, extra) = (spec.text, spec.extra);
            let mut sum: String = (0..reads.len()).map(|at| format!(" + t{at}.v")).collect();
            if spec.words > 0 {
                sum.push_str(&format!(" + 0 * {}", spec.words));
            }
            format!("{head}SELECT t0.id, t0.ds, {text}{sum} AS v, {extra} AS w FROM {}\n", reads.join(", "))
        }
    }
}

thread_local! {
    static FILES: RefCell<HashMap<String, Arc<ModelFile>>> = RefCell::default();
    static LINEAGES: Lineages = Lineages::default();
    static PROJECTS: RefCell<HashMap<Tree, Option<Rc<Project>>>> = RefCell::default();
}

fn parsed(text: &str) -> Arc<ModelFile> {
    FILES.with_borrow_mut(|files| {
        let parse = || Arc::new(model::parse(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}")));
        files.entry(text.to_owned()).or_insert_with(parse).clone()
    })
}

/// The project of a tree; none if it is not one, as after a merge of what doesn't fit.
pub(super) fn project(tree: &Tree) -> Option<Rc<Project>> {
    PROJECTS.with_borrow_mut(|projects| {
        if !projects.contains_key(tree) {
            projects.insert(tree.clone(), assemble(tree).map(Rc::new));
        }
        projects[tree].clone()
    })
}

fn assemble(tree: &Tree) -> Option<Project> {
    let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
    let files = tree.iter().map(|(name, spec)| (format!("models/{name}.sql"), parsed(&written(name, spec))));
    let seed = |path: &str| {
        let header = Some(vec!["id".to_owned(), "ds".to_owned(), "v".to_owned()]);
        Some(SeedFile { path: path.to_owned(), hash: *blake3::hash(path.as_bytes()).as_bytes(), header })
    };
    let text = |path: &str| {
        let name = path.trim_start_matches("models/").trim_end_matches(".sql");
        tree.get(name).map_or_else(|| "".into(), |spec| written(name, spec).into())
    };
    let assembled = LINEAGES.with(|lineages| {
        Project::assemble(&Sources {
            files: files.collect(),
            text: &text,
            seed: &seed,
            matching: &|_| Vec::new(),
            absent: &|_| None,
            config: &config,
            home: "/home/shop",
            externals: &Externals::default(),
            published: &Published::default(),
            before_all: &[],
            lineages,
        })
    });
    let is_whole = tree.values().flat_map(|spec| &spec.reads).all(|read| match read {
        Read::Raw(_) => true,
        Read::Model(name) => tree.contains_key(name),
    });
    // a model that reads what went away would read a table that vmesh doesn't manage
    is_whole.then(|| assembled.unwrap_or_else(|problems| panic!("{tree:?}: {problems:?}")))
}
