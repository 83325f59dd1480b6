//! The tables of a query as DuckDB's own parser sees them: what `json_serialize_sql` says, with places in the text.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::qualifiers::qualifying_parts;
use super::{FunctionKind, FunctionRead, Lexeme, Qualifier, Read, Span, SqlName, Token, lex, reads};

/// What DuckDB's parser says of a query; see [`super::Query::adopt`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DuckdbReads {
    /// Tables read that are no CTEs, in the order of the text.
    pub reads: Vec<Read>,
    /// Functions and files, in the order of the text.
    pub functions: Vec<FunctionRead>,
    /// Qualifiers of columns to rewrite when their table is replaced.
    pub qualifiers: Vec<Qualifier>,
}

/// The reads of a query as DuckDB's own parser sees it: `json` is the output of `json_serialize_sql(text)`.
///
/// Columns qualified with several parts are matched to tables of the whole query, not of their scope; where that would
/// be ambiguous it is an error that asks for an alias.
pub fn reads_from_duckdb_json(text: &str, json: &str) -> Result<DuckdbReads, String> {
    let json: Value = serde_json::from_str(json).map_err(|error| format!("DuckDB's answer can't be read: {error}"))?;
    if json.get("error") != Some(&Value::Bool(false)) {
        let message = json.get("error_message").and_then(Value::as_str).unwrap_or("DuckDB could not parse this query");
        return Err(message.to_owned());
    }
    let lexemes = lex(text).map_err(|error| error.message)?;
    let mut walk = Walk::new(text, &lexemes);
    match json.get("statements").and_then(Value::as_array).map(Vec::as_slice) {
        Some([statement]) => walk.value(statement)?,
        _ => return Err("expected one query".to_owned()),
    }
    walk.finish()
}

struct Walk<'a> {
    text: &'a str,
    lexemes: &'a [Lexeme],
    /// CTEs in scope, in lower case.
    ctes: Vec<String>,
    /// Aliases and other names of relations.
    names: Vec<String>,
    /// CTEs read by `TABLE name`.
    placeless_ctes: Vec<String>,
    /// Dotted column names with the place of their first part.
    columns: Vec<(Vec<String>, Option<usize>)>,
    seen: DuckdbReads,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, lexemes: &'a [Lexeme]) -> Self {
        Self {
            text,
            lexemes,
            ctes: Vec::new(),
            names: Vec::new(),
            placeless_ctes: Vec::new(),
            columns: Vec::new(),
            seen: DuckdbReads::default(),
        }
    }

    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Object(object) => self.object(object),
            Value::Array(values) => values.iter().try_for_each(|value| self.value(value)),
            _ => Ok(()),
        }
    }

    fn object(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let in_scope = self.ctes.len();
        self.with_clause(object)?;
        // What has no class is no expression: its alias is a relation's.
        if !object.contains_key("class") {
            self.names.extend(string(object, "alias").filter(|alias| !alias.is_empty()).map(str::to_owned));
        }
        if let Some(from) = object.get("from_table").and_then(Value::as_object) {
            tell_apart(from)?;
        }
        match string(object, "type") {
            Some("BASE_TABLE") => self.table(object)?,
            Some("TABLE_FUNCTION") => self.function(object)?,
            Some("COLUMN_REF") => self.column(strings(object.get("column_names")), object),
            Some("RECURSIVE_CTE_NODE") => {
                self.recursive(object)?;
                self.ctes.truncate(in_scope);
                return Ok(());
            }
            _ => {}
        }
        let rest = object.iter().filter(|(key, _)| *key != "cte_map");
        rest.map(|(_, value)| value).try_for_each(|value| self.value(value))?;
        self.ctes.truncate(in_scope);
        Ok(())
    }

    /// CTEs come into scope one after the other.
    fn with_clause(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let map = object.get("cte_map").and_then(|ctes| ctes.get("map")).and_then(Value::as_array);
        for cte in map.into_iter().flatten() {
            if let Some(value) = cte.get("value") {
                self.value(value)?;
            }
            if let Some(name) = cte.get("key").and_then(Value::as_str) {
                self.ctes.push(name.to_ascii_lowercase());
            }
        }
        Ok(())
    }

    /// The name of a recursive CTE is in scope in the right arm of its UNION only.
    fn recursive(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        for (key, value) in object.iter().filter(|(key, _)| !matches!(key.as_str(), "cte_map" | "right")) {
            if key != "cte_name" {
                self.value(value)?;
            }
        }
        self.ctes.extend(string(object, "cte_name").map(str::to_ascii_lowercase));
        object.get("right").map_or(Ok(()), |right| self.value(right))
    }

    fn table(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let parts = qualified_name(object).ok_or("DuckDB names a table without a name")?;
        let alias = string(object, "alias").filter(|alias| !alias.is_empty());
        let cte = match parts.as_slice() {
            [name] => Some(name),
            [schema, name] if schema.eq_ignore_ascii_case("recurring") => Some(name),
            _ => None,
        };
        if let Some(name) = cte.filter(|name| self.ctes.contains(&name.to_ascii_lowercase())) {
            self.names.push(name.clone());
            if location(object).is_none() {
                self.placeless_ctes.push(name.clone());
            }
            return Ok(());
        }
        let (span, keyword, file) = match location(object) {
            Some(start) => {
                let (span, file) = self.name_from(start, &parts)?;
                (span, None, file)
            }
            None => {
                let (keyword, span) = self.table_statement(&parts)?;
                (span, Some(keyword), false)
            }
        };
        if let (true, [path]) = (file, parts.as_slice()) {
            let kind = FunctionKind::File(path.clone());
            self.seen.functions.push(FunctionRead { name: path.clone(), span, kind });
            return Ok(());
        }
        let mut read = Read::new(parts, span, alias.is_some());
        read.table_keyword = keyword;
        self.seen.reads.push(read);
        Ok(())
    }

    /// A function in FROM.
    fn function(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let function = object.get("function").and_then(Value::as_object);
        let parts = function.and_then(qualified_name).ok_or("DuckDB names a function without a name")?;
        let name = parts.last().cloned().unwrap_or_default();
        self.names.push(name.clone());
        let start = location(object).ok_or_else(|| format!("DuckDB doesn't say where {name} is called"))?;
        let span = self.name_from(start, &parts)?.0;
        self.seen.functions.push(FunctionRead { name, span, kind: FunctionKind::Function });
        Ok(())
    }

    fn column(&mut self, parts: Vec<String>, object: &Map<String, Value>) {
        if parts.len() > 1 {
            self.columns.push((parts, location(object)));
        }
    }

    /// Puts everything in the order of the text and matches columns to tables.
    fn finish(self) -> Result<DuckdbReads, String> {
        let mut seen = self.seen.clone();
        let is_cte = |read: &&Read| self.placeless_ctes.iter().any(|cte| read.parts.last() == Some(cte));
        if let Some(read) = seen.reads.iter().filter(|read| read.table_keyword.is_some()).find(is_cte) {
            return Err(format!("TABLE {0} may be a CTE or a table: write FROM {0}", read.alias));
        }
        seen.reads.sort_by_key(|read| read.span.start);
        seen.functions.sort_by_key(|function| function.span.start);
        seen.functions.dedup();
        let rivals = reads::rivals(&seen.reads, &self.names);
        for (parts, start) in &self.columns {
            let found =
                seen.reads.iter().enumerate().find_map(|(index, read)| Some((index, qualifying_parts(read, parts)?)));
            let Some((index, count)) = found else { continue };
            if rivals.get(index) == Some(&true) {
                let name = parts.get(..count).unwrap_or(parts).join(".");
                return Err(format!("{name} shares its last part with another relation: give it an alias"));
            }
            let start = start.ok_or_else(|| format!("DuckDB doesn't say where {} stands", parts.join(".")))?;
            let span = self.name_from(start, parts.get(..count).unwrap_or(parts))?.0;
            seen.qualifiers.push(Qualifier { span, read: index });
        }
        seen.qualifiers.sort_by_key(|qualifier| qualifier.span.start);
        seen.qualifiers.dedup();
        Ok(seen)
    }

    /// The place of a dotted name at or behind a byte (behind `alias:` or `LATERAL`), and whether it is in single
    /// quotes.
    fn name_from(&self, start: usize, parts: &[String]) -> Result<(Span, bool), String> {
        let first = self.lexemes.partition_point(|lexeme| lexeme.span.start < start);
        let here = self.lexemes.get(first..).unwrap_or(&[]);
        let behind_alias = match here {
            [lateral, rest @ ..] if lateral.is_keyword("lateral") => rest,
            [_, colon, rest @ ..] if colon.is_symbol(":") => rest,
            all => all,
        };
        dotted(behind_alias, parts).or_else(|| dotted(here, parts)).ok_or_else(|| {
            let line = self.text.get(..start).map_or(0, |before| before.matches('\n').count()) + 1;
            format!("can't find {} on line {line}", parts.join("."))
        })
    }

    /// The place of `TABLE name`, which DuckDB doesn't tell: the only one that has not been found yet.
    fn table_statement(&self, parts: &[String]) -> Result<(Span, Span), String> {
        let known = |span: &Span| self.seen.reads.iter().any(|read| read.table_keyword.as_ref() == Some(span));
        let found = self.lexemes.iter().enumerate().find_map(|(index, lexeme)| {
            let name = dotted(self.lexemes.get(index + 1..)?, parts)?.0;
            (lexeme.is_keyword("table") && !known(&lexeme.span)).then(|| (lexeme.span.clone(), name))
        });
        found.ok_or_else(|| format!("can't find {}", parts.join(".")))
    }
}

/// Refuses a FROM in which a table without alias has another relation of its name beside it: once it is replaced,
/// nothing would tell them apart.
fn tell_apart(from: &Map<String, Value>) -> Result<(), String> {
    let mut relations = Vec::new();
    relations_of(from, &mut relations);
    let mut seen: HashMap<SqlName, bool> = HashMap::new();
    for (name, is_table) in relations {
        let before = seen.insert(SqlName::new(&name), is_table);
        if before.is_some_and(|before| before || is_table) {
            return Err(format!("{name} names two relations of one FROM: give them aliases"));
        }
    }
    Ok(())
}

/// The names of the relations of a FROM, and whether each is a table's own.
fn relations_of(node: &Map<String, Value>, out: &mut Vec<(String, bool)>) {
    let alias = string(node, "alias").filter(|alias| !alias.is_empty());
    match (string(node, "type"), alias) {
        (_, Some(alias)) => out.push((alias.to_owned(), false)),
        (Some("BASE_TABLE"), None) => {
            out.extend(qualified_name(node).and_then(|mut parts| parts.pop()).map(|name| (name, true)))
        }
        (Some("SUBQUERY"), None) => {}
        _ => {
            for side in ["left", "right", "source"].iter().filter_map(|side| node.get(*side)?.as_object()) {
                relations_of(side, out);
            }
        }
    }
}

/// The place of a dotted name at the start of some lexemes, and whether it is in single quotes.
fn dotted(lexemes: &[Lexeme], parts: &[String]) -> Option<(Span, bool)> {
    let mut place: Option<Span> = None;
    let mut lexemes = lexemes.iter();
    let mut file = false;
    for part in parts {
        if place.is_some() {
            lexemes.next().filter(|dot| dot.is_symbol("."))?;
        }
        let lexeme = lexemes.next()?;
        match &lexeme.token {
            Token::Word { text, .. } if text.eq_ignore_ascii_case(part) => {}
            Token::String(text) if text == part => file = true,
            _ => return None,
        }
        place = Some(place.map_or(lexeme.span.start, |place| place.start)..lexeme.span.end);
    }
    Some((place?, file))
}

pub(super) fn string<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The byte where a node starts; DuckDB writes the largest number where it doesn't know.
pub(super) fn location(object: &Map<String, Value>) -> Option<usize> {
    let at = object.get("query_location")?.as_u64().filter(|at| *at != u64::MAX)?;
    usize::try_from(at).ok()
}

/// The dotted name of a table or a function.
pub(super) fn qualified_name(object: &Map<String, Value>) -> Option<Vec<String>> {
    let path = strings(object.get("qualified_name").and_then(|name| name.get("path")));
    if !path.is_empty() {
        return Some(path);
    }
    // Older versions of DuckDB name the parts.
    let parts = ["catalog_name", "catalog", "schema_name", "schema", "table_name", "function_name"];
    let parts: Vec<String> =
        parts.iter().filter_map(|key| string(object, key)).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// `json_serialize_sql` of DuckDB 2.0.0, without what is not looked at.
    fn select(from: &str, ctes: &str, list: &str) -> String {
        let node =
            format!(r#"{{"type":"SELECT_NODE","cte_map":{{{ctes}}},"select_list":[{list}],"from_table":{from}}}"#);
        format!(r#"{{"error":false,"statements":[{{"node":{node}}}]}}"#)
    }

    fn table(location: &str, alias: &str, path: &str) -> String {
        format!(
            r#"{{"type":"BASE_TABLE","alias":"{alias}","query_location":{location},"qualified_name":{{"path":{path}}}}}"#
        )
    }

    fn join(left: &str, right: &str) -> String {
        format!(r#"{{"type":"JOIN","left":{left},"right":{right}}}"#)
    }

    fn spans<'t>(text: &'t str, seen: &DuckdbReads) -> Vec<&'t str> {
        seen.reads.iter().map(|read| &text[read.span.clone()]).collect()
    }

    #[test]
    fn places_are_bytes_of_the_text() {
        let text = "select raw.\"T\".é from raw.\"T\" asof join x: b on 1";
        let from = join(&table("23", "", r#"["raw","T"]"#), &table("41", "x", r#"["b"]"#));
        let column = r#"{"class":"COLUMN_REF","type":"COLUMN_REF","query_location":7,"column_names":["raw","T","é"]}"#;
        let seen = reads_from_duckdb_json(text, &select(&from, "", column)).unwrap();
        assert_eq!(spans(text, &seen), ["raw.\"T\"", "b"]);
        assert_eq!((seen.reads[0].aliased, seen.reads[1].aliased), (false, true));
        assert_eq!(seen.qualifiers, [Qualifier { span: 7..14, read: 0 }]);
        let mut query = super::super::analyse(text);
        query.adopt(seen);
        let spliced = super::super::splice(text, &query, &|_| Some("p".into()));
        assert_eq!(spliced, "select \"T\".é from p AS \"T\" asof join x: p on 1");
    }

    #[test]
    fn ctes_are_no_tables() {
        let text = "with a as (from b) from a";
        let inner = format!(r#"{{"type":"SELECT_NODE","cte_map":{{}},"from_table":{}}}"#, table("16", "", r#"["b"]"#));
        let ctes = format!(r#""map":[{{"key":"a","value":{{"query_node":{inner}}}}}]"#);
        let seen = reads_from_duckdb_json(text, &select(&table("24", "", r#"["A"]"#), &ctes, "")).unwrap();
        assert_eq!(spans(text, &seen), ["b"]);
    }

    #[test]
    fn a_recursive_cte_names_itself_on_the_right_only() {
        let text = "with recursive r as (from r union from r) from r";
        let left = format!(r#"{{"type":"SELECT_NODE","cte_map":{{}},"from_table":{}}}"#, table("26", "", r#"["r"]"#));
        let right = format!(r#"{{"type":"SELECT_NODE","cte_map":{{}},"from_table":{}}}"#, table("39", "", r#"["r"]"#));
        let node =
            format!(r#"{{"type":"RECURSIVE_CTE_NODE","cte_map":{{}},"cte_name":"r","left":{left},"right":{right}}}"#);
        let ctes = format!(r#""map":[{{"key":"r","value":{{"query_node":{node}}}}}]"#);
        let seen = reads_from_duckdb_json(text, &select(&table("47", "", r#"["r"]"#), &ctes, "")).unwrap();
        assert_eq!((seen.reads.len(), seen.reads[0].span.start), (1, 26));
    }

    #[test]
    fn table_statements_are_found_by_their_words() {
        let text = "table raw.t";
        let seen = reads_from_duckdb_json(text, &select(&table("18446744073709551615", "", r#"["raw","t"]"#), "", ""))
            .unwrap();
        assert_eq!(seen.reads[0].table_keyword, Some(0..5));
        let mut query = super::super::analyse(text);
        query.adopt(seen);
        assert_eq!(super::super::splice(text, &query, &|_| Some("p".into())), "FROM p AS \"t\"");
    }

    #[test]
    fn functions_and_files_are_told_apart() {
        let text = "from 'x.csv', query('select 1')";
        let call = r#"{"type":"TABLE_FUNCTION","query_location":14,"function":{"qualified_name":{"path":["query"]}}}"#;
        let seen = reads_from_duckdb_json(text, &select(&join(&table("5", "", r#"["x.csv"]"#), call), "", "")).unwrap();
        let kinds: Vec<FunctionKind> = seen.functions.into_iter().map(|function| function.kind).collect();
        assert_eq!(kinds, [FunctionKind::File("x.csv".into()), FunctionKind::Function]);
        assert_eq!(seen.reads, []);
    }

    #[test]
    fn what_can_not_be_told_is_an_error() {
        let error = |text: &str, json: &str| reads_from_duckdb_json(text, json).unwrap_err();
        let syntax = r#"{"error":true,"error_type":"parser","error_message":"syntax error at end"}"#;
        assert_eq!(error("select", syntax), "syntax error at end");
        assert_eq!(error("from a", &select(&table("0", "", r#"["b"]"#), "", "")), "can't find b on line 1");
        let twins = join(&table("5", "", r#"["a","t"]"#), &table("10", "", r#"["b","t"]"#));
        assert!(error("from a.t, b.t", &select(&twins, "", "")).contains("give them aliases"));
        assert!(error("x", "[").contains("can't be read"));
        assert_eq!(error("x", r#"{"error":false,"statements":[]}"#), "expected one query");
    }
}
