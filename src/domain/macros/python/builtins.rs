//! Functions that Python has by itself, as far as macros use them.

use ruff_python_ast::ExprCall;

use super::Failed;
use super::glot::Given;
use super::run::Run;
use super::value::Py;

/// Functions that are built in.
pub(super) const BUILT_IN: [&str; 16] = [
    "str",
    "int",
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
        match (name, given.named.is_empty()) {
            ("parse_one" | "maybe_parse", _) => return self.parsed(&given, at),
            ("zip", true) => return self.zipped(&given, at),
            ("enumerate", _) if given.is_within(2, &["start"]) => {
                let start = given.get("start", 1).cloned().unwrap_or(Py::Int(0));
                let Py::Int(start) = start else { return Err(unknown()) };
                let items = self.items(given.args.first().ok_or_else(unknown)?, at)?;
                let numbered = items
                    .into_iter()
                    .zip(0..)
                    .map(|(item, nth)| Some(Py::tuple(vec![Py::Int(start.checked_add(nth)?), item])));
                return Ok(Py::iter(numbered.collect::<Option<_>>().ok_or_else(unknown)?));
            }
            ("range", true) => return range(&given).map(Py::tuple).ok_or_else(unknown),
            (_, false) => return Err(unknown()),
            _ => {}
        }
        match (name, given.args.as_slice()) {
            ("list", []) => Ok(Py::list(Vec::new())),
            ("min" | "max", [_, _, ..]) => folded(name, &given.args).ok_or_else(unknown),
            (_, [only]) => self.of_one(name, only, at),
            _ => Err(unknown()),
        }
    }

    /// A function of one argument.
    fn of_one(&mut self, name: &str, of: &Py, at: &ExprCall) -> Result<Py, Failed> {
        let unknown = || Failed::unknown(&format!("`{name}` of {}", of.kind()), at);
        Ok(match (name, of) {
            ("str", _) => match self.shown(of, at)? {
                (text, true) => Py::Str(text),
                (text, false) => Py::Rendered(text),
            },
            ("bool", _) => Py::Bool(self.truth(of, at)?),
            ("int", Py::Int(number)) => Py::Int(*number),
            ("int", Py::Str(text)) => {
                self.fixed(of, at)?;
                Py::Int(text.parse().map_err(|_| unknown())?)
            }
            ("len", Py::Str(text)) => {
                self.fixed(of, at)?;
                Py::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
            }
            ("len", Py::List(_) | Py::Tuple(_) | Py::Dict(_)) => {
                Py::Int(i64::try_from(self.items(of, at)?.len()).unwrap_or(i64::MAX))
            }
            ("list", _) => Py::list(self.items(of, at)?),
            ("tuple", _) => Py::tuple(self.items(of, at)?),
            ("reversed", Py::List(_) | Py::Tuple(_)) => Py::iter(self.items(of, at)?.into_iter().rev().collect()),
            ("any" | "all", _) => {
                let held =
                    self.items(of, at)?.iter().map(|item| self.truth(item, at)).collect::<Result<Vec<_>, _>>()?;
                Py::Bool(if name == "any" { held.contains(&true) } else { !held.contains(&false) })
            }
            ("sorted", _) => {
                let items = self.items(of, at)?;
                items.iter().try_for_each(|item| self.fixed(item, at))?;
                Py::list(sorted(items).ok_or_else(unknown)?)
            }
            ("min" | "max" | "sum", _) => folded(name, &self.items(of, at)?).ok_or_else(unknown)?,
            _ => return Err(unknown()),
        })
    }

    fn zipped(&mut self, given: &Given, at: &ExprCall) -> Result<Py, Failed> {
        let lists = given.args.iter().map(|list| self.items(list, at)).collect::<Result<Vec<_>, _>>()?;
        let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
        let row = |nth: usize| Py::tuple(lists.iter().map(|list| list[nth].clone()).collect());
        Ok(Py::iter((0..shortest).map(row).collect()))
    }
}

/// Strings in their order, or whole numbers in theirs.
fn sorted(mut items: Vec<Py>) -> Option<Vec<Py>> {
    let whole: Option<Vec<i64>> =
        items.iter().map(|item| if let Py::Int(it) = item { Some(*it) } else { None }).collect();
    if let Some(mut whole) = whole {
        whole.sort_unstable();
        return Some(whole.into_iter().map(Py::Int).collect());
    }
    items.iter().all(|item| matches!(item, Py::Str(_))).then_some(())?;
    items.sort_by_key(|item| if let Py::Str(text) = item { text.clone() } else { String::new() });
    Some(items)
}

/// The sum, the least or the largest of whole numbers.
fn folded(name: &str, items: &[Py]) -> Option<Py> {
    let whole = items.iter().map(|item| if let Py::Int(it) = item { Some(*it) } else { None });
    let whole: Vec<i64> = whole.collect::<Option<_>>()?;
    Some(match name {
        "sum" => Py::Int(whole.iter().try_fold(0_i64, |sum, it| sum.checked_add(*it))?),
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
