//! Macros that write SQL: `@STAR`, `@UNION`, `@PIVOT` and their like, in DuckDB's words.

use std::collections::BTreeMap;

use super::super::diagnostic::Problem;
use super::super::sql::Span;
use super::super::sql::constant::{self, Constant};
use super::call::undecided;
use super::expander::{Context, Expander};
use super::expression::{date_spine, haversine, pivot, safe, surrogate_key};
use super::place::Argument;
use super::scan::{RawArgument, Source, problem};
use super::text::{dotted, elements, name, operand, quoted, raw, string};
use super::value::literal;

/// A column's name and its type.
type Column = (String, Option<String>);

/// The arguments of one call, by place and by name.
pub(super) struct Arguments {
    pub(super) positional: Vec<Argument>,
    named: BTreeMap<String, Argument>,
    pub(super) span: Span,
}

impl Arguments {
    /// The argument at this place or of one of these names.
    pub(super) fn get(&self, place: usize, names: &[&str]) -> Option<&Argument> {
        names.iter().find_map(|name| self.named.get(*name)).or_else(|| self.positional.get(place))
    }

    /// The argument at this place or of this name, which must be there.
    pub(super) fn needed(&self, place: usize, name: &str) -> Result<&Argument, Problem> {
        self.get(place, &[name]).ok_or_else(|| self.wrong(format!("`{name}` is missing")))
    }

    /// A word or a string, without quotes.
    pub(super) fn word(&self, place: usize, name: &str, default: &str) -> String {
        self.get(place, &[name]).map_or_else(|| default.to_owned(), |it| raw(&it.sql()))
    }

    /// A condition.
    pub(super) fn flag(&self, place: usize, name: &str, default: bool) -> Result<bool, Problem> {
        let Some(given) = self.get(place, &[name]) else { return Ok(default) };
        undecided(&given.sql(), &self.span)?;
        match constant::evaluate(&given.sql()) {
            Ok(value) => Ok(value.holds()),
            Err(_) => Err(self.wrong(format!("`{name}` is TRUE or FALSE"))),
        }
    }

    /// A problem with the call.
    pub(super) fn wrong(&self, what: impl Into<String>) -> Problem {
        problem(what, self.span.clone())
    }
}

impl Expander<'_> {
    /// What a macro of this file gives.
    pub(super) fn generate(
        &mut self,
        macro_name: &str,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let mut given = Arguments { positional: Vec::new(), named: BTreeMap::new(), span: span.clone() };
        for argument in raw {
            let value = self.argument(source, &argument.lexemes, context)?;
            match &argument.name {
                Some(named) => drop(given.named.insert(named.clone(), value)),
                None if !given.named.is_empty() => {
                    return Err(given.wrong("an argument without a name stands behind one with a name"));
                }
                None => given.positional.push(value),
            }
        }
        let known = PARAMETERS.iter().find(|(known, _)| *known == macro_name).map_or(&[][..], |(_, known)| known);
        if let Some(unknown) = given.named.keys().find(|named| !known.contains(&named.as_str())) {
            let help = (!known.is_empty()).then(|| format!("there are: {}", known.join(", ")));
            let what = format!("`@{}` has no parameter `{unknown}`", macro_name.to_uppercase());
            return Err(Problem { help, ..given.wrong(what) });
        }
        match macro_name {
            "star" => self.star(&given),
            "union" => self.union(given),
            "generate_surrogate_key" => surrogate_key(given),
            "safe_add" => safe(given, " + "),
            "safe_sub" => safe(given, " - "),
            "safe_div" => {
                let (a, b) = (given.needed(0, "numerator")?.sql(), given.needed(1, "denominator")?.sql());
                Ok(Argument::One(format!("{} / NULLIF({b}, 0)", operand(&a))))
            }
            "haversine_distance" => haversine(&given),
            "pivot" => pivot(&given),
            "deduplicate" => self.deduplicate(&given, context),
            "date_spine" => date_spine(&given),
            "resolve_template" => self.resolve_template(source, raw, &given),
            _ => Err(given.wrong(format!("`@{macro_name}` is not supported"))),
        }
    }

    /// The columns of a relation.
    fn columns(&mut self, relation: &str, span: &Span) -> Result<Vec<(String, Option<String>)>, Problem> {
        let parts =
            dotted(relation).ok_or_else(|| problem(format!("`{relation}` is no relation's name"), span.clone()))?;
        self.relations_asked.insert(parts.clone());
        (self.scope.columns_of)(&parts).ok_or_else(|| Problem {
            help: Some("declare them with `columns (…)` in the header of the model that it is".to_owned()),
            ..problem(format!("the columns of `{relation}` are not known"), span.clone())
        })
    }

    /// `@STAR(relation, alias, exclude := [c], prefix := 'p_', suffix := '_s', quote_identifiers := TRUE)`.
    fn star(&mut self, given: &Arguments) -> Result<Argument, Problem> {
        let relation = given.needed(0, "relation")?.sql();
        let columns = self.columns(&relation, &given.span)?;
        let alias =
            given.get(1, &["alias"]).map_or_else(|| raw(&string(&relation).unwrap_or(relation)), |it| raw(&it.sql()));
        let excluded = given.get(2, &["exclude", "except_"]).map_or_else(Vec::new, |it| it.clone().items());
        let excluded: Vec<String> = excluded.iter().map(|it| raw(it).to_lowercase()).collect();
        let (prefix, suffix) = (given.word(3, "prefix", ""), given.word(4, "suffix", ""));
        let quote = if given.flag(5, "quote_identifiers", true)? { quoted } else { name };
        let kept: Vec<_> = columns.iter().filter(|(column, _)| !excluded.contains(&column.to_lowercase())).collect();
        let typed = kept.iter().all(|(_, r#type)| r#type.is_some());
        let projection = |(column, r#type): &&(String, Option<String>)| {
            let taken = format!("{}.{}", quote(&alias), quote(column));
            let shown = quote(&format!("{prefix}{column}{suffix}"));
            match r#type {
                Some(r#type) if typed => format!("CAST({taken} AS {type}) AS {shown}"),
                _ => format!("{taken} AS {shown}"),
            }
        };
        Ok(Argument::Many(kept.iter().map(projection).collect()))
    }

    /// `@UNION([condition,] ['ALL' | 'DISTINCT',] a, b, …)`.
    fn union(&mut self, given: Arguments) -> Result<Argument, Problem> {
        let span = given.span.clone();
        let mut arguments: Vec<String> = Vec::new();
        for argument in given.positional {
            match argument {
                Argument::One(one) => arguments.push(one),
                Argument::Many(several) => arguments.extend(several),
            }
        }
        let mut condition = true;
        undecided(arguments.first().map_or("", String::as_str), &span)?;
        if let Some(Ok(Constant::Bool(value))) = arguments.first().map(|first| constant::evaluate(first)) {
            condition = value;
            arguments.remove(0);
        }
        let mut operator = " UNION ALL ";
        if let Some(kind) = arguments.first().and_then(|first| string(first)).map(|kind| kind.to_lowercase()) {
            operator = match kind.as_str() {
                "all" => operator,
                "distinct" => " UNION ",
                _ => return Err(problem(format!("expected 'ALL' or 'DISTINCT', not '{kind}'"), span)),
            };
            arguments.remove(0);
        }
        let columns = arguments.iter().map(|table| self.columns(table, &span)).collect::<Result<Vec<_>, _>>()?;
        let Some((first, others)) = columns.split_first() else {
            return Err(problem("`@UNION` needs at least one relation", span));
        };
        // a type that isn't known is no reason to leave a column out, and nothing is cast unless all types are known
        let known = |column: &Column| column.1.as_ref().map(|it| it.to_lowercase());
        let alike = |a: &Column, b: &Column| {
            a.0.eq_ignore_ascii_case(&b.0) && (known(a) == known(b) || known(a).is_none() || known(b).is_none())
        };
        let shared = first.iter().filter(|column| others.iter().all(|other| other.iter().any(|it| alike(column, it))));
        let typed = columns.iter().flatten().all(|(_, r#type)| r#type.is_some());
        let projections: Vec<String> = shared
            .map(|(column, r#type)| match r#type {
                Some(r#type) if typed => format!("CAST({0} AS {type}) AS {0}", quoted(column)),
                _ => quoted(column),
            })
            .collect();
        if projections.is_empty() {
            return Err(problem("these relations have no column in common, by name and type", span));
        }
        let tables = if condition { &arguments[..] } else { &arguments[..1] };
        let projections = projections.join(", ");
        self.spend(projections.len().saturating_mul(tables.len()), &span)?;
        let select =
            |table: &String| format!("SELECT {projections} FROM {}", string(table).unwrap_or_else(|| table.clone()));
        Ok(Argument::One(tables.iter().map(select).collect::<Vec<_>>().join(operator)))
    }

    /// `@DEDUPLICATE(relation, [partition], ['column DESC'])`.
    fn deduplicate(&mut self, given: &Arguments, context: Context<'_>) -> Result<Argument, Problem> {
        let relation = given.needed(0, "relation")?.sql();
        let list = |place: usize, name: &str, example: &str| match given.get(place, &[name]) {
            Some(Argument::Many(items)) if !items.is_empty() => Ok(items.clone()),
            Some(Argument::One(one)) if elements(one).is_some_and(|items| !items.is_empty()) => {
                Ok(elements(one).unwrap_or_default())
            }
            _ => Err(given.wrong(format!("`{name}` of `@DEDUPLICATE` is a list: {example}"))),
        };
        let partition = list(1, "partition_by", "[user_id, day]")?.join(", ");
        let mut order = Vec::new();
        for item in list(2, "order_by", "['updated_at DESC']")? {
            let item = string(&item).unwrap_or(item);
            order.push(self.other(&item, context, "`order_by`", &given.span)?.sql());
        }
        let order = order.join(", ");
        let relation = string(&relation).unwrap_or(relation);
        Ok(Argument::One(format!(
            "SELECT * FROM {relation} QUALIFY ROW_NUMBER() OVER (PARTITION BY {partition} ORDER BY {order}) = 1"
        )))
    }

    /// `@RESOLVE_TEMPLATE('s3://…/@{table_name}', mode := 'literal')`.
    fn resolve_template(
        &mut self,
        source: Source<'_>,
        raw_arguments: &[RawArgument],
        given: &Arguments,
    ) -> Result<Argument, Problem> {
        let written = raw_arguments.first().map_or("", |first| source.of(&first.lexemes));
        let template = string(written).or_else(|| string(&given.positional.first()?.sql()));
        let template = template.ok_or_else(|| given.wrong("the template is a string"))?;
        self.used("this_model");
        let Some(this_model) = self.scope.named.get("this_model").map(super::Value::sql) else {
            let stage = self.scope.named.get("runtime_stage").map(super::Value::sql);
            if stage.is_none_or(|stage| stage == "'loading'") {
                return Ok(Argument::One(literal(&template)));
            }
            return Err(given.wrong("`@RESOLVE_TEMPLATE` needs `@this_model`, which isn't known here"));
        };
        let parts = dotted(&this_model).or_else(|| table_of(&this_model));
        let mut parts = parts.ok_or_else(|| given.wrong("`@this_model` is no table here"))?;
        let mut last = || parts.pop().unwrap_or_default();
        let (table, schema, catalog) = (last(), last(), last());
        let resolved = template.replace("@{catalog_name}", &catalog);
        let resolved = resolved.replace("@{schema_name}", &schema).replace("@{table_name}", &table);
        match given.word(1, "mode", "literal").to_lowercase().as_str() {
            "literal" => Ok(Argument::One(literal(&resolved))),
            "table" => Ok(Argument::One(resolved.split('.').map(name).collect::<Vec<_>>().join("."))),
            other => Err(given.wrong(format!("the mode is 'literal' or 'table', not '{other}'"))),
        }
    }
}

/// Parameters that may be given by name.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("star", &["relation", "alias", "exclude", "except_", "prefix", "suffix", "quote_identifiers"]),
    ("generate_surrogate_key", &["hash_function"]),
    ("safe_div", &["numerator", "denominator"]),
    ("haversine_distance", &["lat1", "lon1", "lat2", "lon2", "unit"]),
    (
        "pivot",
        &[
            "column",
            "values",
            "alias",
            "agg",
            "cmp",
            "prefix",
            "suffix",
            "then_value",
            "else_value",
            "quote",
            "distinct",
        ],
    ),
    ("deduplicate", &["relation", "partition_by", "order_by"]),
    ("date_spine", &["datepart", "start_date", "end_date"]),
    ("resolve_template", &["mode"]),
];

/// The table that `(SELECT … FROM table …)` reads.
fn table_of(text: &str) -> Option<Vec<String>> {
    super::scan::with_lexemes(text, |source| {
        let from = (0..source.lexemes.len()).find(|at| source.word(*at, "from"))? + 1;
        let mut end = from + 1;
        while source.is(end, ".") {
            end += 2;
        }
        dotted(source.of(&(from..end.min(source.lexemes.len()))))
    })
}
