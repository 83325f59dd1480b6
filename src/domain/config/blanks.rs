//! `{{ env_var('NAME') }}` in a `config.yaml`: the only Jinja there. Each is first replaced by a word of its length, so that
//! everything keeps its place and no value shows up in a message; it is looked up where its setting is read.

use super::super::diagnostic::Problem;
use super::super::macros::BLANK;
use super::super::sql::{Span, Token, lex};
use super::env_text::Part;

/// What the words stand for.
#[derive(Debug, Default)]
pub(super) struct Blanks(Vec<Blank>);

#[derive(Debug)]
struct Blank {
    word: String,
    /// The variable, and what it is worth where it is not set; nothing for other Jinja.
    asks: Option<(String, Option<String>)>,
}

impl Blanks {
    /// The text with its blanks.
    pub(super) fn of(text: &str) -> Result<(String, Self), Problem> {
        let (mut out, mut blanks, mut rest) = (String::with_capacity(text.len()), Self::default(), 0);
        while let Some(start) = text[rest..].find("{{").map(|at| rest + at) {
            let Some(end) = text[start..].find("}}").map(|at| start + at + 2) else { break };
            let word = format!("{BLANK}{}_", blanks.0.len());
            if word.len() > end - start {
                return Err(not_understood(start..end));
            }
            // not by `format!`, which panics at widths of 65536
            let word = format!("{word}{}", "_".repeat(end - start - word.len()));
            out.push_str(&text[rest..start]);
            out.push_str(&word);
            blanks.0.push(Blank { word, asks: asks(&text[start + 2..end - 2]) });
            rest = end;
        }
        out.push_str(&text[rest..]);
        let is_statement = |line: &&str| line.contains("{%") && !line.trim_start().starts_with('#');
        match out.lines().find(is_statement).and_then(|line| out.find(line).map(|at| at + line.find("{%").unwrap_or(0)))
        {
            Some(at) => Err(not_understood(at..at + 2)),
            None => Ok((out, blanks)),
        }
    }

    /// One more: the word that stands for it.
    pub(super) fn add(&mut self, name: String, or_else: Option<String>) -> String {
        let word = format!("{BLANK}{}__", self.0.len());
        self.0.push(Blank { word: word.clone(), asks: Some((name, or_else)) });
        word
    }

    /// Whether a text has none.
    pub(super) fn is_plain(&self, text: &str) -> bool {
        !self.0.iter().any(|blank| text.contains(&blank.word))
    }

    /// The parts of a text, without asking the environment.
    pub(super) fn parts(&self, text: &str, place: &Span) -> Result<Vec<Part>, Problem> {
        let (mut parts, mut rest) = (Vec::new(), text);
        // they stand in the text in the order of their numbers
        for blank in &self.0 {
            let Some((before, after)) = rest.split_once(&blank.word) else { continue };
            let (name, or_else) = blank.asks.clone().ok_or_else(|| not_understood(place.clone()))?;
            parts.extend((!before.is_empty()).then(|| Part::Said(before.to_owned())));
            parts.push(Part::Variable { name, or_else });
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Said(rest.to_owned())));
        Ok(parts)
    }

    /// A text with its blanks filled in from the environment.
    pub(super) fn fill(
        &self,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
        place: &Span,
    ) -> Result<String, Problem> {
        let mut filled = text.to_owned();
        for blank in self.0.iter().filter(|blank| text.contains(&blank.word)) {
            let (name, or_else) = blank.asks.as_ref().ok_or_else(|| not_understood(place.clone()))?;
            let value = environment(name).or_else(|| or_else.clone()).ok_or_else(|| Problem {
                what: format!("the environment variable `{name}` is not set"),
                span: place.clone(),
                help: Some(format!("set it, or give a default: {{{{ env_var('{name}', '…') }}}}")),
            })?;
            filled = filled.replace(&blank.word, &value);
        }
        Ok(filled)
    }
}

/// Reads `env_var('NAME')` and `env_var('NAME', 'default')`.
fn asks(inner: &str) -> Option<(String, Option<String>)> {
    let lexemes = lex(inner).ok()?;
    let tokens: Vec<&Token> = lexemes.iter().map(|lexeme| &lexeme.token).collect();
    let text = |token: &Token| match token {
        Token::String(text) | Token::Word { text, quoted: true } => Some(text.clone()),
        _ => None,
    };
    let is = |token: &Token, sign: &str| matches!(token, Token::Symbol(symbol) if symbol == sign);
    let is_call = |token: &Token| matches!(token, Token::Word { text, quoted: false } if text == "env_var");
    match tokens.as_slice() {
        [call, open, name, close] if is_call(call) && is(open, "(") && is(close, ")") => Some((text(name)?, None)),
        [call, open, name, comma, or_else, close]
            if is_call(call) && is(open, "(") && is(comma, ",") && is(close, ")") =>
        {
            Some((text(name)?, Some(text(or_else)?)))
        }
        _ => None,
    }
}

fn not_understood(span: Span) -> Problem {
    Problem {
        what: "of Jinja, settings have only `{{ env_var('NAME') }}`".to_owned(),
        span,
        help: Some("write the value itself".to_owned()),
    }
}
