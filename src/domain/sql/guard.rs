//! Where sqlparser accepts a text but reads it differently from DuckDB. Measured against DuckDB's own parser; when in
//! doubt, a guard costs a slower path, a missing guard a wrong fingerprint.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, TableFactor, Visit, Visitor};

use super::parse::Parsed;
use super::{Lexeme, Token, keywords, relation};

/// Words before a string that make it another kind of literal, or a cast.
const LITERAL_PREFIXES: &[&str] = &["b", "x", "e", "n", "u", "variant", "bit", "bignum"];

/// Words that are names in quotes alone; otherwise, they are a part of the grammar that looks like a name.
const GRAMMAR: [&str; 9] =
    ["all", "coalesce", "columns", "cube", "default", "grouping", "grouping_id", "rollup", "row"];

/// Why the tree, or the tables found in it, can't be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    /// In a few words.
    pub(super) why: &'static str,
    /// Whether the tables found in the tree are right all the same.
    pub(super) tables_hold: bool,
}

impl Doubt {
    const fn about_values(why: &'static str) -> Self {
        Self { why, tables_hold: true }
    }

    const fn about_tables(why: &'static str) -> Self {
        Self { why, tables_hold: false }
    }
}

/// What speaks against believing the tree of this text.
pub(super) fn doubt(lexemes: &[Lexeme], parsed: &Parsed) -> Option<Doubt> {
    shape(lexemes).or_else(|| implicit_alias(lexemes, parsed)).or_else(|| wording(lexemes))
}

/// Words that sqlparser may take for tables or aliases.
fn shape(lexemes: &[Lexeme]) -> Option<Doubt> {
    let mut before: Option<&Lexeme> = None;
    for lexeme in lexemes {
        // sqlparser swallows a token too many after `TABLE name`, and keeps no place of the name.
        if lexeme.is_keyword("table") {
            return Some(Doubt::about_tables("TABLE as a query"));
        }
        // DuckDB reads `$ from` as a parameter named `from`.
        if lexeme.is_symbol("$") {
            return Some(Doubt::about_tables("a parameter"));
        }
        let opens = before.is_none_or(|before| before.is_symbol("("));
        if opens && ["show", "describe", "desc", "summarize"].iter().any(|word| lexeme.is_keyword(word)) {
            return Some(Doubt::about_tables("SHOW, DESCRIBE or SUMMARIZE"));
        }
        before = Some(lexeme);
    }
    None
}

/// Literals and clauses whose meaning sqlparser loses.
fn wording(lexemes: &[Lexeme]) -> Option<Doubt> {
    for pair in lexemes.windows(2) {
        let [first, second] = pair else { continue };
        if first.is_symbol(",") && second.is_symbol(")") {
            return Some(Doubt::about_values("a comma before a closing parenthesis"));
        }
        if let Token::String(_) = second.token {
            match &first.token {
                // Joined across a line end, an error otherwise.
                Token::String(_) => return Some(Doubt::about_values("two strings in a row")),
                Token::Word { text, .. } if LITERAL_PREFIXES.iter().any(|prefix| text.eq_ignore_ascii_case(prefix)) => {
                    return Some(Doubt::about_values("a prefixed string"));
                }
                _ => {}
            }
        }
        // alias(x) gives the name of x: letter case of names turns into values.
        if second.is_symbol("(")
            && matches!(&first.token, Token::Word { text, .. } if text.eq_ignore_ascii_case("alias"))
        {
            return Some(Doubt::about_values("alias()"));
        }
    }
    let is_quoted = |lexeme: &Lexeme| match &lexeme.token {
        Token::Word { text, quoted: true } => GRAMMAR.iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    };
    if lexemes.iter().any(is_quoted) {
        return Some(Doubt::about_values("a word of the grammar in quotes"));
    }
    // sqlparser takes the inner ones for functions
    let has = |word: &str| lexemes.iter().any(|lexeme| lexeme.is_keyword(word));
    let is_nested = has("sets") && (has("rollup") || has("cube"));
    is_nested.then_some(Doubt::about_values("ROLLUP or CUBE in GROUPING SETS"))
}

/// FROM as a name; and an alias without AS that is a word of DuckDB's grammar: `a ASOF JOIN b` is no table `a` named `asof`.
fn implicit_alias(lexemes: &[Lexeme], parsed: &Parsed) -> Option<Doubt> {
    let mut search = AliasSearch { lexemes, parsed, found: None };
    let _ = Visit::visit(parsed.query.as_ref() as &Query, &mut search);
    search.found
}

struct AliasSearch<'a> {
    lexemes: &'a [Lexeme],
    parsed: &'a Parsed,
    found: Option<Doubt>,
}

impl AliasSearch<'_> {
    fn suspicious(&self, alias: &Ident) -> bool {
        if alias.quote_style.is_some() || !keywords::is_keyword(&alias.value) {
            return false;
        }
        let Some(span) = self.parsed.places.span(alias.span) else { return true };
        let at = self.lexemes.partition_point(|lexeme| lexeme.span.start < span.start);
        let before = at.checked_sub(1).and_then(|before| self.lexemes.get(before));
        !before.is_some_and(|before| before.is_keyword("as"))
    }
}

impl Visitor for AliasSearch<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item
                && self.suspicious(alias)
            {
                self.found.get_or_insert(Doubt::about_values("an implicit alias that is a keyword"));
            }
        }
        ControlFlow::Continue(())
    }

    /// `SELECT total * FROM orders` has a factor too few, and no column `from`.
    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("from"))
        {
            self.found = Some(Doubt::about_tables("FROM as a name"));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if relation::alias(factor).is_some_and(|alias| self.suspicious(&alias.name)) {
            self.found = Some(Doubt::about_tables("an implicit table alias that is a keyword"));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
