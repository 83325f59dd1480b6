//! An expression without its names: what it says, as a hash, and what it names, to be resolved where it stands.

use std::mem;
use std::ops::ControlFlow;

use serde::Serialize;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction, ObjectNamePart,
    OneOrManyWithParens, Query, Select, SelectItem, Value, VisitMut, VisitorMut,
};

use super::super::encode::encode;
use super::super::functions::{self, name_of};
use super::super::keywords;
use super::expression::{Calls, calls};
use super::origin::Print;
use super::{Told, Unknown};

/// An expression, or another part of a tree.
#[derive(Debug)]
pub(super) struct Formula {
    /// What stands around the things that were found; none where nothing does.
    pub(super) text: Option<Print>,
    /// What is to be resolved, in the order of the text.
    pub(super) found: Vec<Found>,
}

/// Something in an expression that means something else elsewhere.
#[derive(Debug)]
pub(super) enum Found {
    /// A name, its parts in lower case; whether it may be a function that is called without parentheses.
    Name(Vec<String>, bool),
    /// Something that the text says, besides; whether it may come out differently each time.
    Constant(&'static str, Vec<u8>, bool),
    /// A subquery, and what is asked of it.
    Subquery(Box<Query>, Asked),
}

/// What is asked of a subquery.
#[derive(Debug)]
pub(super) enum Asked {
    /// Its value.
    Value,
    /// Whether it has rows, or none.
    Exists { negated: bool },
    /// Whether it has this value, or not.
    In { value: Box<Formula>, negated: bool },
    /// Its rows, as the argument of a function.
    Argument,
}

/// Starts what stands in a tree in place of something that was found: how many there are before it. No text has such a
/// parameter.
const MARK: char = '\u{1}';

/// The column of a SELECT as it stands in [`Formulas`].
const ITEM: &str = "\u{1}item ";

/// The columns of a query's SELECTs that have names of their own, each taken out of the tree, which is large.
#[derive(Debug, Default)]
pub(in crate::domain::sql) struct Formulas(Vec<(Told<Formula>, Calls)>);

impl Formulas {
    /// Takes them out.
    pub(in crate::domain::sql) fn take_out(query: &mut Query) -> Self {
        let mut formulas = Self::default();
        let _ = VisitMut::visit(query, &mut formulas);
        formulas
    }

    /// That of a column, if it was taken out.
    pub(super) fn of(&self, expr: &Expr) -> Option<&(Told<Formula>, Calls)> {
        let Expr::Value(value) = expr else { return None };
        let Value::Placeholder(text) = &value.value else { return None };
        self.0.get(text.strip_prefix(ITEM)?.parse::<usize>().ok()?)
    }
}

impl VisitorMut for Formulas {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            let SelectItem::ExprWithAlias { expr, .. } = item else { continue };
            let mark = Expr::Value(Value::Placeholder(format!("{ITEM}{}", self.0.len())).into());
            let expr = mem::replace(expr, mark);
            let calls = calls(&expr);
            self.0.push((Formula::of(expr), calls));
        }
        select.projection.shrink_to_fit();
        ControlFlow::Continue(())
    }
}

impl Formula {
    /// That of an expression.
    pub(super) fn of(expr: Expr) -> Told<Self> {
        let named = |idents: &[Ident]| Self { text: None, found: vec![name(idents)] };
        match expr {
            Expr::Nested(inner) => Self::of(*inner),
            Expr::Identifier(ident) => Ok(named(&[ident])),
            Expr::CompoundIdentifier(idents) => Ok(named(&idents)),
            other => Self::of_part(other),
        }
    }

    /// That of any part of a tree.
    pub(super) fn of_part<T: VisitMut + Serialize>(mut tree: T) -> Told<Self> {
        let mut search = Search::default();
        if let ControlFlow::Break(unknown) = VisitMut::visit(&mut tree, &mut search) {
            return Err(unknown);
        }
        let text = encode(&tree).map_err(|_| Unknown("a tree without a canonical form"))?;
        search.found.shrink_to_fit();
        Ok(Self { text: Some(Print::of("text", [&text[..]])), found: search.found })
    }
}

fn name(idents: &[Ident]) -> Found {
    let is_function =
        matches!(idents, [ident] if ident.quote_style.is_none() && keywords::is_bare_function(&ident.value));
    Found::Name(idents.iter().map(|ident| ident.value.to_ascii_lowercase()).collect(), is_function)
}

/// Takes each name out of a tree.
#[derive(Default)]
struct Search {
    found: Vec<Found>,
    /// The parameters of the lambdas around, in lower case.
    parameters: Vec<Vec<String>>,
}

impl Search {
    /// What stands for something that was found.
    fn mark(&mut self, found: Found) -> String {
        self.found.push(found);
        format!("{MARK}{}", self.found.len())
    }

    fn replace(&mut self, expr: &mut Expr) -> Told<()> {
        let found = match expr {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => subquery(expr)?,
            Expr::Identifier(ident) => name(std::slice::from_ref(ident)),
            Expr::CompoundIdentifier(idents) => name(idents),
            Expr::Function(function) => return self.function(function),
            Expr::Lambda(lambda) => {
                self.parameters.push(parameters(lambda));
                return Ok(());
            }
            Expr::Value(value) => {
                let is_own = |text: &str| text.starts_with(MARK);
                return match &value.value {
                    Value::Placeholder(text) if !is_own(text) => Err(Unknown("a parameter")),
                    _ => Ok(()),
                };
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => return Err(Unknown("a star in an expression")),
            Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) => return Err(Unknown("grouping sets")),
            _ => return Ok(()),
        };
        if let Found::Name(parts, _) = &found
            && let Some(first) = parts.first()
            && self.parameters.iter().flatten().any(|parameter| parameter == first)
        {
            return Ok(());
        }
        *expr = Expr::Value(Value::Placeholder(self.mark(found)).into());
        Ok(())
    }

    fn function(&mut self, function: &mut Function) -> Told<()> {
        let is_repeatable = functions::is_repeatable(function).ok_or(Unknown("a function that is not known"))?;
        if !is_plain(function) {
            return Err(Unknown("a star in an expression"));
        }
        if NAMED_BY_ARGUMENTS.contains(&name_of(function).as_str()) {
            // its fields are called like the columns that it is given
            self.found.push(Found::Constant("named", format!("{}", function.args).into_bytes(), false));
        }
        if !is_repeatable {
            self.found.push(Found::Constant("function", Vec::new(), true));
        }
        match mem::replace(&mut function.args, FunctionArguments::None) {
            FunctionArguments::Subquery(query) => {
                let mark = self.mark(Found::Subquery(query, Asked::Argument));
                function.name.0.push(ObjectNamePart::Identifier(Ident::new(mark)));
            }
            others => function.args = others,
        }
        Ok(())
    }
}

/// A subquery of an expression that is one, or asks something of one.
fn subquery(expr: &mut Expr) -> Told<Found> {
    Ok(match mem::replace(expr, Expr::Value(Value::Null.into())) {
        Expr::Subquery(query) => Found::Subquery(query, Asked::Value),
        Expr::Exists { subquery, negated } => Found::Subquery(subquery, Asked::Exists { negated }),
        Expr::InSubquery { expr, subquery, negated } => {
            Found::Subquery(subquery, Asked::In { value: Box::new(Formula::of(*expr)?), negated })
        }
        _ => return Err(Unknown("a subquery in an odd place")),
    })
}

/// Functions that call what they make after their arguments.
const NAMED_BY_ARGUMENTS: [&str; 3] = ["struct_pack", "struct_insert", "struct_update"];

/// Whether a function's arguments are expressions, or it is `count(*)`.
fn is_plain(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return true };
    list.args.iter().all(|argument| match argument {
        FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg) => match arg {
            FunctionArgExpr::Expr(_) => true,
            FunctionArgExpr::Wildcard => name_of(function) == "count",
            _ => false,
        },
    })
}

fn parameters(lambda: &LambdaFunction) -> Vec<String> {
    match &lambda.params {
        OneOrManyWithParens::One(one) => vec![one.name.value.to_ascii_lowercase()],
        OneOrManyWithParens::Many(many) => many.iter().map(|one| one.name.value.to_ascii_lowercase()).collect(),
    }
}

impl VisitorMut for Search {
    type Break = Unknown;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Unknown> {
        ControlFlow::Break(Unknown("a subquery in an odd place"))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unknown> {
        match self.replace(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(unknown) => ControlFlow::Break(unknown),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unknown> {
        if let Expr::Lambda(_) = expr {
            self.parameters.pop();
        }
        ControlFlow::Continue(())
    }
}
