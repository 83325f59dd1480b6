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
    /// Where its path stands, quotes and all; none where a value is written just like it.
    pub literal: Option<Span>,
    /// Whether the query may see its name: by a column, or by what the function gives.
    pub is_seen: bool,
}

/// Functions that give the names of files.
const NAMING: [&str; 9] = [
    "glob",
    "sniff_csv",
    "read_text",
    "read_blob",
    "parquet_metadata",
    "parquet_schema",
    "parquet_file_metadata",
    "parquet_kv_metadata",
    "parquet_full_metadata",
];

/// The paths and patterns that a query names in FROM or as the first argument of a function that reads files, in the
/// order of the text. A path that is computed can't be seen; the engine won't find such a file.
pub fn files_read(query: &Query, text: &str) -> Vec<FileRead> {
    let mut files = Vec::new();
    let lexemes = sql::lex(text).unwrap_or_default();
    let names_column = lexemes
        .iter()
        .any(|lexeme| matches!(&lexeme.token, Token::Word { text, .. } if text.eq_ignore_ascii_case("filename")));
    for function in &query.functions {
        let start = function.span.start;
        let paths = match &function.kind {
            FunctionKind::File(path) => {
                let is_alone = is_alone(path, query, &lexemes);
                vec![(path.clone(), is_alone.then(|| function.span.clone()))]
            }
            FunctionKind::Function if sql::policy::reads_files(&function.name) => {
                let found = first_argument(text.get(start..).unwrap_or_default()).into_iter();
                found.map(|(path, span)| (path, Some(start + span.start..start + span.end))).collect()
            }
            FunctionKind::Function => continue,
        };
        let plain = |path: String| path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
        let is_seen = names_column || NAMING.iter().any(|name| function.name.eq_ignore_ascii_case(name));
        let file = |(path, literal)| FileRead { path: plain(path), span: function.span.clone(), literal, is_seen };
        files.extend(paths.into_iter().map(file));
    }
    files
}

/// Whether a path stands in a query only where it is read as a table: sqlparser doesn't tell where that is.
fn is_alone(path: &str, query: &Query, lexemes: &[sql::Lexeme]) -> bool {
    let is_it = |lexeme: &&sql::Lexeme| match &lexeme.token {
        Token::String(value) | Token::Word { text: value, .. } => value == path,
        _ => false,
    };
    let is_read = |function: &&sql::FunctionRead| matches!(&function.kind, FunctionKind::File(read) if read == path);
    lexemes.iter().filter(is_it).count() == query.functions.iter().filter(is_read).count()
}

/// The strings in `name('a', …)`, `name('a' || 'b', …)` or `name(['a', 'b'], …)`, and where they stand.
fn first_argument(call: &str) -> Vec<(String, Span)> {
    let Ok(lexemes) = sql::lex(call) else { return Vec::new() };
    let Some(open) = lexemes.iter().position(|lexeme| lexeme.is_symbol("(")) else { return Vec::new() };
    let is = |at: usize, sign: &str| lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol(sign));
    let is_list = is(open + 1, "[");
    let mut at = open + 1 + usize::from(is_list);
    let mut strings = Vec::new();
    while let Some((text, span, taken)) = sql::policy::written_out(lexemes.get(at..).unwrap_or(&[])) {
        strings.push((text, span));
        at += taken;
        if !is_list || !is(at, ",") {
            break;
        }
        at += 1;
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
        assert_eq!(of("SELECT * FROM read_csv('/data' || '/x' || '/a.csv', header = true)"), ["/data/x/a.csv"]);
        assert_eq!(of("SELECT * FROM read_csv(['x/' || 'a.csv', 'b.csv'])"), ["x/a.csv", "b.csv"]);
    }

    #[test]
    fn a_path_stands_where_it_is_read() {
        let of = |text: &str| -> Vec<Option<String>> {
            let literal = |file: FileRead| file.literal.map(|span| text[span].to_owned());
            files_read(&sql::analyse(text), text).into_iter().map(literal).collect()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("SELECT * FROM './data/a.csv' JOIN 'b.csv' ON true"), [some("'./data/a.csv'"), some("'b.csv'")]);
        assert_eq!(of("SELECT 'a.csv' FROM read_csv(['a.csv', 'b.csv'])"), [some("'a.csv'"), some("'b.csv'")]);
        assert_eq!(of("SELECT * FROM read_csv('a' || '.csv')"), [some("'a' || '.csv'")]);
        let text = "SELECT 'a.csv' AS name FROM read_csv('a.csv')";
        assert_eq!(files_read(&sql::analyse(text), text)[0].literal, text.rfind("'a.csv'").map(|at| at..at + 7));
        assert_eq!(of("SELECT 'a.csv' AS name FROM 'a.csv'"), [None]);
    }
}
