//! The value of an SQL expression that reads no table: the conditions and sums of macros, which are worked out before
//! there is a query.

use std::cmp::Ordering;
use std::panic::{self, AssertUnwindSafe};

use sqlparser::ast::{self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::constant_call::{call, like};
use super::dialect::DuckDb;
use super::{SqlError, depth, lex};

/// Longer strings are not worked out: `replace` could square them.
pub(super) const LONGEST: usize = 1 << 20;

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// Unknown.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
}

impl Constant {
    /// Whether it passes as a condition. As in Python, zero and the empty string don't.
    pub fn holds(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(value) => !value.is_empty(),
        }
    }

    /// As SQL.
    pub fn sql(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Text(value) => format!("'{}'", value.replace('\'', "''")),
        }
    }

    /// As text, for `||` and `concat`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(value) => value.clone(),
            Self::Bool(value) => value.to_string(),
            other => other.sql(),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            _ => None,
        }
    }
}

/// Works out one expression. Errors say what in it is no constant; they point at the whole text.
pub fn evaluate(text: &str) -> Result<Constant, SqlError> {
    let whole = |message: String| SqlError::new(message, 0..text.len());
    let lexemes = lex(text)?;
    if lexemes.is_empty() {
        return Err(whole("expected an expression".to_owned()));
    }
    // sqlparser has panicked on odd input; a text that it can't read must not end the program.
    let work = || panic::catch_unwind(AssertUnwindSafe(|| read(text).and_then(|expr| value(&expr))));
    match depth::with_stack(&lexemes, work) {
        Some(Ok(result)) => result.map_err(whole),
        Some(Err(_)) => Err(whole("the parser gave up".to_owned())),
        None => Err(whole("too deeply nested".to_owned())),
    }
}

fn read(text: &str) -> Result<Expr, String> {
    let parser = Parser::new(&DuckDb).try_with_sql(text);
    let mut parser = parser.map_err(|error| error.to_string())?;
    let expr = parser.parse_expr().map_err(|error| error.to_string())?;
    match &parser.peek_token_ref().token {
        Token::EOF => Ok(expr),
        other => Err(format!("expected the end of the expression, found `{other}`")),
    }
}

fn value(expr: &Expr) -> Result<Constant, String> {
    match expr {
        Expr::Nested(inner) => value(inner),
        Expr::Value(literal) => self::literal(&literal.value),
        Expr::UnaryOp { op, expr } => unary(*op, value(expr)?),
        Expr::BinaryOp { left, op, right } => binary(op, left, right),
        Expr::IsNull(inner) => Ok(Constant::Bool(value(inner)? == Constant::Null)),
        Expr::IsNotNull(inner) => Ok(Constant::Bool(value(inner)? != Constant::Null)),
        Expr::IsTrue(inner) => Ok(Constant::Bool(truth(&value(inner)?) == Some(true))),
        Expr::IsNotTrue(inner) => Ok(Constant::Bool(truth(&value(inner)?) != Some(true))),
        Expr::IsFalse(inner) => Ok(Constant::Bool(truth(&value(inner)?) == Some(false))),
        Expr::IsNotFalse(inner) => Ok(Constant::Bool(truth(&value(inner)?) != Some(false))),
        Expr::IsDistinctFrom(left, right) => Ok(Constant::Bool(!same(&value(left)?, &value(right)?))),
        Expr::IsNotDistinctFrom(left, right) => Ok(Constant::Bool(same(&value(left)?, &value(right)?))),
        Expr::InList { expr, list, negated } => in_list(&value(expr)?, list).map(|found| not(found, *negated)),
        Expr::Between { expr, negated, low, high } => {
            let item = value(expr)?;
            let above = compare(&item, &value(low)?, Ordering::is_ge)?;
            let below = compare(&item, &value(high)?, Ordering::is_le)?;
            Ok(not(and(above, below), *negated))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            like(&value(expr)?, &value(pattern)?, false).map(|found| not(found, *negated))
        }
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            like(&value(expr)?, &value(pattern)?, true).map(|found| not(found, *negated))
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let operand = operand.as_deref().map(value).transpose()?;
            for when in conditions {
                let condition = value(&when.condition)?;
                let holds = match &operand {
                    Some(operand) => compare(operand, &condition, Ordering::is_eq)?.holds(),
                    None => condition.holds(),
                };
                if holds {
                    return value(&when.result);
                }
            }
            else_result.as_deref().map_or(Ok(Constant::Null), value)
        }
        Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => call("trim", &[value(expr)?]),
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let mut arguments = vec![value(expr)?];
            for part in [substring_from, substring_for].into_iter().flatten() {
                arguments.push(value(part)?);
            }
            call("substring", &arguments)
        }
        Expr::Function(function) => call(&function.name.to_string().to_lowercase(), &arguments(function)?),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            Err(format!("`{expr}` is a name, not a constant; a string stands in single quotes"))
        }
        other => Err(format!("`{}` is no constant", cut(&other.to_string()))),
    }
}

/// At most the first 60 characters.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

fn literal(literal: &ast::Value) -> Result<Constant, String> {
    match literal {
        ast::Value::Null => Ok(Constant::Null),
        ast::Value::Boolean(value) => Ok(Constant::Bool(*value)),
        ast::Value::Number(text, _) => {
            let digits = text.replace('_', "");
            let whole = digits.parse().ok().map(Constant::Int);
            let number = whole.or_else(|| digits.parse().ok().map(Constant::Float));
            number.ok_or_else(|| format!("`{}` is no number", cut(text)))
        }
        ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => {
            Ok(Constant::Text(text.clone()))
        }
        ast::Value::DollarQuotedString(text) => Ok(Constant::Text(text.value.clone())),
        other => Err(format!("`{}` is no constant", cut(&other.to_string()))),
    }
}

/// What a value says as a condition; `None`: unknown.
fn truth(value: &Constant) -> Option<bool> {
    (*value != Constant::Null).then(|| value.holds())
}

fn from_truth(truth: Option<bool>) -> Constant {
    truth.map_or(Constant::Null, Constant::Bool)
}

fn not(value: Constant, negated: bool) -> Constant {
    if negated { from_truth(truth(&value).map(|value| !value)) } else { value }
}

fn and(left: Constant, right: Constant) -> Constant {
    from_truth(match (truth(&left), truth(&right)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    })
}

fn unary(op: UnaryOperator, item: Constant) -> Result<Constant, String> {
    match (op, item) {
        (_, Constant::Null) => Ok(Constant::Null),
        (UnaryOperator::Not, item) => Ok(not(item, true)),
        (UnaryOperator::Minus, Constant::Int(value)) => value.checked_neg().map(Constant::Int).ok_or_else(too_large),
        (UnaryOperator::Minus, Constant::Float(value)) => Ok(Constant::Float(-value)),
        (UnaryOperator::Plus, item @ (Constant::Int(_) | Constant::Float(_))) => Ok(item),
        (op, item) => Err(format!("`{op}` doesn't go with {}", cut(&item.sql()))),
    }
}

fn binary(op: &BinaryOperator, left: &Expr, right: &Expr) -> Result<Constant, String> {
    let left = value(left)?;
    // What can't change the result is not looked at: `@gateway = 'x' OR …`.
    match (op, truth(&left)) {
        (BinaryOperator::And, Some(false)) => return Ok(Constant::Bool(false)),
        (BinaryOperator::Or, Some(true)) => return Ok(Constant::Bool(true)),
        _ => {}
    }
    let right = value(right)?;
    match op {
        BinaryOperator::And => Ok(and(left, right)),
        BinaryOperator::Or => Ok(not(and(not(left, true), not(right, true)), true)),
        BinaryOperator::Eq => compare(&left, &right, Ordering::is_eq),
        BinaryOperator::NotEq => compare(&left, &right, Ordering::is_eq).map(|equal| not(equal, true)),
        BinaryOperator::Lt => compare(&left, &right, Ordering::is_lt),
        BinaryOperator::LtEq => compare(&left, &right, Ordering::is_le),
        BinaryOperator::Gt => compare(&left, &right, Ordering::is_gt),
        BinaryOperator::GtEq => compare(&left, &right, Ordering::is_ge),
        _ if left == Constant::Null || right == Constant::Null => Ok(Constant::Null),
        BinaryOperator::StringConcat => bounded(left.text() + &right.text()),
        _ => arithmetic(op, &left, &right),
    }
}

fn arithmetic(op: &BinaryOperator, left: &Constant, right: &Constant) -> Result<Constant, String> {
    if let (Constant::Int(a), Constant::Int(b)) = (left, right) {
        let (a, b) = (*a, *b);
        let whole = match op {
            BinaryOperator::Plus => Some(a.checked_add(b)),
            BinaryOperator::Minus => Some(a.checked_sub(b)),
            BinaryOperator::Multiply => Some(a.checked_mul(b)),
            BinaryOperator::Modulo | BinaryOperator::DuckIntegerDivide if b == 0 => return Ok(Constant::Null),
            BinaryOperator::Modulo => Some(a.checked_rem(b)),
            BinaryOperator::DuckIntegerDivide => Some(a.checked_div(b)),
            _ => None,
        };
        if let Some(whole) = whole {
            return whole.map(Constant::Int).ok_or_else(too_large);
        }
    }
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        return Err(format!("`{op}` doesn't go with {} and {}", cut(&left.sql()), cut(&right.sql())));
    };
    match op {
        BinaryOperator::Plus => Ok(Constant::Float(a + b)),
        BinaryOperator::Minus => Ok(Constant::Float(a - b)),
        BinaryOperator::Multiply => Ok(Constant::Float(a * b)),
        BinaryOperator::Divide | BinaryOperator::DuckIntegerDivide | BinaryOperator::Modulo if b == 0.0 => {
            Ok(Constant::Null)
        }
        BinaryOperator::Divide => Ok(Constant::Float(a / b)),
        BinaryOperator::DuckIntegerDivide => Ok(Constant::Float((a / b).floor())),
        BinaryOperator::Modulo => Ok(Constant::Float(a % b)),
        _ => Err(format!("`{op}` can't be worked out here")),
    }
}

pub(super) fn too_large() -> String {
    "this number gets too large".to_owned()
}

pub(super) fn bounded(text: String) -> Result<Constant, String> {
    if text.len() > LONGEST { Err("this string gets too long".to_owned()) } else { Ok(Constant::Text(text)) }
}

/// The order of two values; `None` where one is unknown. A number never equals a string, and neither comes first.
pub(super) fn order(left: &Constant, right: &Constant) -> Result<Option<Ordering>, String> {
    match (left, right) {
        (Constant::Null, _) | (_, Constant::Null) => Ok(None),
        (Constant::Int(a), Constant::Int(b)) => Ok(Some(a.cmp(b))),
        (Constant::Text(a), Constant::Text(b)) => Ok(Some(a.cmp(b))),
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => Ok(a.partial_cmp(&b)),
            _ => Err(format!("{} and {} can't be compared", cut(&left.sql()), cut(&right.sql()))),
        },
    }
}

fn compare(left: &Constant, right: &Constant, holds: fn(Ordering) -> bool) -> Result<Constant, String> {
    match order(left, right) {
        Ok(order) => Ok(from_truth(order.map(holds))),
        // Of values of two types, it is known that they aren't equal.
        Err(_) if holds(Ordering::Equal) && !holds(Ordering::Less) && !holds(Ordering::Greater) => {
            Ok(Constant::Bool(false))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn same(left: &Constant, right: &Constant) -> bool {
    match (left, right) {
        (Constant::Null, Constant::Null) => true,
        _ => matches!(order(left, right), Ok(Some(Ordering::Equal))),
    }
}

fn in_list(item: &Constant, list: &[Expr]) -> Result<Constant, String> {
    let mut found = Some(false);
    for candidate in list {
        // `x IN (@list)`: a list variable brings parentheses of its own.
        let candidates = match candidate {
            Expr::Tuple(inner) => inner.as_slice(),
            other => std::slice::from_ref(other),
        };
        for candidate in candidates {
            match truth(&compare(item, &value(candidate)?, Ordering::is_eq)?) {
                Some(true) => return Ok(Constant::Bool(true)),
                Some(false) => {}
                None => found = None,
            }
        }
    }
    Ok(from_truth(found))
}

fn arguments(function: &ast::Function) -> Result<Vec<Constant>, String> {
    let plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
    let FunctionArguments::List(list) = &function.args else {
        return Err(format!("`{}` is no constant", cut(&function.to_string())));
    };
    let read = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if plain => value(expr),
        _ => Err(format!("`{}` is no constant", cut(&function.to_string()))),
    };
    list.args.iter().map(read).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn constants_come_to_what_sql_says() {
        let cases = [
            ("1 + 2 * 3", "7"),
            ("7 // 2", "3"),
            ("1 / 2", "0.5"),
            ("1 / 0", "NULL"),
            ("-(2) % 3", "-2"),
            ("'a' || 1 || 'b'", "'a1b'"),
            ("'a' = 'a' AND NOT 1 > 2", "TRUE"),
            ("'a' = 1", "FALSE"),
            ("'a' <> 1", "TRUE"),
            ("NULL = 1", "NULL"),
            ("NULL AND FALSE", "FALSE"),
            ("NULL OR TRUE", "TRUE"),
            ("NOT NULL", "NULL"),
            ("2 IN (1, NULL)", "NULL"),
            ("2 IN ((1, 2))", "TRUE"),
            ("2 NOT IN (1, 3)", "TRUE"),
            ("2 BETWEEN 1 AND 3", "TRUE"),
            ("'abc' LIKE 'a%c'", "TRUE"),
            ("'abc' NOT LIKE '_b'", "TRUE"),
            ("'ABC' ILIKE 'ab_'", "TRUE"),
            ("NULL IS NULL", "TRUE"),
            ("1 IS DISTINCT FROM NULL", "TRUE"),
            ("CASE WHEN 1 = 2 THEN 'a' ELSE 'b' END", "'b'"),
            ("CASE 'x' WHEN 'x' THEN 1 END", "1"),
            ("upper('ab') || lower('C')", "'ABc'"),
            ("coalesce(NULL, length('abc'))", "3"),
            ("round(2.345, 1)", "2.3"),
            ("concat('a', NULL, 2)", "'a2'"),
            ("starts_with('abc', 'ab') AND contains('abc', 'c')", "TRUE"),
            ("replace('it''s', '''', '-')", "'it-s'"),
            ("trim('  a ')", "'a'"),
            ("substring('abcd', 2, 2)", "'bc'"),
            ("TRUE OR x", "TRUE"),
        ];
        for (text, expected) in cases {
            assert_eq!(evaluate(text).map(|value| value.sql()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_constant_is_named() {
        let cases = [
            ("x = 1", "`x` is a name, not a constant; a string stands in single quotes"),
            ("1 < 'a'", "1 and 'a' can't be compared"),
            ("now()", "`now` can't be worked out here with these arguments"),
            ("1 2", "expected the end of the expression, found `2`"),
            ("", "expected an expression"),
            ("170141183460469231731687303715884105727 + 1", "this number gets too large"),
        ];
        for (text, expected) in cases {
            assert_eq!(evaluate(text).unwrap_err().message, expected, "{text}");
        }
    }
}
