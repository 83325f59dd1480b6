//! Rows as CSV: the settings of pandas that matter for a test, and types guessed by column.

use super::super::model::Problem;
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
/// What pandas takes for missing.
const MISSING: [&str; 18] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "null",
];

/// How CSV is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvSettings {
    /// Between two cells.
    pub separator: char,
    /// Around cells with separators or line ends in them; doubled, itself.
    pub quote: char,
    /// Whether a doubled quote is one quote.
    pub doubled: bool,
    /// Whether empty lines are no rows.
    pub skip_blank_lines: bool,
    /// Whether spaces behind a separator are left out.
    pub skip_initial_space: bool,
    /// Texts that mean NULL.
    pub missing: Vec<String>,
}

impl Default for CsvSettings {
    fn default() -> Self {
        Self {
            separator: ',',
            quote: '"',
            doubled: true,
            skip_blank_lines: true,
            skip_initial_space: false,
            missing: MISSING.map(str::to_owned).to_vec(),
        }
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
    settings.separator = character("sep")?.or(character("delimiter")?).unwrap_or(settings.separator);
    settings.quote = character("quotechar")?.unwrap_or(settings.quote);
    settings.doubled = switch("doublequote")?.unwrap_or(settings.doubled);
    settings.skip_blank_lines = switch("skip_blank_lines")?.unwrap_or(settings.skip_blank_lines);
    settings.skip_initial_space = switch("skipinitialspace")?.unwrap_or(settings.skip_initial_space);
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
    let mut lines = records(text, settings)?.into_iter();
    let header = lines.next().ok_or("the CSV has no header line")?;
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); header.len()];
    let mut count = 0;
    for line in lines {
        count += 1;
        if line.len() > header.len() {
            return Err(format!("row {count} of the CSV has {} cells; the header has {}", line.len(), header.len()));
        }
        let mut cells = line.into_iter();
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

fn records(text: &str, settings: &CsvSettings) -> Result<Vec<Vec<String>>, String> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut was_quoted) = (false, false);
    let mut chars = text.chars().peekable();
    let mut end_line = |record: &mut Vec<String>, cell: &mut String, was_quoted: &mut bool| {
        let blank = record.is_empty() && cell.trim().is_empty() && !*was_quoted;
        record.push(std::mem::take(cell));
        *was_quoted = false;
        let record = std::mem::take(record);
        if !(blank && settings.skip_blank_lines) {
            records.push(record);
        }
    };
    while let Some(c) = chars.next() {
        if quoted {
            if c != settings.quote || (settings.doubled && chars.next_if_eq(&settings.quote).is_some()) {
                cell.push(c);
            } else {
                quoted = false;
            }
        } else if c == settings.quote && cell.is_empty() && !was_quoted {
            (quoted, was_quoted) = (true, true);
        } else if c == settings.separator {
            record.push(std::mem::take(&mut cell));
            was_quoted = false;
        } else if c == '\n' {
            end_line(&mut record, &mut cell, &mut was_quoted);
        } else if c == '\r' && chars.peek() == Some(&'\n') {
        } else if !(c == ' ' && cell.is_empty() && !was_quoted && settings.skip_initial_space) {
            cell.push(c);
        }
    }
    if quoted {
        return Err("a quote in the CSV is never closed".to_owned());
    }
    if !record.is_empty() || !cell.is_empty() || was_quoted {
        end_line(&mut record, &mut cell, &mut was_quoted);
    }
    Ok(records)
}
