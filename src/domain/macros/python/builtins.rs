//! Functions that Python has by itself, as far as macros use them.

use ruff_python_ast::ExprCall;

use super::Failed;
use super::glot::Given;
use super::run::Run;
use super::value::Py;

/// Functions that are built in.
pub(super) const BUILT_IN: [&str; 17] = [
    "str",
    "int",
    "float",
    "bool",
    "len",
    "range",
    "enumerate",
    "zip",
    "sorted",
    "reversed",
    "list",
    "tuple",
    "min",
    "max",
    "any",
    "all",
    "sum",
];

impl Run<'_> {
    /// A function that is built in.
    pub(super) fn built_in(&mut self, name: &str, given: Given, at: &ExprCall) -> Result<Py, Failed> {
        let unknown = || Failed::unknown(&format!("`{name}` with these arguments"), at);
        let first = || given.args.first().ok_or_else(unknown);
        if !matches!(name, "str" | "list" | "tuple" | "parse_one" | "maybe_parse" | "zip" | "enumerate" | "reversed") {
            given.args.iter().try_for_each(|value| self.fixed(value, at))?;
        }
        Ok(match name {
            "parse_one" | "maybe_parse" => self.parsed(&given, at)?,
            "str" => Py::Str(self.shown(first()?, at)?),
            "bool" => Py::Bool(first()?.holds()),
            "int" => match first()? {
                Py::Str(text) => Py::Int(text.trim().parse().map_err(|_| unknown())?),
                Py::Sql(sql) => Py::Int(sql.trim().parse().map_err(|_| unknown())?),
                other => Py::Int(other.number().ok_or_else(unknown)? as i64),
            },
            "float" => match first()? {
                Py::Str(text) | Py::Sql(text) => Py::Float(text.trim().parse().map_err(|_| unknown())?),
                other => Py::Float(other.number().ok_or_else(unknown)?),
            },
            "len" => match first()? {
                Py::Str(text) => Py::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)),
                other => Py::Int(i64::try_from(self.items(other, at)?.len()).unwrap_or(i64::MAX)),
            },
            "range" => Py::list(range(&given).ok_or_else(unknown)?),
            "list" | "tuple" => match given.args.first() {
                Some(items) => Py::list(self.items(items, at)?),
                None => Py::list(Vec::new()),
            },
            "reversed" => Py::list(self.items(first()?, at)?.into_iter().rev().collect()),
            "enumerate" => {
                let start = given.get("start", 1).and_then(Py::number).unwrap_or(0.0) as i64;
                let items = self.items(first()?, at)?.into_iter();
                Py::list((start..).zip(items).map(|(at, item)| Py::list(vec![Py::Int(at), item])).collect())
            }
            "zip" => {
                let lists = given.args.iter().map(|list| self.items(list, at)).collect::<Result<Vec<_>, _>>()?;
                let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
                let row = |nth: usize| Py::list(lists.iter().map(|list| list[nth].clone()).collect());
                Py::list((0..shortest).map(row).collect())
            }
            "any" => Py::Bool(self.items(first()?, at)?.iter().any(Py::holds)),
            "all" => Py::Bool(self.items(first()?, at)?.iter().all(Py::holds)),
            "sorted" if given.named.is_empty() => {
                let items = self.items(first()?, at)?;
                Py::list(sorted(items).ok_or_else(unknown)?)
            }
            "min" | "max" | "sum" => {
                let items =
                    if let [list @ Py::List(_)] = given.args.as_slice() { self.items(list, at)? } else { given.args };
                folded(name, &items).ok_or_else(|| Failed::unknown(&format!("`{name}` of these"), at))?
            }
            _ => return Err(unknown()),
        })
    }
}

/// Strings in their order, or numbers in theirs.
fn sorted(mut items: Vec<Py>) -> Option<Vec<Py>> {
    if items.iter().all(|item| matches!(item, Py::Str(_))) {
        items.sort_by_key(Py::text);
    } else {
        items.iter().all(|item| item.number().is_some()).then_some(())?;
        items.sort_by(|a, b| a.number().unwrap_or(0.0).total_cmp(&b.number().unwrap_or(0.0)));
    }
    Some(items)
}

/// The sum, the least or the largest of whole numbers.
fn folded(name: &str, items: &[Py]) -> Option<Py> {
    let whole = items.iter().map(|item| if let Py::Int(it) = item { Some(*it) } else { None });
    let whole: Vec<i64> = whole.collect::<Option<_>>()?;
    Some(match name {
        "sum" => Py::Int(whole.iter().fold(0_i64, |sum, it| sum.saturating_add(*it))),
        "min" => Py::Int(whole.into_iter().min()?),
        _ => Py::Int(whole.into_iter().max()?),
    })
}

/// `range(…)`, of at most a hundred thousand numbers.
fn range(given: &Given) -> Option<Vec<Py>> {
    let whole = |value: &Py| if let Py::Int(number) = value { Some(*number) } else { None };
    let (start, end, step) = match given.args.iter().map(whole).collect::<Option<Vec<i64>>>()?[..] {
        [end] => (0, end, 1),
        [start, end] => (start, end, 1),
        [start, end, step] if step > 0 => (start, end, usize::try_from(step).ok()?),
        _ => return None,
    };
    (end.saturating_sub(start) <= 100_000).then(|| (start..end).step_by(step).map(Py::Int).collect())
}
