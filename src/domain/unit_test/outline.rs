//! The keys of a test file and what stands under them.

use super::super::diagnostic::{Problem, nearest};
use super::super::name::ModelName;
use super::super::sql::{self, Token};
use super::super::yaml::{self, Node};
use super::{Expected, Input, UnitTest, Value, Vars, data, helped, problem};

const TEST: [&str; 7] = ["model", "description", "schema", "gateway", "vars", "inputs", "outputs"];
const OUTPUTS: [&str; 3] = ["query", "ctes", "partial"];

/// Everything under one key, with all problems collected.
type Found<T> = Result<T, Vec<Problem>>;

/// The tests of a file.
pub(super) fn tests(text: &str) -> Found<Vec<UnitTest>> {
    let Some(root) = yaml::load(text).map_err(|problem| vec![problem])? else { return Ok(Vec::new()) };
    if root.is_null() {
        return Ok(Vec::new());
    }
    let help = "test_name:\n  model: schema.model\n  inputs: …\n  outputs: …";
    let entries = root.map().ok_or_else(|| vec![helped("expected tests by name", root.span.clone(), help)])?;
    collect(entries.iter().map(|(key, body)| test(key, body)))
}

fn test(key: &Node, body: &Node) -> Found<UnitTest> {
    let name = text(key, "a test's name").map_err(|problem| vec![problem])?;
    let fields = fields(body, &format!("test `{name}`"), &TEST)?;
    let mut problems = Vec::new();
    let mut keep = |found: Vec<Problem>| problems.extend(found);
    let model = match fields.get("model") {
        Some(node) => model_name(node).map_err(|problem| keep(vec![problem])).ok().map(|model| (model, node)),
        None => {
            keep(vec![helped(format!("test `{name}` names no model"), key.span.clone(), "model: schema.model")]);
            None
        }
    };
    let mut sentence = |field: &str| {
        let node = fields.get(field).filter(|node| !node.is_null())?;
        text(node, &format!("`{field}`")).map_err(|problem| keep(vec![problem])).ok()
    };
    let (description, schema, gateway) = (sentence("description"), sentence("schema"), sentence("gateway"));
    let vars = fields.get("vars").map(vars).transpose().unwrap_or_else(|found| {
        keep(found);
        None
    });
    let inputs = fields.get("inputs").map(inputs).transpose().unwrap_or_else(|found| {
        keep(found);
        None
    });
    let outputs = match fields.get("outputs") {
        Some(node) => outputs(node).map_err(&mut keep).ok(),
        None => {
            let help = "outputs:\n  query:\n    rows: …";
            keep(vec![helped(format!("test `{name}` expects nothing"), key.span.clone(), help)]);
            None
        }
    };
    match (model, outputs, problems.is_empty()) {
        (Some((model, node)), Some((ctes, query)), true) => Ok(UnitTest {
            name,
            span: key.span.clone(),
            model,
            model_span: node.span.clone(),
            description,
            schema,
            gateway,
            vars: vars.unwrap_or_default(),
            inputs: inputs.unwrap_or_default(),
            ctes,
            query,
        }),
        _ => Err(problems),
    }
}

fn vars(node: &Node) -> Found<Vars> {
    let mut vars = Vars::default();
    for (key, value) in entries(node, "`vars`", "a map of names and values")? {
        let name = text(key, "a variable's name").map_err(|problem| vec![problem])?.to_lowercase();
        let time = || match value.value() {
            Value::Null => Ok(None),
            Value::List(_) | Value::Map(_) => Err(vec![problem(format!("`{name}` is a time"), value.span.clone())]),
            _ => Ok(value.text().map(str::to_owned)),
        };
        match name.as_str() {
            "start" => vars.start = time()?,
            "end" => vars.end = time()?,
            "execution_time" => vars.execution_time = time()?,
            _ => vars.others.push((name, value.value())),
        }
    }
    Ok(vars)
}

fn inputs(node: &Node) -> Found<Vec<Input>> {
    let mut inputs: Vec<Input> = collect(entries(node, "`inputs`", "a map of models")?.iter().map(|(key, body)| {
        let model = model_name(key).map_err(|problem| vec![problem])?;
        let part = data::part(body, &format!("input `{model}`"), true)?;
        Ok(Input { model, span: key.span.clone(), columns: part.columns, data: part.data })
    }))?;
    inputs.sort_by(|a, b| (&a.model, a.span.start).cmp(&(&b.model, b.span.start)));
    for pair in inputs.windows(2) {
        if let [a, b] = pair
            && a.model == b.model
        {
            return Err(vec![problem(format!("`{}` is given twice", b.model), b.span.clone())]);
        }
    }
    inputs.sort_by_key(|input| input.span.start);
    Ok(inputs)
}

type Outputs = (Vec<(String, Expected)>, Option<Expected>);

fn outputs(node: &Node) -> Found<Outputs> {
    let fields = fields(node, "`outputs`", &OUTPUTS)?;
    let partial = fields.get("partial").map(data::boolean).transpose().map_err(|problem| vec![problem])?;
    let partial = partial.unwrap_or(false);
    let expected = |body: &Node, what: &str| -> Found<Expected> {
        let part = data::part(body, what, false)?;
        // `partial: false` of its own doesn't outweigh the one above, as in SQLMesh
        Ok(Expected { span: body.span.clone(), partial: partial || part.partial, data: part.data })
    };
    let ctes = match fields.get("ctes") {
        Some(node) => collect(entries(node, "`ctes`", "a map of CTEs")?.iter().map(|(key, body)| {
            let name = text(key, "a CTE's name").map_err(|problem| vec![problem])?;
            let expected = expected(body, &format!("CTE `{name}`"))?;
            Ok((name, expected))
        }))?,
        None => Vec::new(),
    };
    let query = fields.get("query").map(|body| expected(body, "`query`")).transpose()?;
    if ctes.is_empty() && query.is_none() {
        return Err(vec![problem("`outputs` needs `query` or `ctes`", node.span.clone())]);
    }
    Ok((ctes, query))
}

/// The fields of a map with known keys.
pub(super) struct Fields<'a>(Vec<(&'a str, &'a Node)>);

impl<'a> Fields<'a> {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)
    }
}

/// Reads a map in which only `known` keys may be.
pub(super) fn fields<'a>(node: &'a Node, what: &str, known: &[&str]) -> Found<Fields<'a>> {
    let expected = format!("a map of {}", known.join(", "));
    let mut problems = Vec::new();
    let mut fields = Vec::new();
    for (key, value) in entries(node, what, &expected)? {
        match key.text() {
            Some(name) if known.contains(&name) => fields.push((name, value)),
            name => {
                let name = name.unwrap_or("null");
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{what} has {}", known.join(", ")),
                };
                problems.push(helped(format!("unknown key `{name}` in {what}"), key.span.clone(), help));
            }
        }
    }
    if problems.is_empty() { Ok(Fields(fields)) } else { Err(problems) }
}

/// The keys and values of a map.
pub(super) fn entries<'a>(node: &'a Node, what: &str, expected: &str) -> Found<&'a [(Node, Node)]> {
    node.map().ok_or_else(|| vec![problem(format!("{what} is {expected}"), node.span.clone())])
}

/// A leaf as text.
pub(super) fn text(node: &Node, what: &str) -> Result<String, Problem> {
    let text = node.text().map(str::to_owned);
    text.ok_or_else(|| problem(format!("{what} is a string"), node.span.clone()))
}

/// All of them, or all problems.
pub(super) fn collect<T>(each: impl Iterator<Item = Found<T>>) -> Found<Vec<T>> {
    let (mut good, mut problems) = (Vec::new(), Vec::new());
    for one in each {
        match one {
            Ok(one) => good.push(one),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(good) } else { Err(problems) }
}

/// `schema.model`, in quotes or not. SQLMesh writes a catalog in front; here there is only one, so it says nothing.
fn model_name(node: &Node) -> Result<ModelName, Problem> {
    let wrong = || {
        let help = "`name` or `schema.name`; Jinja and macros are not supported in tests";
        helped("expected a model's name", node.span.clone(), help)
    };
    let lexemes = node.text().and_then(|text| sql::lex(text).ok()).ok_or_else(wrong)?;
    let mut parts = Vec::new();
    for (index, lexeme) in lexemes.iter().enumerate() {
        match (&lexeme.token, index % 2) {
            (Token::Word { text, .. }, 0) => parts.push(text.as_str()),
            (Token::Symbol(dot), 1) if dot == "." => {}
            _ => return Err(wrong()),
        }
    }
    let parts = if parts.len() == 3 { &parts[1..] } else { &parts[..] };
    let complete = lexemes.len() % 2 == 1;
    ModelName::from_parts(parts).filter(|_| complete).ok_or_else(wrong)
}
