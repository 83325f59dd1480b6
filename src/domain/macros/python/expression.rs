//! What an expression of Python comes to.

use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, ConversionFlag, Expr, ExprBoolOp, ExprCall, ExprFString, ExprNumberLiteral,
    ExprUnaryOp, FStringPart, InterpolatedStringElement, Number, Operator, UnaryOp,
};
use ruff_text_size::Ranged;

use super::glot::Given;
use super::methods::Pieces;
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
        self.weigh(&value, expr)?;
        match &value {
            Py::Str(text) | Py::Rendered(text) | Py::Sql(text) if text.len() > LARGEST => {
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
            Expr::FString(it) => self.formatted(it, names)?,
            Expr::Name(it) => self.named(it.id.as_str(), names, expr)?,
            Expr::List(it) => Py::list(self.elements(&it.elts, names)?),
            Expr::Tuple(it) => Py::tuple(self.elements(&it.elts, names)?),
            Expr::Dict(it) => {
                let mut entries: Vec<(Py, Py)> = Vec::new();
                for item in &it.items {
                    let Some(key) = &item.key else { return Err(Failed::unknown("`**` in a dict", expr)) };
                    let (key, value) = (self.value(key, names)?, self.value(&item.value, names)?);
                    if !matches!(key, Py::Str(_)) || entries.iter().any(|(known, _)| known.equals(&key) != Some(false))
                    {
                        return Err(Failed::unknown("a dict whose keys are not strings, each once", expr));
                    }
                    entries.push((key, value));
                }
                Py::Dict(std::rc::Rc::new(entries))
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
            Expr::Generator(it) => Py::iter(self.comprehended(&it.elt, &it.generators, names)?),
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
            if self.truth(&last, part)? != (it.op == BoolOp::And) {
                break;
            }
        }
        Ok(last)
    }

    fn unary(&mut self, it: &ExprUnaryOp, names: &mut Names) -> Result<Py, Failed> {
        let operand = self.value(&it.operand, names)?;
        if it.op == UnaryOp::Not {
            return Ok(Py::Bool(!self.truth(&operand, it)?));
        }
        Ok(match (it.op, operand) {
            (UnaryOp::USub, Py::Int(number)) if number != i64::MIN => Py::Int(-number),
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
            // Python makes it once, when the file is read
            let constant = constant.clone();
            return Ok(self.value(&constant, &mut Names::default())?.frozen());
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
        let items = match of {
            Py::List(items) => items.borrow().clone(),
            Py::Tuple(items) | Py::Iter(items) => items.to_vec(),
            Py::Dict(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
            Py::Str(text) => {
                self.fixed(of, at)?;
                text.chars().map(|c| Py::Str(c.to_string())).collect()
            }
            other => return Err(Failed::unknown(&format!("going through {}", other.kind()), at)),
        };
        self.fits(items.len(), at)?;
        Ok(items)
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
                self.fits(values.len(), elt)?;
            }
        }
        Ok(values)
    }

    /// Whether a condition holds.
    pub(super) fn condition(&mut self, test: &Expr, names: &mut Names) -> Result<bool, Failed> {
        let value = self.value(test, names)?;
        self.truth(&value, test)
    }

    /// Whether a value counts as true.
    pub(super) fn truth(&self, value: &Py, at: &impl Ranged) -> Result<bool, Failed> {
        if matches!(value, Py::Str(_)) {
            self.fixed(value, at)?;
        }
        value.holds().ok_or_else(|| Failed::unknown(&format!("whether {} is true", value.kind()), at))
    }

    /// Refuses to look into what nobody knows before a model is run, and into how an expression is written.
    pub(super) fn fixed(&self, value: &Py, at: &impl Ranged) -> Result<(), Failed> {
        match value {
            Py::Rendered(_) => Err(Failed::new(
                "it decides by how an expression is written, which sqlglot may write otherwise".to_owned(),
                at,
            )),
            value if value.is_marked() => {
                Err(Failed::new("it decides by a time that is only known when the model is run".to_owned(), at))
            }
            _ => Ok(()),
        }
    }

    fn formatted(&mut self, string: &ExprFString, names: &mut Names) -> Result<Py, Failed> {
        let mut out = Pieces::default();
        for part in &string.value {
            let elements = match part {
                FStringPart::Literal(literal) => {
                    out.push(&literal.value, true);
                    continue;
                }
                FStringPart::FString(string) => &string.elements,
            };
            for element in elements {
                let it = match element {
                    InterpolatedStringElement::Literal(literal) => {
                        out.push(&literal.value, true);
                        continue;
                    }
                    InterpolatedStringElement::Interpolation(it) => it,
                };
                let is_plain = it.format_spec.is_none() && it.debug_text.is_none();
                if !is_plain || !matches!(it.conversion, ConversionFlag::None | ConversionFlag::Str) {
                    return Err(Failed::unknown("a format in an f-string", it));
                }
                let value = self.value(&it.expression, names)?;
                let (text, is_exact) = self.shown(&value, it)?;
                out.push(&text, is_exact);
            }
        }
        Ok(out.made())
    }

    /// A value as `str` shows it, and whether that is known to the letter.
    pub(super) fn shown(&self, value: &Py, at: &impl Ranged) -> Result<(String, bool), Failed> {
        value.text().ok_or_else(|| Failed::unknown(&format!("{} as a string", value.kind()), at))
    }

    pub(super) fn binary(&mut self, left: &Py, op: Operator, right: &Py, at: &impl Ranged) -> Result<Py, Failed> {
        let unknown = || Failed::unknown(&format!("this operator between {} and {}", left.kind(), right.kind()), at);
        Ok(match (left, op, right) {
            (Py::Str(_) | Py::Rendered(_), Operator::Add, Py::Str(_) | Py::Rendered(_)) => {
                let mut pieces = Pieces::default();
                for side in [left, right] {
                    let (text, is_exact) = self.shown(side, at)?;
                    pieces.push(&text, is_exact);
                }
                pieces.made()
            }
            (Py::Str(text), Operator::Mod, _) => {
                let given = match right {
                    Py::Tuple(items) => items.to_vec(),
                    Py::List(_) | Py::Dict(_) | Py::Iter(_) => return Err(unknown()),
                    one => vec![one.clone()],
                };
                methods::percent(text, &given).ok_or_else(|| Failed::unknown("this format", at))?
            }
            (Py::Str(text), Operator::Mult, Py::Int(times)) => {
                let times = usize::try_from(*times).unwrap_or(0);
                if text.len().saturating_mul(times) > LARGEST {
                    return Err(Failed::new("this string gets too long".to_owned(), at));
                }
                Py::Str(text.repeat(times))
            }
            (Py::List(a), Operator::Add, Py::List(b)) => {
                self.fits(a.borrow().len() + b.borrow().len(), at)?;
                Py::list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            (Py::Tuple(a), Operator::Add, Py::Tuple(b)) => {
                self.fits(a.len() + b.len(), at)?;
                Py::tuple(a.iter().chain(b.iter()).cloned().collect())
            }
            (Py::Int(a), op, Py::Int(b)) => {
                let made = match op {
                    Operator::Add => a.checked_add(*b),
                    Operator::Sub => a.checked_sub(*b),
                    Operator::Mult => a.checked_mul(*b),
                    Operator::FloorDiv => a.checked_div_euclid(*b).filter(|_| *b > 0),
                    Operator::Mod => a.checked_rem_euclid(*b).filter(|_| *b > 0),
                    _ => None,
                };
                Py::Int(made.ok_or_else(|| Failed::unknown("this calculation", at))?)
            }
            (Py::Sql(_), op, _) | (_, op, Py::Sql(_)) => glot::joined(left, op, right).ok_or_else(unknown)?,
            _ => return Err(unknown()),
        })
    }

    fn compare(&mut self, left: &Py, op: CmpOp, right: &Py, at: &Expr) -> Result<bool, Failed> {
        let unknown = || Failed::unknown(&format!("comparing {} with {} so", left.kind(), right.kind()), at);
        let with_none = matches!((left, right), (_, Py::None) | (Py::None, _));
        if !with_none {
            self.fixed(left, at)?;
            self.fixed(right, at)?;
        }
        let order = || match (left, right) {
            (Py::Str(a), Py::Str(b)) => Ok(a.cmp(b)),
            (Py::Int(a), Py::Int(b)) => Ok(a.cmp(b)),
            _ => Err(unknown()),
        };
        Ok(match op {
            CmpOp::Eq => left.equals(right).ok_or_else(unknown)?,
            CmpOp::NotEq => !left.equals(right).ok_or_else(unknown)?,
            CmpOp::Is if with_none => left.equals(right).ok_or_else(unknown)?,
            CmpOp::IsNot if with_none => !left.equals(right).ok_or_else(unknown)?,
            CmpOp::Lt => order()?.is_lt(),
            CmpOp::LtE => order()?.is_le(),
            CmpOp::Gt => order()?.is_gt(),
            CmpOp::GtE => order()?.is_ge(),
            CmpOp::In | CmpOp::NotIn => {
                let is_in = match (left, right) {
                    (Py::Str(part), Py::Str(text)) => text.contains(part.as_str()),
                    (_, Py::Str(_)) => return Err(unknown()),
                    _ => {
                        let found =
                            self.items(right, at)?.iter().map(|item| item.equals(left)).collect::<Option<Vec<_>>>();
                        found.ok_or_else(unknown)?.contains(&true)
                    }
                };
                is_in == (op == CmpOp::In)
            }
            _ => return Err(unknown()),
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
                if !function.decorator_list.is_empty() {
                    return Err(Failed::unknown("what decorators make of this function", call));
                }
                let values =
                    self.bind(function, given.args, given.named, &|value, _| Ok(value), &|own, name| own == name)?;
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
