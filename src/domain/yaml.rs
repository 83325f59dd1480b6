//! YAML as a tree with the place of each node: aliases resolved, merge keys merged, no key twice.
//!
//! Built from the parser's events, because only there every node has its place, and because the size of the tree is
//! then ours to bound: a few aliases of aliases could make it larger than memory.

pub(super) mod scalar;

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::diagnostic::Problem;
use super::sql::Span;

/// How many nodes a file may have, aliases counted as what they stand for.
const NODES: usize = 1_000_000;
/// How deep nodes may lie in each other.
const DEPTH: usize = 64;

/// A value, of the type that YAML gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a point or an exponent, as SQL spells it; also `inf`, `-inf` and `nan`. Text, so that a DECIMAL is
    /// exact.
    Float(String),
    /// A date or a time, not quoted.
    Time(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A struct or a map.
    Map(Vec<(Value, Value)>),
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it stands.
    pub(super) span: Span,
    /// How many nodes it is made of.
    size: usize,
    /// How many levels it has.
    depth: usize,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A leaf: its value, and its text as written.
    Leaf(Value, String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values.
    Map(Vec<(Node, Node)>),
}

/// The one document of a text; `None` when there is nothing in it.
pub(super) fn load(text: &str) -> Result<Option<Node>, Problem> {
    let places = Places::new(text);
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = places.byte(*error.marker());
            let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
            problem(format!("this is no YAML: {}", error.info()), at..end)
        })?;
        let span = places.byte(span.start)..places.byte(span.end);
        documents += usize::from(matches!(event, Event::DocumentStart(_)));
        if documents > 1 {
            let help = Some("put it into a file of its own".to_owned());
            return Err(Problem { help, ..problem("a second document", span) });
        }
        builder.event(event, span)?;
    }
    Ok(builder.root)
}

impl Node {
    /// A node of what is no YAML, and says the same.
    pub(super) fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span, size: 1, depth: 1 }
    }

    /// The keys and values, if it is a map.
    pub(super) fn map(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Leaf(..) | Kind::List(_) => None,
        }
    }

    /// The value with everything in it.
    pub(super) fn value(&self) -> Value {
        match &self.kind {
            Kind::Leaf(value, _) => value.clone(),
            Kind::List(items) => Value::List(items.iter().map(Self::value).collect()),
            Kind::Map(entries) => Value::Map(entries.iter().map(|(key, value)| (key.value(), value.value())).collect()),
        }
    }

    /// The text of a leaf as written, of whatever type, except of a null.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Leaf(Value::Null, _) | Kind::List(_) | Kind::Map(_) => None,
            Kind::Leaf(_, text) => Some(text),
        }
    }

    /// Whether it is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Leaf(Value::Null, _))
    }
}

/// Where characters are, in bytes: the parser counts characters.
struct Places(Vec<usize>);

impl Places {
    fn new(text: &str) -> Self {
        let ends = std::iter::once(text.len());
        Self(if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).chain(ends).collect() })
    }

    fn byte(&self, marker: Marker) -> usize {
        let last = self.0.last().copied();
        self.0.get(marker.index()).copied().or(last).unwrap_or(marker.index())
    }
}

/// A list or a map that has not ended yet.
struct Open {
    anchor: usize,
    start: usize,
    is_map: bool,
    items: Vec<Node>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = leaf(&text, style, tag.as_deref());
                let node = Node { kind: Kind::Leaf(value, text.into_owned()), span, size: 1, depth: 1 };
                self.add(node, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, span, false),
            Event::MappingStart(anchor, _) => self.begin(anchor, span, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(problem("an alias inside of what it stands for", span));
                };
                // checked before it is copied
                self.room(node.size, node.depth, &span)?;
                let node = Node { span, ..node.clone() };
                self.add(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, span: Span, is_map: bool) -> Result<(), Problem> {
        self.room(1, 1, &span)?;
        self.open.push(Open { anchor, start: span.start, is_map, items: Vec::new() });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let size = 1 + open.items.iter().map(|item| item.size).sum::<usize>();
        let depth = 1 + open.items.iter().map(|item| item.depth).max().unwrap_or(0);
        let end = open.items.last().map_or(span.end, |item| item.span.end.max(open.start));
        let kind = if open.is_map { Kind::Map(pairs(open.items)?) } else { Kind::List(open.items) };
        self.nodes = self.nodes.saturating_sub(size);
        self.add(Node { kind, span: open.start..end, size, depth }, open.anchor)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.room(node.size, node.depth, &node.span)?;
        self.nodes += node.size;
        if anchor > 0 {
            self.room(node.size, node.depth, &node.span)?;
            self.nodes += node.size;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn room(&self, size: usize, depth: usize, span: &Span) -> Result<(), Problem> {
        if self.nodes.saturating_add(size) > NODES {
            return Err(problem(format!("more than {NODES} values, aliases included"), span.clone()));
        }
        if self.open.len() + depth > DEPTH {
            return Err(problem(format!("nested deeper than {DEPTH} levels"), span.clone()));
        }
        Ok(())
    }
}

fn leaf(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    match (tag, style) {
        (Some("str"), _) => Value::Text(text.to_owned()),
        (None, ScalarStyle::Plain) | (Some("int" | "float" | "bool" | "null" | "timestamp"), _) => scalar::plain(text),
        _ => Value::Text(text.to_owned()),
    }
}

/// Keys and values of a map: `<<` brings in what other maps have and this one hasn't.
fn pairs(items: Vec<Node>) -> Result<Vec<(Node, Node)>, Problem> {
    let mut entries: Vec<(Node, Node)> = Vec::new();
    let mut merged: Vec<(Node, Node)> = Vec::new();
    let mut seen: HashMap<String, ()> = HashMap::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if matches!(&key.kind, Kind::Leaf(Value::Text(text), _) if text == "<<") {
            merged.extend(mergeable(value)?);
        } else if seen.insert(identity(&key), ()).is_some() {
            let what = format!("`{}` is given twice", key.text().unwrap_or("this key"));
            return Err(problem(what, key.span));
        } else {
            entries.push((key, value));
        }
    }
    for (key, value) in merged {
        if seen.insert(identity(&key), ()).is_none() {
            entries.push((key, value));
        }
    }
    Ok(entries)
}

/// What tells two keys apart: `1` and `'1'` would be one column.
fn identity(key: &Node) -> String {
    key.text().map_or_else(|| format!("{:?}", key.value()), str::to_owned)
}

fn mergeable(node: Node) -> Result<Vec<(Node, Node)>, Problem> {
    let wrong = |span: Span| problem("`<<` takes a map, or a list of maps", span);
    match node.kind {
        Kind::Map(entries) => Ok(entries),
        Kind::List(items) => {
            let maps = items.into_iter().map(|item| match item.kind {
                Kind::Map(entries) => Ok(entries),
                Kind::Leaf(..) | Kind::List(_) => Err(wrong(item.span)),
            });
            Ok(maps.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
        Kind::Leaf(..) => Err(wrong(node.span)),
    }
}

fn problem(what: impl Into<String>, span: Span) -> Problem {
    Problem { what: what.into(), span, help: None }
}
