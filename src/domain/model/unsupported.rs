//! Models of SQLMesh that vmesh can't run: their names and why, so that the rest of a project need not wait for them.

use super::super::name::ModelName;
use super::super::sql::{self, Token, is_duckdb};
use super::header;

/// A model that vmesh can't run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name, if its file says it.
    pub name: Option<ModelName>,
    /// What it is.
    pub what: String,
}

/// What a model's file is that vmesh can't run: of a kind that is filled by programs, or in the words of another engine.
/// None for any other file, sound or not.
pub fn unsupported(text: &str) -> Option<Unsupported> {
    // another engine's words may be none of ours: the header is
    let end = text.find(';').map_or(text.len(), |end| end + 1);
    let lexemes = sql::lex(text).or_else(|_| sql::lex(&text[..end])).ok()?;
    let statements = sql::split(&lexemes);
    let head = &lexemes[statements.first()?.lexemes.clone()];
    if !head.first()?.is_keyword("model") {
        return None;
    }
    let properties = header::properties(head).ok()?;
    let get = |key: &str| properties.iter().find(|property| property.key == key).map(|property| &property.value);
    let kind = get("kind").and_then(header::Value::call).map(|(word, _)| word.to_ascii_uppercase());
    let dialect = get("dialect").and_then(header::Value::text);
    let what = match (kind.as_deref(), dialect) {
        (Some(kind @ ("MANAGED" | "CUSTOM")), _) => format!("a model of kind {kind}"),
        (_, Some(dialect)) if !is_duckdb(dialect) => format!("a model in the dialect {dialect}"),
        _ => return None,
    };
    let name = get("name").and_then(header::Value::name).and_then(|parts| ModelName::from_parts(&parts));
    Some(Unsupported { name, what })
}

/// The same of a file in Python that defines a model.
pub fn in_python(text: &str) -> Unsupported {
    let name = text.split_once("@model(").or_else(|| text.split_once("@sqlmesh.model(")).and_then(|(_, rest)| {
        let lexemes = sql::lex(rest.lines().take(2).collect::<Vec<_>>().join("\n").as_str()).ok()?;
        match lexemes.into_iter().next()?.token {
            // Python's double quotes are a name's in SQL
            Token::String(text) | Token::Word { text, quoted: true } => {
                ModelName::from_parts(&text.split('.').map(str::to_owned).collect::<Vec<_>>())
            }
            _ => None,
        }
    });
    Unsupported { name, what: "a model in Python".to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_be_run_is_told_from_what_is_wrong() {
        let told = |text: &str| unsupported(text).map(|it| format!("{}: {}", it.name.unwrap(), it.what));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told("MODEL (name a.b, kind MANAGED);\nSELECT 1"), some("a.b: a model of kind MANAGED"));
        assert_eq!(
            told("MODEL (name a.b, kind CUSTOM (materialization 'x'));\nSELECT 1"),
            some("a.b: a model of kind CUSTOM")
        );
        assert_eq!(
            told("MODEL (name x, dialect bigquery);\nSELECT `a` FROM `b`"),
            some("x: a model in the dialect bigquery")
        );
        for text in ["SELECT 1", "MODEL (name x, kind FUL);\nSELECT 1", "MODEL (name x);\nSELECT 'a", "MODEL (nam", ""]
        {
            assert_eq!(unsupported(text), None, "{text}");
        }
        for text in
            ["@model(\n    \"shop.x\",\n    kind='FULL')\ndef", "@model('shop.x')", "import a\n@model(\"shop.x\")"]
        {
            assert_eq!(in_python(text).name.unwrap().to_string(), "shop.x", "{text}");
        }
        assert_eq!(in_python("def model(dbt, session):").name, None);
    }
}
