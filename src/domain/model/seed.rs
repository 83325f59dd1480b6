//! Kind SEED: where the rows come from, and how they are written.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::super::csv::{self, Settings};
use super::super::diagnostic::Problem;
use super::super::sql::{Lexeme, Token};
use super::header::{self, Property, Value};

/// Where a seed's rows come from and how they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// As written: relative to the model's file, or to the project with `$root/` in front.
    pub path: String,
    /// How it is written.
    pub csv: Settings,
}

const SETTINGS: [&str; 9] = [
    "delimiter",
    "quotechar",
    "doublequote",
    "escapechar",
    "skipinitialspace",
    "lineterminator",
    "encoding",
    "na_values",
    "keep_default_na",
];

impl Deref for Seed {
    type Target = Settings;

    /// All that whoever reads the file needs of it.
    fn deref(&self) -> &Settings {
        &self.csv
    }
}

impl Seed {
    /// Reads `SEED (…)`.
    pub(super) fn read(value: &Value<'_>, inner: &[Lexeme]) -> Result<Self, Problem> {
        let mut seed = Self::default();
        for property in header::items(inner)? {
            match property.key.as_str() {
                "path" => seed.path = text(&property)?,
                "batch_size" => {}
                "csv_settings" => {
                    for setting in header::items(inside(&property.value))? {
                        seed.set(&setting)?;
                    }
                }
                key => return Err(Problem::new(format!("unknown property `{key}` of kind SEED"), property.span)),
            }
        }
        if seed.path.is_empty() {
            let problem = Problem::new("a SEED needs the path of its CSV file", value.span());
            return Err(problem.help("kind SEED (path '../seeds/name.csv')"));
        }
        Ok(seed)
    }

    fn set(&mut self, setting: &Property<'_>) -> Result<(), Problem> {
        match setting.key.as_str() {
            "delimiter" => self.csv.delimiter = Some(character(setting)?),
            "quotechar" => self.csv.quote = Some(character(setting)?),
            "escapechar" => self.csv.escape = Some(character(setting)?),
            "lineterminator" => self.csv.lineterminator = line_end(setting)?,
            "doublequote" => self.csv.doublequote = boolean(setting)?,
            "skipinitialspace" => self.csv.skipinitialspace = boolean(setting)?,
            "keep_default_na" => self.csv.keep_default_na = boolean(setting)?,
            "encoding" => {
                let name = text(setting)?;
                if !csv::is_known_encoding(&name) {
                    let problem = Problem::new(format!("encoding `{name}` can't be read"), setting.value.span());
                    return Err(problem.help("there are utf-8, utf-16, latin-1 and cp1252; save the file as UTF-8"));
                }
                self.csv.encoding = Some(name);
            }
            "na_values" => match columns(&setting.value) {
                Some(columns) => {
                    for column in header::items(columns)? {
                        self.csv.nulls_of.push((column.key.clone(), texts(&column)?));
                    }
                }
                None => self.csv.nulls = texts(setting)?,
            },
            key => {
                let problem = Problem::new(format!("unknown csv setting `{key}`"), setting.span.clone());
                return Err(problem.help(format!("there are {}", SETTINGS.join(", "))));
            }
        }
        Ok(())
    }
}

/// What stands in a value's parentheses.
fn inside<'a>(value: &Value<'a>) -> &'a [Lexeme] {
    let lexemes = value.lexemes();
    lexemes.get(1..lexemes.len().saturating_sub(1)).unwrap_or_default()
}

/// The items of `(a = ('x', 'y'), b = 'z')`, if a value is of this form.
fn columns<'a>(value: &Value<'a>) -> Option<&'a [Lexeme]> {
    let inside = inside(value);
    let is_named = matches!(inside, [Lexeme { token: Token::Word { .. }, .. }, sign, ..]
        if header::is(sign, "=") || header::is(sign, ":="));
    is_named.then_some(inside)
}

/// `'NA'`, `-1` or `('NA', '-', 999)`.
fn texts(setting: &Property<'_>) -> Result<Vec<String>, Problem> {
    let one = |element: Value<'_>| match element.lexemes() {
        [Lexeme { token: Token::String(text) | Token::Number(text), .. }] => Some(text.clone()),
        [minus, Lexeme { token: Token::Number(text), .. }] if header::is(minus, "-") => Some(format!("-{text}")),
        _ => None,
    };
    let problem =
        || Problem::new("`na_values` are strings: ('NA', '-'), or (column = ('NA', '-'))", setting.value.span());
    setting.value.elements().into_iter().map(one).collect::<Option<_>>().ok_or_else(problem)
}

fn line_end(setting: &Property<'_>) -> Result<Option<char>, Problem> {
    // a row ends at this wherever it ends at `\n`
    match text(setting)?.as_str() {
        "\r\n" | "\\r\\n" => Ok(None),
        _ => character(setting).map(Some),
    }
}

fn character(setting: &Property<'_>) -> Result<char, Problem> {
    let text = text(setting)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next(), text.as_str()) {
        (Some(c), None, _) => Ok(c),
        (_, _, "\\t") => Ok('\t'),
        (_, _, "\\n") => Ok('\n'),
        (_, _, "\\r") => Ok('\r'),
        (_, _, "\\\\") => Ok('\\'),
        _ => Err(Problem::new(format!("`{}` is one character: '…'", setting.key), setting.value.span())),
    }
}

fn text(property: &Property<'_>) -> Result<String, Problem> {
    let problem = || Problem::new(format!("`{}` is a string: '…'", property.key), property.value.span());
    property.value.text().map(str::to_owned).ok_or_else(problem)
}

fn boolean(property: &Property<'_>) -> Result<bool, Problem> {
    let problem = || Problem::new(format!("`{}` is true or false", property.key), property.value.span());
    property.value.boolean().ok_or_else(problem)
}
