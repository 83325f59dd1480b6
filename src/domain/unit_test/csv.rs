//! Rows as CSV: the settings of pandas that matter for a test, and types guessed by column.

use super::super::csv::{Dialect, NULLS, Records};
use super::super::diagnostic::Problem;
use super::super::limits::{CELLS, COLUMNS};
use super::super::yaml::scalar;
use super::super::yaml::{Kind, Node};
use super::outline::{fields, text};
use super::{Row, Value, data, problem};

const KNOWN: [&str; 8] = [
    "sep",
    "delimiter",
    "quotechar",
    "doublequote",
    "skip_blank_lines",
    "skipinitialspace",
    "na_values",
    "keep_default_na",
];

/// How CSV is written, and what in it means NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvSettings {
    /// How it is written.
    pub dialect: Dialect,
    /// Texts that mean NULL.
    pub missing: Vec<String>,
}

impl Default for CsvSettings {
    fn default() -> Self {
        Self { dialect: Dialect::default(), missing: NULLS.map(str::to_owned).to_vec() }
    }
}

/// Reads `csv_settings`.
pub(super) fn settings(node: &Node) -> Result<CsvSettings, Vec<Problem>> {
    let fields = fields(node, "`csv_settings`", &KNOWN)?;
    let mut settings = CsvSettings::default();
    let one = |problem: Problem| vec![problem];
    let character = |key: &str| -> Result<Option<char>, Vec<Problem>> {
        let Some(node) = fields.get(key) else { return Ok(None) };
        let text = text(node, &format!("`{key}`")).map_err(one)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next(), text.as_str()) {
            (Some(c), None, _) => Ok(Some(c)),
            (_, _, "\\t") => Ok(Some('\t')),
            _ => Err(one(problem(format!("`{key}` is one character"), node.span.clone()))),
        }
    };
    let switch = |key: &str| fields.get(key).map(data::boolean).transpose().map_err(one);
    let dialect = &mut settings.dialect;
    dialect.separator = character("sep")?.or(character("delimiter")?).unwrap_or(dialect.separator);
    dialect.quote = character("quotechar")?.unwrap_or(dialect.quote);
    dialect.doubled = switch("doublequote")?.unwrap_or(dialect.doubled);
    dialect.skip_blank_lines = switch("skip_blank_lines")?.unwrap_or(dialect.skip_blank_lines);
    dialect.skip_initial_space = switch("skipinitialspace")?.unwrap_or(dialect.skip_initial_space);
    if switch("keep_default_na")? == Some(false) {
        settings.missing.clear();
    }
    match fields.get("na_values").map(|node| (&node.kind, node)) {
        Some((Kind::List(items), _)) => settings.missing.extend(items.iter().filter_map(Node::text).map(str::to_owned)),
        Some((_, node)) => settings.missing.push(text(node, "`na_values`").map_err(one)?),
        None => {}
    }
    Ok(settings)
}

/// Reads CSV with a header line. A column is of whole numbers, numbers or booleans if all its cells are; numbers with
/// zeros in front stay strings, since they are mostly codes.
pub fn csv_rows(text: &str, settings: &CsvSettings) -> Result<Vec<Row>, String> {
    let mut records = Records::new(text, settings.dialect.clone());
    let header = records.next_record()?.ok_or("the CSV has no header line")?;
    if header.len() > COLUMNS {
        return Err(format!("the CSV has {} columns: {COLUMNS} are the most", header.len()));
    }
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); header.len()];
    let mut count = 0;
    while let Some(record) = records.next_record()? {
        count += 1;
        if count * header.len() > CELLS {
            return Err(format!("the CSV has more than {CELLS} cells"));
        }
        if record.len() > header.len() {
            return Err(format!("row {count} of the CSV has {} cells; the header has {}", record.len(), header.len()));
        }
        let mut cells = record.into_iter();
        for column in &mut columns {
            column.push(cells.next().filter(|cell| !settings.missing.contains(cell)));
        }
    }
    let typed: Vec<Vec<Value>> = columns.into_iter().map(typed).collect();
    let row = |index: usize| {
        let cell =
            |(name, values): (&String, &Vec<Value>)| (name.clone(), values.get(index).cloned().unwrap_or(Value::Null));
        header.iter().zip(&typed).map(cell).collect()
    };
    Ok((0..count).map(row).collect())
}

/// What a cell means, if it can be read so.
type Reading<'a> = &'a dyn Fn(&str) -> Option<Value>;

fn typed(cells: Vec<Option<String>>) -> Vec<Value> {
    let integer = |cell: &str| scalar::integer(cell).filter(|number| number.to_string() == cell).map(Value::Int);
    let float = |cell: &str| {
        let padded = cell.trim_start_matches('-').starts_with('0') && !cell.trim_start_matches('-').starts_with("0.");
        let zero = integer(cell).is_some();
        scalar::float(cell).filter(|_| zero || !padded).map(Value::Float)
    };
    let boolean = |cell: &str| match cell {
        "True" | "TRUE" | "true" => Some(Value::Bool(true)),
        "False" | "FALSE" | "false" => Some(Value::Bool(false)),
        _ => None,
    };
    let readings: [Reading<'_>; 3] = [&integer, &float, &boolean];
    for reading in readings {
        let read = |cell: &Option<String>| cell.as_deref().map_or(Some(Value::Null), reading);
        if let Some(values) = cells.iter().map(read).collect() {
            return values;
        }
    }
    cells.into_iter().map(|cell| cell.map_or(Value::Null, Value::Text)).collect()
}
