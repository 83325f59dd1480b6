//! How a CSV file is written: the settings that SQLMesh hands to pandas.

use serde::{Deserialize, Serialize};

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Between two cells; found in the first line when left out.
    pub delimiter: Option<char>,
    /// Around cells with separators or line ends in them; `"` when left out.
    pub quote: Option<char>,
    /// Whether a quote that is doubled inside of quotes is one quote.
    pub doublequote: bool,
    /// Takes away the meaning of the character behind it.
    pub escape: Option<char>,
    /// Whether spaces behind a separator are left out.
    pub skipinitialspace: bool,
    /// Ends a line; any usual line end when left out.
    pub lineterminator: Option<char>,
    /// The encoding; UTF-8 when left out.
    pub encoding: Option<String>,
    /// What stands for NULL in every column.
    pub nulls: Vec<String>,
    /// What stands for NULL in some columns.
    pub nulls_of: Vec<(String, Vec<String>)>,
    /// Whether what pandas takes for missing stands for NULL, too: nothing, `NA`, `null`, ….
    pub keep_default_na: bool,
}

impl Default for Settings {
    /// A file as pandas writes it.
    fn default() -> Self {
        Self {
            delimiter: None,
            quote: None,
            doublequote: true,
            escape: None,
            skipinitialspace: false,
            lineterminator: None,
            encoding: None,
            nulls: Vec::new(),
            nulls_of: Vec::new(),
            keep_default_na: true,
        }
    }
}

impl Settings {
    /// What of it makes different rows: part of the fingerprint.
    pub fn meaning(&self) -> Vec<String> {
        let nulls = |nulls: &[String]| nulls.iter().map(|null| format!("{null:?}")).collect::<Vec<_>>().join(" ");
        let mut meaning = vec![
            format!("{:?} {:?} {:?} {:?}", self.delimiter, self.quote, self.escape, self.lineterminator),
            format!("{} {} {}", self.doublequote, self.skipinitialspace, self.keep_default_na),
            self.encoding.as_deref().unwrap_or("utf-8").to_ascii_lowercase(),
            nulls(&self.nulls),
        ];
        meaning.extend(self.nulls_of.iter().map(|(column, of)| format!("{} {}", column.to_lowercase(), nulls(of))));
        meaning
    }
}
