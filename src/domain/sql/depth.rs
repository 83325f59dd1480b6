//! How deep a query's tree gets, and a stack that it fits on.
//!
//! Visiting, encoding and dropping a tree are recursive. `1 + 1 + …` is one level a term, and a stack that overflows ends
//! the process, so that a stranger's branch must not get there.

use std::thread;

use super::{Lexeme, Token, keywords};

/// Deeper than this, a tree gets a stack of its own. It takes up to 4 kB a level, 32 kB without optimization.
const SHALLOW: usize = 30;

/// Deeper than this, no tree is built.
const DEEPEST: usize = 1_000;

/// The size of the stack for deep trees.
const STACK_BYTES: usize = 64 << 20;

/// Runs `work`, which builds and takes apart the tree of these lexemes, where the stack is deep enough; `None` if none is.
pub(super) fn with_stack<T: Send>(lexemes: &[Lexeme], work: impl FnOnce() -> T + Send) -> Option<T> {
    with_any_stack(lexemes, |_| work())
}

/// The same for work that may leave a tree behind where any stack is deep enough for it, which it is told.
pub(super) fn with_any_stack<T: Send>(lexemes: &[Lexeme], work: impl FnOnce(bool) -> T + Send) -> Option<T> {
    match depth(lexemes) {
        depth if depth <= SHALLOW => Some(work(true)),
        depth if depth <= DEEPEST => thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || work(false));
            thread.ok()?.join().ok()
        }),
        _ => None,
    }
}

/// A bound on the depth: what may be an operator, since the last comma or set operation, on each level of brackets, added
/// up; and all set operations, which chain.
fn depth(lexemes: &[Lexeme]) -> usize {
    let mut levels = vec![0usize];
    let (mut total, mut deepest, mut set_operations) = (0usize, 0usize, 0usize);
    for lexeme in lexemes {
        let is_set_operation = ["union", "except", "intersect"].iter().any(|word| lexeme.is_keyword(word));
        set_operations += usize::from(is_set_operation);
        if is_set_operation || lexeme.is_symbol(",") {
            total -= levels.last_mut().map(std::mem::take).unwrap_or(0);
            continue;
        }
        let operators = match &lexeme.token {
            Token::Symbol(symbol) if matches!(symbol.as_str(), "(" | "[" | "{") => {
                levels.push(0);
                0
            }
            Token::Symbol(symbol) => {
                if matches!(symbol.as_str(), ")" | "]" | "}") && levels.len() > 1 {
                    total -= levels.pop().unwrap_or(0);
                }
                // A closing bracket too: a call or a subscript is an operator on what stands before it.
                1
            }
            Token::Word { text, quoted: false } => usize::from(keywords::is_keyword(text)),
            _ => 0,
        };
        total += operators;
        levels.last_mut().into_iter().for_each(|level| *level += operators);
        deepest = deepest.max(total);
    }
    deepest + set_operations
}
