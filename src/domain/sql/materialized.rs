//! `AS [NOT] MATERIALIZED`, which sqlparser knows in Postgres's dialect only: taken out of the tokens, put into the tree.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{CteAsMaterialized, Query, VisitMut, VisitorMut};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

/// What each CTE says, by the place of its closing parenthesis.
pub(super) type Hints = HashMap<Location, CteAsMaterialized>;

/// Takes the words out.
pub(super) fn take(tokens: Vec<TokenWithSpan>) -> (Vec<TokenWithSpan>, Hints) {
    let mut hints = Hints::new();
    let is_hint =
        |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::MATERIALIZED);
    if !tokens.iter().any(is_hint) {
        return (tokens, hints);
    }
    // Of each parenthesis that is open, what was said before it.
    let mut open: Vec<Option<CteAsMaterialized>> = Vec::new();
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match &token.token {
            Token::LParen => open.push(take_words(&mut kept)),
            Token::RParen => {
                if let Some(said) = open.pop().flatten() {
                    hints.insert(token.span.start, said);
                }
            }
            _ => {}
        }
        kept.push(token);
    }
    (kept, hints)
}

/// Puts the words into the tree; says whether each found its CTE.
pub(super) fn put(query: &mut Query, mut hints: Hints) -> bool {
    if hints.is_empty() {
        return true;
    }
    struct Put<'a>(&'a mut Hints);
    impl VisitorMut for Put<'_> {
        type Break = ();

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
            for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
                cte.materialized = self.0.remove(&cte.closing_paren_token.0.span.start);
            }
            ControlFlow::Continue(())
        }
    }
    let _ = VisitMut::visit(query, &mut Put(&mut hints));
    hints.is_empty()
}

/// Takes `[NOT] MATERIALIZED` off the end, where AS stands before it.
fn take_words(kept: &mut Vec<TokenWithSpan>) -> Option<CteAsMaterialized> {
    // Before the parenthesis, the last first.
    let words: Vec<usize> = kept
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)))
        .map(|(index, _)| index)
        .take(3)
        .collect();
    let keyword = |at: usize| match words.get(at).and_then(|index| kept.get(*index)).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    };
    let (said, count) = match (keyword(2), keyword(1), keyword(0)) {
        (_, Some(Keyword::AS), Some(Keyword::MATERIALIZED)) => (CteAsMaterialized::Materialized, 1),
        (Some(Keyword::AS), Some(Keyword::NOT), Some(Keyword::MATERIALIZED)) => (CteAsMaterialized::NotMaterialized, 2),
        _ => return None,
    };
    for index in words.into_iter().take(count) {
        kept.remove(index);
    }
    Some(said)
}
