//! The part of sqlglot's `exp` that macros build SQL with, as the text that sqlglot would write.

use super::super::value::literal;
use super::value::Py;

/// Classes of two sides, and what stands between these.
const BINARY: [(&str, &str); 17] = [
    ("EQ", "="),
    ("NEQ", "<>"),
    ("GT", ">"),
    ("GTE", ">="),
    ("LT", "<"),
    ("LTE", "<="),
    ("Add", "+"),
    ("Sub", "-"),
    ("Mul", "*"),
    ("Div", "/"),
    ("Mod", "%"),
    ("And", "AND"),
    ("Or", "OR"),
    ("Is", "IS"),
    ("Like", "LIKE"),
    ("ILike", "ILIKE"),
    ("DPipe", "||"),
];

/// Classes that are functions of one or several arguments.
const FUNCTIONS: [(&str, &str); 12] = [
    ("Sum", "SUM"),
    ("Count", "COUNT"),
    ("Max", "MAX"),
    ("Min", "MIN"),
    ("Avg", "AVG"),
    ("Coalesce", "COALESCE"),
    ("Lower", "LOWER"),
    ("Upper", "UPPER"),
    ("Trim", "TRIM"),
    ("Round", "ROUND"),
    ("Abs", "ABS"),
    ("Nullif", "NULLIF"),
];

/// What a call was given.
pub(super) struct Given {
    /// By place.
    pub(super) args: Vec<Py>,
    /// By name.
    pub(super) named: Vec<(String, Py)>,
}

impl Given {
    /// An argument, by its name or else by its place.
    pub(super) fn get(&self, name: &str, at: usize) -> Option<&Py> {
        let named = self.named.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        named.or_else(|| self.args.get(at))
    }

    fn sql(&self, name: &str, at: usize) -> Option<String> {
        self.get(name, at)?.sql()
    }
}

/// What a call of `exp.…` gives; none for what is not known here.
pub(super) fn call(name: &str, given: &Given) -> Option<Py> {
    let sql = |text: String| Some(Py::Sql(text));
    if let Some((_, operator)) = BINARY.iter().find(|(class, _)| *class == name) {
        return sql(format!("{} {operator} {}", given.sql("this", 0)?, given.sql("expression", 1)?));
    }
    if let Some((_, function)) = FUNCTIONS.iter().find(|(class, _)| *class == name) {
        return sql(format!("{function}({})", arguments(given)?.join(", ")));
    }
    match name {
        "Case" => case(given),
        "If" if given.get("false", usize::MAX).is_none() => {
            Some(Py::Branch(given.sql("this", 0)?, given.sql("true", 1)?))
        }
        "Paren" | "paren" => sql(format!("({})", given.sql("this", 0)?)),
        "Not" | "not_" => sql(format!("NOT {}", given.sql("this", 0)?)),
        "Neg" => sql(format!("-{}", given.sql("this", 0)?)),
        "null" | "Null" => sql("NULL".to_owned()),
        "true" => sql("TRUE".to_owned()),
        "false" => sql("FALSE".to_owned()),
        "Star" => sql("*".to_owned()),
        "convert" => sql(given.get("value", 0)?.converted()?),
        "Literal.number" => sql(given.args.first()?.text()),
        "Literal.string" => sql(literal(&given.args.first()?.text())),
        "column" | "to_column" | "Column" | "to_identifier" | "to_table" | "maybe_parse" => {
            let name = given.sql("this", 0).or_else(|| given.sql("col", 0))?;
            match given.get("table", 1) {
                Some(Py::Str(table)) => sql(format!("{table}.{name}")),
                Some(Py::None) | None => sql(name),
                Some(_) => None,
            }
        }
        "func" | "Anonymous" => {
            let (name, arguments) = match given.get("expressions", usize::MAX) {
                Some(Py::List(items)) => (given.sql("this", 0)?, several(&items.borrow())?),
                _ => (given.sql("name", 0)?, several(given.args.get(1..)?)?),
            };
            sql(format!("{}({})", name.to_uppercase(), arguments.join(", ")))
        }
        "and_" | "or_" => {
            let word = if name == "and_" { " AND " } else { " OR " };
            let parts = several(&given.args)?;
            let parts: Vec<String> = match parts.len() {
                1 => parts,
                _ => parts.iter().map(|part| super::super::text::condition(part)).collect(),
            };
            sql(parts.join(word))
        }
        "alias_" => sql(format!(
            "{} AS {}",
            given.sql("expression", 0)?,
            super::super::text::name(&given.get("alias", 1)?.text())
        )),
        "cast" => {
            sql(format!("CAST({} AS {})", given.sql("expression", 0)?, given.get("to", 1)?.text().to_uppercase()))
        }
        _ => None,
    }
}

/// The arguments of a class that is a function.
fn arguments(given: &Given) -> Option<Vec<String>> {
    let mut arguments = vec![given.sql("this", 0)?];
    for more in ["expression", "expressions", "decimals"].iter().filter_map(|name| given.get(name, usize::MAX)) {
        match more {
            Py::List(items) => arguments.extend(several(&items.borrow())?),
            one => arguments.push(one.sql()?),
        }
    }
    Some(arguments)
}

/// `exp.Case(ifs=[exp.If(…)], default=…)`.
fn case(given: &Given) -> Option<Py> {
    given.named.iter().all(|(name, _)| matches!(name.as_str(), "ifs" | "default")).then_some(())?;
    let mut branches = Vec::new();
    if let Some(Py::List(ifs)) = given.get("ifs", usize::MAX) {
        for branch in ifs.borrow().iter() {
            let Py::Branch(when, then) = branch else { return None };
            branches.push((when.clone(), then.clone()));
        }
    }
    match given.get("default", usize::MAX) {
        Some(default) => Some(Py::Case(branches, Some(default.sql()?))),
        None => Some(Py::Case(branches, None)),
    }
}

fn several(items: &[Py]) -> Option<Vec<String>> {
    items.iter().map(Py::sql).collect()
}
