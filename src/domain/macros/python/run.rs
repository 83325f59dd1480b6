//! Carries out a macro in Python: assignments, decisions, loops and calls of the file's own functions. It reads nothing and
//! writes nothing, and ends after so many steps: a branch that comes from a stranger may bring macros, too.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, Stmt, StmtAugAssign, StmtFor, StmtFunctionDef, StmtIf, StmtRaise};
use ruff_text_size::Ranged;

use super::value::Py;
use super::{Failed, File};

/// How many steps one call may take, and how deep functions may call each other.
const STEPS: usize = 100_000;
const DEEPEST: usize = 50;

/// Bytes that one value may have, or all of a list's.
pub(super) const LARGEST: usize = 1 << 20;

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
    pub(super) variable: &'r mut dyn FnMut(&str) -> Option<Py>,
    pub(super) steps: usize,
    pub(super) depth: usize,
}

/// The names of a function, or of a comprehension in it.
#[derive(Default)]
pub(super) struct Names(pub(super) BTreeMap<String, Py>);

impl<'r> Run<'r> {
    pub(super) fn new(file: &'r File, variable: &'r mut dyn FnMut(&str) -> Option<Py>) -> Self {
        Self { file, variable, steps: 0, depth: 0 }
    }

    /// Counts a step.
    pub(super) fn step(&mut self, at: &impl Ranged) -> Result<(), Failed> {
        self.steps += 1;
        match self.steps > STEPS {
            true => Err(Failed::new(format!("it takes more than {STEPS} steps"), at)),
            false => Ok(()),
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
        coerce: &dyn Fn(Py, Option<&Expr>) -> Py,
    ) -> Result<BTreeMap<String, Py>, Failed> {
        let parameters = &function.parameters;
        let mut values = BTreeMap::new();
        let mut rest = args.into_iter();
        let by_place = parameters.posonlyargs.iter().chain(&parameters.args);
        for parameter in by_place {
            let Some(value) = rest.next() else { break };
            let annotation = parameter.parameter.annotation.as_deref();
            values.insert(parameter.parameter.name.to_string(), coerce(value, annotation));
        }
        let rest: Vec<Py> = rest.collect();
        match &parameters.vararg {
            Some(several) => {
                let annotation = several.annotation.as_deref();
                let items = rest.into_iter().map(|value| coerce(value, annotation)).collect();
                values.insert(several.name.to_string(), Py::list(items));
            }
            None if !rest.is_empty() => {
                return Err(Failed::new(format!("`{}` takes fewer arguments", function.name), &function.name));
            }
            None => {}
        }
        let mut others = Vec::new();
        let all = || parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs);
        for (name, value) in named {
            match all().find(|parameter| parameter.parameter.name.eq_ignore_ascii_case(&name)) {
                Some(known) => {
                    let value = coerce(value, known.parameter.annotation.as_deref());
                    values.insert(known.parameter.name.to_string(), value);
                }
                None if parameters.kwarg.is_some() => others.push((Py::Str(name), value)),
                None => {
                    return Err(Failed::new(format!("`{}` has no parameter `{name}`", function.name), &function.name));
                }
            }
        }
        if let Some(kwarg) = &parameters.kwarg {
            values.insert(kwarg.name.to_string(), Py::Dict(std::rc::Rc::new(others.into())));
        }
        for parameter in all() {
            let name = parameter.parameter.name.as_str();
            if values.contains_key(name) {
                continue;
            }
            let Some(default) = &parameter.default else {
                return Err(Failed::new(format!("`{}` needs a value for `{name}`", function.name), &function.name));
            };
            let value = self.value(default, &mut Names::default())?;
            values.insert(name.to_owned(), value);
        }
        Ok(values)
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
                    let what = self.value(message, names)?.text();
                    Err(Failed::raised(what, it))
                }
                (false, None) => Err(Failed::raised("an assertion of it does not hold".to_owned(), it)),
            },
            other => Err(Failed::unknown("this statement", other)),
        }
    }

    fn augment(&mut self, it: &StmtAugAssign, names: &mut Names) -> Result<Flow, Failed> {
        let (before, more) = (self.value(&it.target, names)?, self.value(&it.value, names)?);
        if let (Py::List(items), ruff_python_ast::Operator::Add) = (&before, it.op) {
            let more = self.items(&more, &*it.value)?;
            items.borrow_mut().extend(more);
            return Ok(Flow::Next);
        }
        let value = self.binary(&before, it.op, &more, it)?;
        self.assign(&it.target, value, names)?;
        Ok(Flow::Next)
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
        let items = self.value(&it.iter, names)?;
        for item in self.items(&items, &*it.iter)? {
            self.assign(&it.target, item, names)?;
            match self.block(&it.body, names)? {
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
                Some(message) => self.value(message, names)?.text(),
                None => "it raises an error".to_owned(),
            },
            _ => "it raises an error".to_owned(),
        };
        Err(Failed::raised(what, it))
    }

    /// Gives a value a name, or several their names.
    pub(super) fn assign(&mut self, target: &Expr, value: Py, names: &mut Names) -> Result<(), Failed> {
        self.step(target)?;
        match target {
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
            Expr::Subscript(it) => {
                let (of, key) = (self.value(&it.value, names)?, self.value(&it.slice, names)?);
                let Py::Dict(entries) = of else { return Err(Failed::unknown("an assignment to this", target)) };
                super::methods::set(&mut entries.borrow_mut(), key, value);
            }
            other => return Err(Failed::unknown("an assignment to this", other)),
        }
        Ok(())
    }
}
