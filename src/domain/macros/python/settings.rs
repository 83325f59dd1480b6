//! Settings of SQLMesh in Python, read as a tree like that of YAML: `config = Config(…)`, of what is written out, constants,
//! paths beside the file and environment variables. Nothing is run; what does more is refused with its place.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{Arguments, Expr, ExprCall, FStringPart, InterpolatedStringElement, Number, Operator, Stmt};
use ruff_text_size::Ranged;

use super::super::super::diagnostic::Problem;
use super::super::super::sql::Span;
use super::super::super::yaml::{Kind, Node, Value};
use super::module;

/// What stands in a text for an environment variable, and what it is worth where it is not set.
/// What stands there begins with [`BLANK`].
pub(in crate::domain) type Blank<'b> = &'b mut dyn FnMut(String, Option<String>) -> String;

/// How the words begin that stand for environment variables.
pub(in crate::domain) const BLANK: &str = "__vmesh";

type Found<T> = Result<T, Problem>;

/// More than this is no settings: nodes, and bytes of texts.
const MOST: usize = 1 << 20;

/// The file's own name, as `__file__` has it, told from the project's folder.
const FILE: &str = "config.py";

/// The settings that a `config.py` says.
///
/// # Errors
/// The first thing that is not understood.
pub(in crate::domain) fn settings(text: &str, blank: Blank<'_>) -> Found<Node> {
    let body = module(text).map_err(|failed| refused(failed.at..failed.at, &failed.what))?;
    let (mut names, mut others) = (BTreeMap::new(), BTreeSet::new());
    for statement in &body {
        match statement {
            Stmt::Import(_) | Stmt::Pass(_) => {}
            Stmt::ImportFrom(it) => {
                let is_sqlmesh = |module: &str| module == "sqlmesh" || module.starts_with("sqlmesh.");
                if !it.module.as_ref().is_some_and(|module| is_sqlmesh(module.as_str())) {
                    others.extend(it.names.iter().map(|name| name.asname.as_ref().unwrap_or(&name.name).as_str()));
                }
            }
            Stmt::ClassDef(it) => _ = others.insert(it.name.as_str()),
            Stmt::FunctionDef(it) => _ = others.insert(it.name.as_str()),
            // what describes the file
            Stmt::Expr(it) if matches!(*it.value, Expr::StringLiteral(_)) => {}
            Stmt::Assign(it) => match it.targets.as_slice() {
                [Expr::Name(name)] => _ = names.insert(name.id.as_str(), &*it.value),
                _ => return Err(refused(place(it), "it does more than give a name to a value")),
            },
            Stmt::AnnAssign(it) => match (&*it.target, &it.value) {
                (Expr::Name(name), Some(value)) => _ = names.insert(name.id.as_str(), &**value),
                _ => return Err(refused(place(it), "it does more than give a name to a value")),
            },
            other => return Err(refused(place(other), "it does more than give a name to a value")),
        }
    }
    let config = names.get("config").copied();
    let config = config.ok_or_else(|| refused(0..0, "nothing is called `config`"))?;
    Reader { names, others, within: Vec::new(), spent: 0, blank }.value(config)
}

struct Reader<'a, 'b> {
    /// What the file gives names to.
    names: BTreeMap<&'a str, &'a Expr>,
    /// Classes and functions of its own, and those of others than SQLMesh.
    others: BTreeSet<&'a str>,
    /// The names that are being looked up.
    within: Vec<&'a str>,
    /// How much was read, names counted as what they stand for.
    spent: usize,
    blank: Blank<'b>,
}

impl<'a> Reader<'a, '_> {
    fn value(&mut self, expr: &'a Expr) -> Found<Node> {
        let span = place(expr);
        self.spend(expr, 1)?;
        let leaf = |value: Value, text: String| Node::new(Kind::Leaf(value, text), span.clone());
        Ok(match expr {
            Expr::NoneLiteral(_) => leaf(Value::Null, String::new()),
            Expr::BooleanLiteral(it) => leaf(Value::Bool(it.value), it.value.to_string()),
            Expr::NumberLiteral(it) => match &it.value {
                Number::Int(int) => match int.as_i64() {
                    Some(int) => leaf(Value::Int(int.into()), int.to_string()),
                    None => return Err(refused(span, "its number is too large")),
                },
                Number::Float(float) => leaf(Value::Float(float.to_string()), float.to_string()),
                Number::Complex { .. } => return Err(refused(span, "it is no value of a setting")),
            },
            Expr::List(it) => Node::new(Kind::List(self.values(&it.elts)?), span),
            Expr::Tuple(it) => Node::new(Kind::List(self.values(&it.elts)?), span),
            Expr::Dict(it) => {
                let mut entries = Vec::new();
                for item in &it.items {
                    let key = item.key.as_ref().ok_or_else(|| refused(place(&item.value), "`**` is not read"))?;
                    entries.push((self.value(key)?, self.value(&item.value)?));
                }
                Node::new(Kind::Map(entries), span)
            }
            Expr::Name(name) if self.names.contains_key(name.id.as_str()) => self.named(expr, Self::value)?,
            Expr::Attribute(it) if is_constant(it.attr.as_str()) && matches!(&*it.value, Expr::Name(_)) => {
                let text = it.attr.to_lowercase();
                leaf(Value::Text(text.clone()), text)
            }
            Expr::Call(call) if is_class(call) && !self.is_other(call) => self.object(call)?,
            _ => {
                let text = self.text(expr)?;
                leaf(Value::Text(text.clone()), text)
            }
        })
    }

    fn values(&mut self, elements: &'a [Expr]) -> Found<Vec<Node>> {
        elements.iter().map(|element| self.value(element)).collect()
    }

    /// What a name stands for, read in one of two ways.
    fn named<T>(&mut self, expr: &'a Expr, read: fn(&mut Self, &'a Expr) -> Found<T>) -> Found<T> {
        let Expr::Name(name) = expr else { return Err(unread(expr)) };
        let (name, span) = (name.id.as_str(), place(expr));
        let value = self.names.get(name).copied().ok_or_else(|| refused(span.clone(), "nothing here has this name"))?;
        if self.within.contains(&name) {
            return Err(refused(span, "it is made of itself"));
        }
        self.within.push(name);
        let read = read(self, value);
        self.within.pop();
        read
    }

    /// Whether a class is none of SQLMesh's.
    fn is_other(&self, call: &ExprCall) -> bool {
        called(&call.func).is_some_and(|name| self.others.contains(name))
    }

    /// `GatewayConfig(connection = …)`: its arguments by name; a connection's type is in the name of its class.
    fn object(&mut self, call: &'a ExprCall) -> Found<Node> {
        let mut entries = Vec::new();
        let span = place(call);
        let text = |text: &str| Node::new(Kind::Leaf(Value::Text(text.to_owned()), text.to_owned()), span.clone());
        if let Some(kind) = called(&call.func).and_then(|name| name.strip_suffix("ConnectionConfig")) {
            entries.push((text("type"), text(&kind.to_lowercase())));
        }
        if let Some(first) = call.arguments.args.first() {
            return Err(refused(place(first), "its settings are given by name"));
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().ok_or_else(|| refused(place(&keyword.value), "`**` is not read"))?;
            let key = Node::new(Kind::Leaf(Value::Text(name.to_string()), name.to_string()), place(name));
            entries.push((key, self.value(&keyword.value)?));
        }
        Ok(Node::new(Kind::Map(entries), span))
    }

    /// Fails once names of names stand for more than any settings say.
    fn spend(&mut self, expr: &Expr, more: usize) -> Found<()> {
        self.spent += more;
        if self.spent > MOST { Err(refused(place(expr), "it stands for too much")) } else { Ok(()) }
    }

    /// A text.
    fn text(&mut self, expr: &'a Expr) -> Found<String> {
        let text = self.text_of(expr)?;
        self.spend(expr, 1 + text.len())?;
        Ok(text)
    }

    /// A text: written out, put together, a path, or of the environment.
    fn text_of(&mut self, expr: &'a Expr) -> Found<String> {
        match expr {
            Expr::StringLiteral(it) => Ok(it.value.to_str().to_owned()),
            Expr::FString(it) => {
                let mut text = String::new();
                for part in it.value.iter() {
                    match part {
                        FStringPart::Literal(part) => text.push_str(part),
                        FStringPart::FString(part) => {
                            for element in &part.elements {
                                text.push_str(&self.interpolated(element)?);
                            }
                        }
                    }
                }
                Ok(text)
            }
            Expr::Name(name) if name.id.as_str() == "__file__" => Ok(FILE.to_owned()),
            Expr::Name(_) => self.named(expr, Self::text),
            Expr::BinOp(it) => {
                let (left, right) = (self.text(&it.left)?, self.text(&it.right)?);
                match it.op {
                    Operator::Div => joined(expr, &left, &right),
                    Operator::Add => Ok(left + &right),
                    _ => Err(unread(expr)),
                }
            }
            Expr::Attribute(it) if it.attr.as_str() == "parent" => parent(expr, &self.text(&it.value)?),
            Expr::Subscript(it) => match (&*it.value, &*it.slice) {
                (environ, name) if is_environ(environ) => {
                    let name = self.text(name)?;
                    Ok((self.blank)(name, None))
                }
                (Expr::Attribute(of), Expr::NumberLiteral(number)) if of.attr.as_str() == "parents" => {
                    let Number::Int(steps) = &number.value else { return Err(unread(expr)) };
                    let steps = steps.as_u8().ok_or_else(|| unread(expr))?;
                    let path = self.text(&of.value)?;
                    (0..=steps).try_fold(path, |path, _| parent(expr, &path))
                }
                _ => Err(unread(expr)),
            },
            Expr::Call(call) => self.call(expr, call),
            _ => Err(unread(expr)),
        }
    }

    fn interpolated(&mut self, element: &'a InterpolatedStringElement) -> Found<String> {
        match element {
            InterpolatedStringElement::Literal(it) => Ok(it.value.to_string()),
            InterpolatedStringElement::Interpolation(it) if it.format_spec.is_none() && it.conversion.is_none() => {
                self.text(&it.expression)
            }
            InterpolatedStringElement::Interpolation(it) => Err(refused(place(it), "its format is not read")),
        }
    }

    /// A call that gives a text.
    fn call(&mut self, expr: &'a Expr, call: &'a ExprCall) -> Found<String> {
        let Arguments { args, keywords, .. } = &call.arguments;
        let of = match &*call.func {
            Expr::Attribute(it) => Some(&*it.value),
            _ => None,
        };
        let is_environment = |of: Option<&Expr>| of.is_some_and(is_environ);
        if !keywords.is_empty() {
            return Err(unread(expr));
        }
        match (called(&call.func).unwrap_or_default(), &args[..]) {
            (name, [key, or_else @ ..])
                if or_else.len() < 2 && (name == "getenv" || name == "get" && is_environment(of)) =>
            {
                let key = self.text(key)?;
                let or_else = match or_else.first() {
                    Some(Expr::NoneLiteral(_)) | None => None,
                    Some(or_else) => Some(self.text(or_else)?),
                };
                Ok((self.blank)(key, or_else))
            }
            ("str" | "Path" | "PurePath" | "abspath" | "realpath" | "normpath" | "fspath", [one]) => self.text(one),
            ("dirname", [one]) => parent(expr, &self.text(one)?),
            ("join", [first, rest @ ..]) if of.and_then(|of| called(of)) == Some("path") => {
                let first = self.text(first)?;
                rest.iter().try_fold(first, |path, next| joined(expr, &path, &self.text(next)?))
            }
            ("joinpath", parts) => {
                let of = of.ok_or_else(|| unread(expr))?;
                let first = self.text(of)?;
                parts.iter().try_fold(first, |path, next| joined(expr, &path, &self.text(next)?))
            }
            ("resolve" | "absolute" | "as_posix", []) => self.text(of.ok_or_else(|| unread(expr))?),
            _ => Err(unread(expr)),
        }
    }
}

/// The last name of what is called: `config.GatewayConfig` is `GatewayConfig`.
fn called(function: &Expr) -> Option<&str> {
    match function {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(it) => Some(it.attr.as_str()),
        _ => None,
    }
}

/// Whether a call makes one of SQLMesh's settings.
fn is_class(call: &ExprCall) -> bool {
    let begins = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
    called(&call.func).is_some_and(|name| begins(name) && (name.ends_with("Config") || name.ends_with("Options")))
}

fn is_constant(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_environ(expr: &Expr) -> bool {
    called(expr) == Some("environ")
}

/// The folder of a path, told from the project's, which is `.`.
fn parent(expr: &Expr, path: &str) -> Found<String> {
    if path.contains(BLANK) {
        return Err(refused(place(expr), "nobody knows the folder of what the environment says"));
    }
    Ok(match path.rsplit_once('/') {
        _ if path == "." => "..".to_owned(),
        _ if path.ends_with("..") => format!("{path}/.."),
        Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
        None => ".".to_owned(),
    })
}

/// A path beside or below another.
fn joined(expr: &Expr, path: &str, next: &str) -> Found<String> {
    if next.starts_with(BLANK) {
        return Err(refused(place(expr), "what the environment says may be a path from the root of the disk"));
    }
    let next = next.trim_start_matches("./");
    Ok(match path {
        "" | "." => next.to_owned(),
        _ if next.starts_with('/') => next.to_owned(),
        path => format!("{}/{next}", path.trim_end_matches('/')),
    })
}

fn place(of: &impl Ranged) -> Span {
    of.start().to_usize()..of.end().to_usize()
}

fn unread(expr: &Expr) -> Problem {
    refused(place(expr), "its value is not written out")
}

fn refused(span: Span, why: &str) -> Problem {
    Problem { what: format!("vmesh doesn't run config.py, and can't read this of it: {why}"), span, help: None }
}
