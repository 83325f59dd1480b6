//! Carries out a macro in Python: assignments, decisions, loops and calls of the file's own functions. It reads nothing and
//! writes nothing, and ends after so many steps: a branch that comes from a stranger may bring macros, too.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, Operator, Stmt, StmtAugAssign, StmtFor, StmtFunctionDef, StmtIf, StmtRaise};
use ruff_text_size::Ranged;

use super::value::Py;
use super::{Failed, File};

/// How many steps all calls of one text may take, and how deep functions may call each other.
const STEPS: usize = 100_000;
const DEEPEST: usize = 50;

/// Bytes that one string may have, and elements that one list may.
pub(super) const LARGEST: usize = 1 << 20;
pub(super) const LONGEST: usize = 100_000;

/// How much all values together may weigh that the calls of one text look at: each time that one is looked at counts.
const WORK: usize = 8 << 20;

/// What the calls of one text have taken so far.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::domain::macros) struct Spent {
    steps: usize,
    work: usize,
}

/// Makes of an argument what an annotation asks for.
pub(super) type Coerce = dyn Fn(Py, Option<&Expr>) -> Result<Py, Failed>;

/// What goes on after a statement.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Py),
}

/// One call of a macro.
pub(super) struct Run<'r> {
    pub(super) file: &'r File,
    /// What `evaluator.var(…)` and the like give.
    pub(super) variable: &'r mut dyn FnMut(super::Ask, &str) -> Option<Py>,
    pub(super) depth: usize,
    spent: &'r mut Spent,
}

/// The names of a function, or of a comprehension in it.
#[derive(Default)]
pub(super) struct Names(pub(super) BTreeMap<String, Py>);

impl<'r> Run<'r> {
    pub(super) fn new(
        file: &'r File,
        variable: &'r mut dyn FnMut(super::Ask, &str) -> Option<Py>,
        spent: &'r mut Spent,
    ) -> Self {
        Self { file, variable, depth: 0, spent }
    }

    /// Counts a step.
    pub(super) fn step(&mut self, at: &impl Ranged) -> Result<(), Failed> {
        self.spent.steps += 1;
        match self.spent.steps > STEPS {
            true => Err(Failed::new(format!("it takes more than {STEPS} steps"), at)),
            false => Ok(()),
        }
    }

    /// Counts what a value weighs: nothing goes through one that was not counted.
    pub(super) fn weigh(&mut self, value: &Py, at: &impl Ranged) -> Result<(), Failed> {
        match value.weight(WORK - self.spent.work) {
            Some(weight) => {
                self.spent.work += weight;
                Ok(())
            }
            None => Err(Failed::new("its values get too large, or stand in themselves".to_owned(), at)),
        }
    }

    /// Calls a function with the values of its parameters.
    pub(super) fn call(&mut self, function: &StmtFunctionDef, values: BTreeMap<String, Py>) -> Result<Py, Failed> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Failed::new(format!("functions call each other more than {DEEPEST} deep"), function));
        }
        let mut names = Names(values);
        let flow = self.block(&function.body, &mut names);
        self.depth -= 1;
        Ok(match flow? {
            Flow::Return(value) => value,
            _ => Py::None,
        })
    }

    /// The values of a function's parameters; `coerce` makes of each what its annotation says.
    pub(super) fn bind(
        &mut self,
        function: &StmtFunctionDef,
        args: Vec<Py>,
        named: Vec<(String, Py)>,
        coerce: &Coerce,
        is_named: &dyn Fn(&str, &str) -> bool,
    ) -> Result<BTreeMap<String, Py>, Failed> {
        let parameters = &function.parameters;
        let mut values = BTreeMap::new();
        let mut rest = args.into_iter();
        let by_place = parameters.posonlyargs.iter().chain(&parameters.args);
        for parameter in by_place {
            let Some(value) = rest.next() else { break };
            let annotation = parameter.parameter.annotation.as_deref();
            values.insert(parameter.parameter.name.to_string(), coerce(value, annotation)?);
        }
        let rest: Vec<Py> = rest.collect();
        match &parameters.vararg {
            Some(several) => {
                let annotation = several.annotation.as_deref();
                let items = rest.into_iter().map(|value| coerce(value, annotation)).collect::<Result<_, _>>()?;
                values.insert(several.name.to_string(), Py::tuple(items));
            }
            None if !rest.is_empty() => {
                return Err(Failed::new(format!("`{}` takes fewer arguments", function.name), &function.name));
            }
            None => {}
        }
        let mut others = Vec::new();
        let all = || parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs);
        for (name, value) in named {
            match all().find(|parameter| is_named(parameter.parameter.name.as_str(), &name)) {
                Some(known) => {
                    let value = coerce(value, known.parameter.annotation.as_deref())?;
                    if values.insert(known.parameter.name.to_string(), value).is_some() {
                        return Err(Failed::new(format!("`{name}` is given twice"), &function.name));
                    }
                }
                None if parameters.kwarg.is_some() => others.push((Py::Str(name), value)),
                None => {
                    return Err(Failed::new(format!("`{}` has no parameter `{name}`", function.name), &function.name));
                }
            }
        }
        if let Some(kwarg) = &parameters.kwarg {
            let coerced = |(name, value)| Ok((name, coerce(value, kwarg.annotation.as_deref())?));
            let others = others.into_iter().map(coerced).collect::<Result<Vec<_>, Failed>>()?;
            values.insert(kwarg.name.to_string(), Py::Dict(std::rc::Rc::new(others)));
        }
        self.defaults(function, &mut values)?;
        Ok(values)
    }

    /// Adds what counts for the parameters that have no value.
    fn defaults(&mut self, function: &StmtFunctionDef, values: &mut BTreeMap<String, Py>) -> Result<(), Failed> {
        let parameters = &function.parameters;
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs) {
            let name = parameter.parameter.name.as_str();
            if values.contains_key(name) {
                continue;
            }
            let Some(default) = &parameter.default else {
                return Err(Failed::new(format!("`{}` needs a value for `{name}`", function.name), &function.name));
            };
            // Python makes it once for all calls
            let value = self.value(default, &mut Names::default())?.frozen();
            values.insert(name.to_owned(), value);
        }
        Ok(())
    }

    fn block(&mut self, statements: &[Stmt], names: &mut Names) -> Result<Flow, Failed> {
        for statement in statements {
            self.step(statement)?;
            match self.statement(statement, names)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Stmt, names: &mut Names) -> Result<Flow, Failed> {
        match statement {
            Stmt::Return(it) => Ok(Flow::Return(match &it.value {
                Some(value) => self.value(value, names)?,
                None => Py::None,
            })),
            Stmt::Expr(it) => self.value(&it.value, names).map(|_| Flow::Next),
            Stmt::Assign(it) => {
                let value = self.value(&it.value, names)?;
                for target in &it.targets {
                    self.assign(target, value.clone(), names)?;
                }
                Ok(Flow::Next)
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    let value = self.value(value, names)?;
                    self.assign(&it.target, value, names)?;
                }
                Ok(Flow::Next)
            }
            Stmt::AugAssign(it) => self.augment(it, names),
            Stmt::If(it) => self.decide(it, names),
            Stmt::For(it) if !it.is_async => self.repeat(it, names),
            Stmt::Break(_) => Ok(Flow::Break),
            Stmt::Continue(_) => Ok(Flow::Continue),
            Stmt::Pass(_) | Stmt::Import(_) | Stmt::ImportFrom(_) => Ok(Flow::Next),
            Stmt::Raise(it) => self.raise(it, names),
            Stmt::Assert(it) => match (self.condition(&it.test, names)?, &it.msg) {
                (true, _) => Ok(Flow::Next),
                (false, Some(message)) => {
                    let what = self.told(message, names)?;
                    Err(Failed::raised(what, it))
                }
                (false, None) => Err(Failed::raised("an assertion of it does not hold".to_owned(), it)),
            },
            other => Err(Failed::unknown("this statement", other)),
        }
    }

    fn augment(&mut self, it: &StmtAugAssign, names: &mut Names) -> Result<Flow, Failed> {
        let (before, more) = (self.value(&it.target, names)?, self.value(&it.value, names)?);
        if let (Py::List(items), Operator::Add) = (&before, it.op) {
            let more = self.items(&more, &*it.value)?;
            let length = items.borrow().len() + more.len();
            self.fits(length, it)?;
            items.borrow_mut().extend(more);
            return Ok(Flow::Next);
        }
        let value = self.binary(&before, it.op, &more, it)?;
        self.assign(&it.target, value, names)?;
        Ok(Flow::Next)
    }

    /// Refuses a list of too many elements.
    pub(super) fn fits(&self, length: usize, at: &impl Ranged) -> Result<(), Failed> {
        match length > LONGEST {
            true => Err(Failed::new(format!("a list of more than {LONGEST} elements"), at)),
            false => Ok(()),
        }
    }

    fn decide(&mut self, it: &StmtIf, names: &mut Names) -> Result<Flow, Failed> {
        if self.condition(&it.test, names)? {
            return self.block(&it.body, names);
        }
        for clause in &it.elif_else_clauses {
            let holds = match &clause.test {
                Some(test) => self.condition(test, names)?,
                None => true,
            };
            if holds {
                return self.block(&clause.body, names);
            }
        }
        Ok(Flow::Next)
    }

    fn repeat(&mut self, it: &StmtFor, names: &mut Names) -> Result<Flow, Failed> {
        let over = self.value(&it.iter, names)?;
        let items = self.items(&over, &*it.iter)?;
        let length = items.len();
        for item in items {
            self.assign(&it.target, item, names)?;
            let flow = self.block(&it.body, names)?;
            if matches!(&over, Py::List(items) if items.borrow().len() != length) {
                return Err(Failed::unknown("a list that grows while it is gone through", &*it.iter));
            }
            match flow {
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
                Flow::Next | Flow::Continue => {}
            }
        }
        self.block(&it.orelse, names)
    }

    fn raise(&mut self, it: &StmtRaise, names: &mut Names) -> Result<Flow, Failed> {
        let what = match it.exc.as_deref() {
            Some(Expr::Call(call)) => match call.arguments.args.first() {
                Some(message) => self.told(message, names)?,
                None => "it raises an error".to_owned(),
            },
            _ => "it raises an error".to_owned(),
        };
        Err(Failed::raised(what, it))
    }

    /// The message of an error.
    fn told(&mut self, message: &Expr, names: &mut Names) -> Result<String, Failed> {
        let value = self.value(message, names)?;
        Ok(value.text().map(|(text, _)| text).unwrap_or_default())
    }

    /// Gives a value a name, or several their names.
    pub(super) fn assign(&mut self, target: &Expr, value: Py, names: &mut Names) -> Result<(), Failed> {
        self.step(target)?;
        match target {
            Expr::Name(_) if matches!(value, Py::Iter(_)) => {
                return Err(Failed::unknown("an iterator with a name: list(…) makes a list of it", target));
            }
            Expr::Name(name) => _ = names.0.insert(name.id.to_string(), value),
            Expr::Tuple(_) | Expr::List(_) => {
                let targets: &[Expr] = match target {
                    Expr::Tuple(it) => &it.elts,
                    Expr::List(it) => &it.elts,
                    _ => &[],
                };
                let items = self.items(&value, target)?;
                if items.len() != targets.len() {
                    return Err(Failed::new(format!("{} values are not {} names", items.len(), targets.len()), target));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, names)?;
                }
            }
            other => return Err(Failed::unknown("an assignment to this", other)),
        }
        Ok(())
    }
}
