//! What an expression of Python comes to.

use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, ConversionFlag, Expr, ExprBoolOp, ExprCall, ExprFString, ExprNumberLiteral,
    ExprUnaryOp, InterpolatedStringElement, Number, Operator, UnaryOp,
};
use ruff_text_size::Ranged;

use super::glot::Given;
use super::run::{LARGEST, Names, Run};
use super::value::Py;
use super::{Failed, builtins, glot, methods};

/// How deep expressions may stand in each other, functions that call each other counted.
const DEEPEST: usize = 80;

impl Run<'_> {
    /// What an expression comes to.
    pub(super) fn value(&mut self, expr: &Expr, names: &mut Names) -> Result<Py, Failed> {
        self.step(expr)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Failed::new("expressions stand in expressions too deep".to_owned(), expr));
        }
        let value = self.value_of(expr, names);
        self.depth -= 1;
        let value = value?;
        match &value {
            Py::Str(text) | Py::Sql(text) if text.len() > LARGEST => {
                Err(Failed::new(format!("a string of more than {} MB", LARGEST >> 20), expr))
            }
            _ => Ok(value),
        }
    }

    fn value_of(&mut self, expr: &Expr, names: &mut Names) -> Result<Py, Failed> {
        Ok(match expr {
            Expr::NoneLiteral(_) => Py::None,
            Expr::BooleanLiteral(it) => Py::Bool(it.value),
            Expr::StringLiteral(it) => Py::Str(it.value.to_str().to_owned()),
            Expr::NumberLiteral(it) => number(it)?,
            Expr::FString(it) => Py::Str(self.formatted(it, names)?),
            Expr::Name(it) => self.named(it.id.as_str(), names, expr)?,
            Expr::List(it) => Py::list(self.elements(&it.elts, names)?),
            Expr::Tuple(it) => Py::list(self.elements(&it.elts, names)?),
            Expr::Dict(it) => {
                let mut entries = Vec::new();
                for item in &it.items {
                    let Some(key) = &item.key else { return Err(Failed::unknown("`**` in a dict", expr)) };
                    let (key, value) = (self.value(key, names)?, self.value(&item.value, names)?);
                    methods::set(&mut entries, key, value);
                }
                Py::Dict(std::rc::Rc::new(entries.into()))
            }
            Expr::BoolOp(it) => self.either(it, names)?,
            Expr::UnaryOp(it) => self.unary(it, names)?,
            Expr::BinOp(_) => self.chain(expr, names)?,
            Expr::Compare(it) => {
                let mut left = self.value(&it.left, names)?;
                for (op, right) in it.ops.iter().zip(&it.comparators) {
                    let right = self.value(right, names)?;
                    if !self.compare(&left, *op, &right, expr)? {
                        return Ok(Py::Bool(false));
                    }
                    left = right;
                }
                Py::Bool(true)
            }
            Expr::If(it) => match self.condition(&it.test, names)? {
                true => self.value(&it.body, names)?,
                false => self.value(&it.orelse, names)?,
            },
            Expr::ListComp(it) => Py::list(self.comprehended(&it.elt, &it.generators, names)?),
            Expr::Generator(it) => Py::list(self.comprehended(&it.elt, &it.generators, names)?),
            Expr::Subscript(it) => {
                let of = self.value(&it.value, names)?;
                self.subscript(&of, &it.slice, names)?
            }
            Expr::Attribute(it) => {
                let of = self.value(&it.value, names)?;
                self.attribute(&of, it.attr.as_str(), expr)?
            }
            Expr::Call(it) => self.called(it, names)?,
            other => return Err(Failed::unknown("this expression", other)),
        })
    }

    /// `and` and `or`: the last value that was looked at.
    fn either(&mut self, it: &ExprBoolOp, names: &mut Names) -> Result<Py, Failed> {
        let mut last = Py::None;
        for part in &it.values {
            last = self.value(part, names)?;
            self.fixed(&last, part)?;
            if last.holds() != (it.op == BoolOp::And) {
                break;
            }
        }
        Ok(last)
    }

    fn unary(&mut self, it: &ExprUnaryOp, names: &mut Names) -> Result<Py, Failed> {
        let operand = self.value(&it.operand, names)?;
        self.fixed(&operand, it)?;
        Ok(match (it.op, operand) {
            (UnaryOp::Not, operand) => Py::Bool(!operand.holds()),
            (UnaryOp::USub, Py::Int(number)) => Py::Int(number.saturating_neg()),
            (UnaryOp::USub, Py::Float(number)) => Py::Float(-number),
            (UnaryOp::UAdd, number @ (Py::Int(_) | Py::Float(_))) => number,
            _ => return Err(Failed::unknown("this sign", it)),
        })
    }

    /// `a + b + c + …`, which is as deep as it is long.
    fn chain(&mut self, expr: &Expr, names: &mut Names) -> Result<Py, Failed> {
        let (mut first, mut rest) = (expr, Vec::new());
        while let Expr::BinOp(it) = first {
            rest.push((it.op, &it.right));
            first = &it.left;
        }
        let mut left = self.value(first, names)?;
        for (op, right) in rest.into_iter().rev() {
            let right = self.value(right, names)?;
            left = self.binary(&left, op, &right, expr)?;
        }
        Ok(left)
    }

    /// What a name means: a variable, a constant or a function of the file, or a module.
    fn named(&mut self, name: &str, names: &mut Names, at: &Expr) -> Result<Py, Failed> {
        if let Some(value) = names.0.get(name) {
            return Ok(value.clone());
        }
        if let Some(function) = self.file.function(name) {
            return Ok(Py::Function(function));
        }
        if let Some(constant) = self.file.constant(name) {
            let constant = constant.clone();
            return self.value(&constant, &mut Names::default());
        }
        match builtins::BUILT_IN.contains(&name) || methods::MODULES.contains(&name) {
            true => Ok(Py::Module(name.to_owned())),
            false => Err(Failed::unknown(&format!("`{name}`"), at)),
        }
    }

    fn elements(&mut self, elements: &[Expr], names: &mut Names) -> Result<Vec<Py>, Failed> {
        let mut values = Vec::new();
        for element in elements {
            match element {
                Expr::Starred(it) => {
                    let several = self.value(&it.value, names)?;
                    values.extend(self.items(&several, element)?);
                }
                one => values.push(self.value(one, names)?),
            }
        }
        Ok(values)
    }

    /// The elements of what can be gone through.
    pub(super) fn items(&mut self, of: &Py, at: &impl Ranged) -> Result<Vec<Py>, Failed> {
        Ok(match of {
            Py::List(items) => items.borrow().clone(),
            Py::Dict(entries) => entries.borrow().iter().map(|(key, _)| key.clone()).collect(),
            Py::Str(text) => {
                self.fixed(of, at)?;
                text.chars().map(|c| Py::Str(c.to_string())).collect()
            }
            other => return Err(Failed::unknown(&format!("going through {}", other.kind()), at)),
        })
    }

    /// `[elt for target in iter if …]`.
    fn comprehended(&mut self, elt: &Expr, all: &[Comprehension], names: &mut Names) -> Result<Vec<Py>, Failed> {
        let Some((first, rest)) = all.split_first() else { return Ok(vec![self.value(elt, names)?]) };
        let items = self.value(&first.iter, names)?;
        let mut inner = Names(names.0.clone());
        let mut values = Vec::new();
        for item in self.items(&items, &first.iter)? {
            self.assign(&first.target, item, &mut inner)?;
            let mut holds = true;
            for test in &first.ifs {
                holds = holds && self.condition(test, &mut inner)?;
            }
            if holds {
                values.extend(self.comprehended(elt, rest, &mut inner)?);
            }
        }
        Ok(values)
    }

    /// Whether a condition holds.
    pub(super) fn condition(&mut self, test: &Expr, names: &mut Names) -> Result<bool, Failed> {
        let value = self.value(test, names)?;
        self.fixed(&value, test)?;
        Ok(value.holds())
    }

    /// Refuses to look into what nobody knows before a model is run.
    pub(super) fn fixed(&self, value: &Py, at: &impl Ranged) -> Result<(), Failed> {
        match value.is_marked() {
            true => Err(Failed::new("it decides by a time that is only known when the model is run".to_owned(), at)),
            false => Ok(()),
        }
    }

    fn formatted(&mut self, string: &ExprFString, names: &mut Names) -> Result<String, Failed> {
        let mut out = String::new();
        for part in &string.value {
            let elements = match part {
                ruff_python_ast::FStringPart::Literal(literal) => {
                    out.push_str(&literal.value);
                    continue;
                }
                ruff_python_ast::FStringPart::FString(string) => &string.elements,
            };
            for element in elements {
                let it = match element {
                    InterpolatedStringElement::Literal(literal) => {
                        out.push_str(&literal.value);
                        continue;
                    }
                    InterpolatedStringElement::Interpolation(it) => it,
                };
                if it.format_spec.is_some() || it.debug_text.is_some() {
                    return Err(Failed::unknown("a format in an f-string", it));
                }
                let value = self.value(&it.expression, names)?;
                out.push_str(&match it.conversion {
                    ConversionFlag::Repr => value.repr(),
                    _ => self.shown(&value, it)?,
                });
            }
        }
        Ok(out)
    }

    /// A value as `str` shows it.
    pub(super) fn shown(&self, value: &Py, at: &impl Ranged) -> Result<String, Failed> {
        match value {
            Py::Evaluator | Py::Module(_) | Py::Function(_) | Py::Branch(..) => {
                Err(Failed::unknown(&format!("{} as a string", value.kind()), at))
            }
            value => Ok(value.text()),
        }
    }

    pub(super) fn binary(&mut self, left: &Py, op: Operator, right: &Py, at: &impl Ranged) -> Result<Py, Failed> {
        let numbers = (left.number(), right.number());
        Ok(match (left, op, right) {
            (Py::Str(a), Operator::Add, Py::Str(b)) => Py::Str(format!("{a}{b}")),
            (Py::Str(text), Operator::Mod, _) => {
                let given = match right {
                    Py::List(items) => items.borrow().clone(),
                    one => vec![one.clone()],
                };
                Py::Str(methods::percent(text, &given).ok_or_else(|| Failed::unknown("this format", at))?)
            }
            (Py::Str(text), Operator::Mult, Py::Int(times)) => {
                let times = usize::try_from(*times).unwrap_or(0);
                if text.len().saturating_mul(times) > LARGEST {
                    return Err(Failed::new("this string gets too long".to_owned(), at));
                }
                Py::Str(text.repeat(times))
            }
            (Py::List(a), Operator::Add, Py::List(b)) => {
                Py::list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            (Py::Int(a), op, Py::Int(b)) => {
                let made = match op {
                    Operator::Add => a.checked_add(*b),
                    Operator::Sub => a.checked_sub(*b),
                    Operator::Mult => a.checked_mul(*b),
                    Operator::FloorDiv => a.checked_div_euclid(*b).filter(|_| *b > 0),
                    Operator::Mod => a.checked_rem_euclid(*b).filter(|_| *b > 0),
                    Operator::Div if *b != 0 => return Ok(Py::Float(*a as f64 / *b as f64)),
                    _ => None,
                };
                Py::Int(made.ok_or_else(|| Failed::unknown("this calculation", at))?)
            }
            (Py::Sql(_) | Py::Case(..), op, _) | (_, op, Py::Sql(_) | Py::Case(..)) => {
                // as sqlglot does where Python's operators join expressions
                let sign = match op {
                    Operator::Add => "+",
                    Operator::Sub => "-",
                    Operator::Mult => "*",
                    Operator::Div => "/",
                    Operator::Mod => "%",
                    _ => return Err(Failed::unknown("this operator between expressions", at)),
                };
                let side = |value: &Py| value.converted().map(|sql| super::super::text::operand(&sql));
                match (side(left), side(right)) {
                    (Some(left), Some(right)) => Py::Sql(format!("{left} {sign} {right}")),
                    _ => return Err(Failed::unknown("this operator between these", at)),
                }
            }
            (_, op, _) => match (numbers, op) {
                ((Some(a), Some(b)), Operator::Add) => Py::Float(a + b),
                ((Some(a), Some(b)), Operator::Sub) => Py::Float(a - b),
                ((Some(a), Some(b)), Operator::Mult) => Py::Float(a * b),
                ((Some(a), Some(b)), Operator::Div) if b != 0.0 => Py::Float(a / b),
                _ => {
                    let what = format!("this operator between {} and {}", left.kind(), right.kind());
                    return Err(Failed::unknown(&what, at));
                }
            },
        })
    }

    fn compare(&mut self, left: &Py, op: CmpOp, right: &Py, at: &Expr) -> Result<bool, Failed> {
        self.fixed(left, at)?;
        self.fixed(right, at)?;
        let ordered = || match (left, right) {
            (Py::Str(a), Py::Str(b)) => Some(a.cmp(b)),
            (a, b) => a.number()?.partial_cmp(&b.number()?),
        };
        let order = || ordered().ok_or_else(|| Failed::unknown("this comparison", at));
        Ok(match op {
            CmpOp::Eq => left.equals(right),
            CmpOp::NotEq => !left.equals(right),
            CmpOp::Is if matches!((left, right), (_, Py::None) | (Py::None, _)) => left.equals(right),
            CmpOp::IsNot if matches!((left, right), (_, Py::None) | (Py::None, _)) => !left.equals(right),
            CmpOp::Lt => order()?.is_lt(),
            CmpOp::LtE => order()?.is_le(),
            CmpOp::Gt => order()?.is_gt(),
            CmpOp::GtE => order()?.is_ge(),
            CmpOp::In | CmpOp::NotIn => {
                let is_in = match (left, right) {
                    (Py::Str(part), Py::Str(text)) => text.contains(part.as_str()),
                    _ => self.items(right, at)?.iter().any(|item| item.equals(left)),
                };
                is_in == (op == CmpOp::In)
            }
            _ => return Err(Failed::unknown("this comparison", at)),
        })
    }

    /// A call: of a function of the file, of a method, of what is built in, or of sqlglot's.
    fn called(&mut self, call: &ExprCall, names: &mut Names) -> Result<Py, Failed> {
        let of = match call.func.as_ref() {
            Expr::Attribute(it) => Some((self.value(&it.value, names)?, it.attr.as_str())),
            _ => None,
        };
        let function = match &of {
            Some(_) => None,
            None => Some(self.value(&call.func, names)?),
        };
        let args = self.elements(&call.arguments.args, names)?;
        let mut named = Vec::new();
        for keyword in &call.arguments.keywords {
            let Some(name) = &keyword.arg else { return Err(Failed::unknown("`**` in a call", keyword)) };
            named.push((name.to_string(), self.value(&keyword.value, names)?));
        }
        let given = Given { args, named };
        match (of, function) {
            (Some((of, name)), _) => self.method(&of, name, given, call),
            (None, Some(Py::Function(at))) => {
                let file = self.file;
                let Some(function) = file.at(at) else { return Err(Failed::unknown("this function", call)) };
                let values = self.bind(function, given.args, given.named, &|value, _| value)?;
                self.call(function, values)
            }
            (None, Some(Py::Module(name))) => self.built_in(&name, given, call),
            _ => Err(Failed::unknown("a call of this", call)),
        }
    }

    /// A function of sqlglot's `exp`.
    pub(super) fn of_sqlglot(&self, name: &str, given: &Given, at: &ExprCall) -> Result<Py, Failed> {
        glot::call(name, given).ok_or_else(|| Failed::unknown(&format!("`exp.{name}` with these arguments"), at))
    }
}

fn number(it: &ExprNumberLiteral) -> Result<Py, Failed> {
    match &it.value {
        Number::Int(number) => match number.as_i64() {
            Some(number) => Ok(Py::Int(number)),
            None => Err(Failed::new("this number is too large".to_owned(), it)),
        },
        Number::Float(number) => Ok(Py::Float(*number)),
        Number::Complex { .. } => Err(Failed::unknown("a complex number", it)),
    }
}
