//! Goes through a text and puts in what its macros give.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::diagnostic::Problem;
use super::super::sql::{Span, Token};
use super::place::{Argument, Output};
use super::python::Spent;
use super::scan::{Part, Source, problem};
use super::value::literal;
use super::{Expanded, LARGEST, Locals, Scope, lexed, text};

/// How deep macros may stand in macros.
const DEEPEST: usize = 32;

/// How many variables and calls one text may come to.
const STEPS: usize = 200_000;

/// Expands a text without Jinja.
pub(super) fn expand(text: &str, scope: &Scope<'_>) -> Result<Expanded, Problem> {
    let mut expander = Expander {
        scope,
        locals: scope.locals.clone(),
        defined: Locals::new(),
        variables_used: BTreeSet::new(),
        macros_used: BTreeSet::new(),
        relations_asked: BTreeSet::new(),
        depth: 0,
        steps: 0,
        made: 0,
        python: Spent::default(),
    };
    let lexemes = lexed(text)?;
    let source = Source { text, lexemes: &lexemes };
    let out =
        expander.range(source, 0..lexemes.len(), 0..text.len(), Context { frame: None, bare: false, top: true })?;
    Ok(Expanded {
        text: out.output.text,
        map: out.output.map,
        variables_used: expander.variables_used,
        macros_used: expander.macros_used,
        relations_asked: expander.relations_asked,
        defined: expander.defined,
    })
}

/// Where an expansion stands.
#[derive(Clone, Copy)]
pub(super) struct Context<'f> {
    /// The parameters in force.
    pub(super) frame: Option<&'f Frame<'f>>,
    /// Whether plain words that are parameters count: in a lambda, but not in the calls in it.
    pub(super) bare: bool,
    /// Whether this is the text itself, not an argument or a macro's text.
    top: bool,
}

/// The parameters of a lambda or a macro.
pub(super) struct Frame<'f> {
    /// By name in lower case.
    pub(super) values: BTreeMap<String, Argument>,
    /// The lambda around this one.
    pub(super) parent: Option<&'f Frame<'f>>,
}

impl<'f> Context<'f> {
    /// Inside a lambda.
    pub(super) fn lambda(frame: &'f Frame<'f>) -> Self {
        Self { frame: Some(frame), bare: true, top: false }
    }

    /// Inside a call.
    pub(super) fn inner(self) -> Self {
        Self { bare: false, top: false, ..self }
    }

    /// With other parameters, and none of those in force.
    pub(super) fn with<'g>(self, frame: Option<&'g Frame<'g>>) -> Context<'g> {
        Context { frame, bare: false, top: false }
    }

    /// The value of a parameter in force.
    pub(super) fn parameter(&self, name: &str) -> Option<&'f Argument> {
        let mut frame = self.frame;
        while let Some(current) = frame {
            if let Some(value) = current.values.get(name) {
                return Some(value);
            }
            frame = current.parent;
        }
        None
    }
}

/// A text put together, and, if it was one macro and nothing else, what that gave.
pub(super) struct Ranged {
    output: Output,
    whole: Option<Argument>,
}

/// A macro in a text.
pub(super) struct Site {
    /// Its first byte.
    pub(super) start: usize,
    /// Its first lexeme.
    pub(super) first: usize,
    /// The first lexeme behind it.
    pub(super) next: usize,
    /// The first byte behind it.
    pub(super) end: usize,
    /// What it comes to.
    pub(super) given: Argument,
}

/// The state of one expansion.
pub(super) struct Expander<'s> {
    pub(super) scope: &'s Scope<'s>,
    pub(super) locals: Locals,
    pub(super) defined: Locals,
    pub(super) variables_used: BTreeSet<String>,
    pub(super) macros_used: BTreeSet<String>,
    pub(super) relations_asked: BTreeSet<Vec<String>>,
    depth: usize,
    steps: usize,
    made: usize,
    /// What macros in Python have taken.
    pub(super) python: Spent,
}

impl Expander<'_> {
    /// Expands some lexemes, and the bytes around them.
    fn range(
        &mut self,
        source: Source<'_>,
        range: Range<usize>,
        bytes: Span,
        context: Context<'_>,
    ) -> Result<Ranged, Problem> {
        let mut out = Output::default();
        let mut whole = None;
        let (mut at, mut copied, mut byte) = (range.start, range.start, bytes.start);
        while at < range.end {
            let Some(mut site) = self.site(source, at, &range, context)? else {
                at += 1;
                continue;
            };
            if context.top {
                site.given = site.given.statements();
            }
            self.spend(site.given.sql().len(), &(site.start..site.end))?;
            out.copy(source, byte..site.start.max(byte), (copied < site.first).then(|| site.first - 1));
            let span = site.start..site.end;
            if site.start == bytes.start && site.end == bytes.end {
                whole = Some(site.given.clone());
            }
            (at, byte) = (site.next, site.end);
            let mut end = site.end;
            match site.given {
                Argument::Many(items) if items.is_empty() => {
                    at = out.remove(source, site.first, site.next, &range)?;
                    if at > site.next {
                        end = source.lexemes.get(at - 1).map_or(end, |comma| comma.span.end);
                        byte = end;
                    }
                }
                given => out.make(&self.fitted(source, &site.first, &site.next, given.sql(), context), &span),
            }
            if context.top {
                // As many lines as the macro took, so that what follows stays on its line.
                let lines = source.slice(&(site.start..end)).matches('\n').count();
                out.make(&"\n".repeat(lines), &span);
            }
            copied = at;
        }
        let last = (copied < range.end).then(|| range.end - 1);
        out.copy(source, byte..bytes.end.max(byte), last);
        Ok(Ranged { output: out, whole })
    }

    /// What some lexemes come to.
    pub(super) fn argument(
        &mut self,
        source: Source<'_>,
        range: &Range<usize>,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let bytes = source.span(range);
        self.spend(bytes.len(), &bytes)?;
        let ranged = self.range(source, range.clone(), bytes, Context { top: false, ..context })?;
        Ok(match ranged.whole {
            Some(given) => given,
            None if ranged.output.text.trim().is_empty() => Argument::Many(Vec::new()),
            None => Argument::One(ranged.output.text),
        })
    }

    /// Expands another text, such as a macro's; problems in it are led to `call`.
    pub(super) fn other(
        &mut self,
        text: &str,
        context: Context<'_>,
        name: &str,
        call: &Span,
    ) -> Result<Argument, Problem> {
        self.other_named(text, context, &|_| name.to_owned(), call)
    }

    /// As [`Self::other`], for a text whose name tells the place of a problem in it.
    pub(super) fn other_named(
        &mut self,
        text: &str,
        context: Context<'_>,
        name: &dyn Fn(usize) -> String,
        call: &Span,
    ) -> Result<Argument, Problem> {
        let led = |found: Problem| Problem {
            what: format!("in {}: {}", name(found.span.start), found.what),
            span: call.clone(),
            ..found
        };
        self.enter(call)?;
        let lexemes = lexed(text).map_err(led)?;
        let source = Source { text, lexemes: &lexemes };
        let result = self.argument(source, &(0..lexemes.len()), context).map_err(led);
        self.depth -= 1;
        result
    }

    /// Goes a level deeper.
    pub(super) fn enter(&mut self, span: &Span) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(problem(
                format!("macros stand in macros more than {DEEPEST} deep: does one call itself?"),
                span.clone(),
            ));
        }
        Ok(())
    }

    /// Comes up again.
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Counts a step and the text it made.
    pub(super) fn spend(&mut self, bytes: usize, span: &Span) -> Result<(), Problem> {
        self.steps += 1;
        self.made = self.made.saturating_add(bytes);
        if self.made > LARGEST {
            return Err(problem(format!("this expands to more than {} MB", LARGEST >> 20), span.clone()));
        }
        if self.steps > STEPS {
            return Err(problem(format!("this takes more than {STEPS} steps to expand"), span.clone()));
        }
        Ok(())
    }

    /// The macro that begins at a lexeme, expanded.
    fn site(
        &mut self,
        source: Source<'_>,
        at: usize,
        range: &Range<usize>,
        context: Context<'_>,
    ) -> Result<Option<Site>, Problem> {
        let Some(lexeme) = source.lexemes.get(at) else { return Ok(None) };
        let start = lexeme.span.start;
        let site = |next: usize, end: usize, given: Argument| Ok(Some(Site { start, first: at, next, end, given }));
        match &lexeme.token {
            Token::Word { text: word, quoted: true } if word.contains('@') => {
                let name = self.interpolate(word, context, None)?;
                site(at + 1, lexeme.span.end, Argument::One(text::quoted(&name)))
            }
            Token::Word { text: word, quoted } => {
                if !quoted && at + 1 < range.end && source.adjoins(at + 1) && source.starts_macro(at + 1) {
                    return self.name(source, at, range, context).map(Some);
                }
                let parameter = if context.bare { context.parameter(&word.to_lowercase()) } else { None };
                match parameter {
                    Some(value) if !source.is(at + 1, "(") => site(at + 1, lexeme.span.end, value.clone()),
                    _ => Ok(None),
                }
            }
            Token::Symbol(symbol) if symbol == "@" && at + 1 < range.end && source.starts_macro(at) => {
                if let Some(site) = self.clause(source, at, range, context)? {
                    return Ok(Some(site));
                }
                match source.lexemes.get(at + 1) {
                    Some(next) => match &next.token {
                        Token::String(content) | Token::Word { text: content, quoted: true } => {
                            let content = self.interpolate(content, context, Some(&(start..next.span.end)))?;
                            site(at + 2, next.span.end, Argument::One(literal(&content)))
                        }
                        _ => self.name(source, at, range, context).map(Some),
                    },
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// A variable, a call, or a name with variables in it.
    fn name(
        &mut self,
        source: Source<'_>,
        at: usize,
        range: &Range<usize>,
        context: Context<'_>,
    ) -> Result<Site, Problem> {
        let start = source.lexemes.get(at).map_or(0, |lexeme| lexeme.span.start);
        let (parts, end) = source.name_parts(start);
        let span = start..end;
        let next = (at..range.end).find(|next| source.lexemes[*next].span.start >= end).unwrap_or(range.end);
        if let [Part::Variable(name, false)] = parts[..] {
            let touching = next < range.end && source.is(next, "(") && source.lexemes[next].span.start == end;
            if touching || (next < range.end && source.is(next, "(") && self.is_macro(name)) {
                let close = source.closing(next, range.end);
                let close = close.ok_or_else(|| problem("this `(` is never closed", source.span(&(next..next + 1))))?;
                let span = start..source.lexemes[close].span.end;
                self.enter(&span)?;
                let given = self.call(name, source, next + 1..close, &span, context.inner())?;
                self.leave();
                return Ok(Site { start, first: at, next: close + 1, end: span.end, given });
            }
            let given = self.variable(name, context).ok_or_else(|| self.undefined(name, &span))?;
            return Ok(Site { start, first: at, next, end, given });
        }
        if parts.is_empty() {
            return Err(problem("expected a variable's name after `@`", span.start..span.start + 1));
        }
        let mut name = String::new();
        for part in parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Variable(variable, _) => match self.variable(variable, context) {
                    Some(value) => name.push_str(&text::raw(&value.sql())),
                    None => return Err(self.undefined(variable, &span)),
                },
            }
        }
        Ok(Site { start, first: at, next, end, given: Argument::One(text::name(&name)) })
    }

    /// What a macro gave, so that it stands well between its neighbours.
    fn fitted(&self, source: Source<'_>, first: &usize, next: &usize, given: String, context: Context<'_>) -> String {
        let after_name = first
            .checked_sub(1)
            .is_some_and(|before| source.word(before, "as") || (source.is(before, ".") && source.adjoins(*first)));
        if (after_name || (source.is(*next, ".") && source.adjoins(*next)))
            && let Some(name) = text::string(&given)
        {
            return text::quoted(&name);
        }
        let minus = given.starts_with('-') && first.checked_sub(1).is_some_and(|before| source.is(before, "-"));
        let given = match source.is(*next, "::") {
            // as in SQLMesh, a cast is of all that the macro gives
            true => text::operand(&given),
            false if minus => format!("({given})"),
            false => given,
        };
        if context.top { text::one_line(&given) } else { given }
    }
}
