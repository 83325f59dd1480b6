//! The files that a query names: what it reads besides tables.

use serde::{Deserialize, Serialize};

use super::super::sql::{self, FunctionKind, Query, Span, Token};

/// A file that a query names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    /// Its path, or a pattern.
    pub path: String,
    /// Where in the query, from its start.
    pub span: Span,
}

/// The paths and patterns that a query names in FROM or as the first argument of a function that reads files, in the
/// order of the text. A path that is computed can't be seen; the engine won't find such a file.
pub fn files_read(query: &Query, text: &str) -> Vec<FileRead> {
    let mut files = Vec::new();
    for function in &query.functions {
        let paths = match &function.kind {
            FunctionKind::File(path) => vec![path.clone()],
            FunctionKind::Function if sql::policy::reads_files(&function.name) => {
                first_argument(text.get(function.span.start..).unwrap_or_default())
            }
            FunctionKind::Function => continue,
        };
        let plain = |path: String| path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
        let file = |path| FileRead { path: plain(path), span: function.span.clone() };
        files.extend(paths.into_iter().map(file));
    }
    files
}

/// The strings in `name('a', …)` or `name(['a', 'b'], …)`.
fn first_argument(call: &str) -> Vec<String> {
    let Ok(lexemes) = sql::lex(call) else { return Vec::new() };
    let mut inside = lexemes.iter().skip_while(|lexeme| !lexeme.is_symbol("(")).skip(1).peekable();
    let is_list = inside.next_if(|lexeme| lexeme.is_symbol("[")).is_some();
    let mut strings = Vec::new();
    while let Some(Token::String(text)) = inside.next().map(|lexeme| &lexeme.token) {
        strings.push(text.clone());
        if !is_list || inside.next_if(|lexeme| lexeme.is_symbol(",")).is_none() {
            break;
        }
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_where_a_query_names_them() {
        let of = |text: &str| -> Vec<String> {
            files_read(&sql::analyse(text), text).into_iter().map(|file| file.path).collect()
        };
        assert_eq!(of("SELECT * FROM './data/a.csv'"), ["data/a.csv"]);
        assert_eq!(of("SELECT * FROM read_csv('a.csv', header = true) AS t"), ["a.csv"]);
        assert_eq!(
            of("SELECT * FROM t JOIN read_parquet(['a.parquet', 'b/*.parquet']) USING (id)"),
            ["a.parquet", "b/*.parquet"]
        );
        assert_eq!(of("SELECT 'a.csv' AS name FROM range(3)"), Vec::<String>::new());
    }
}
