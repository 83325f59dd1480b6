//! What variables hold.

use std::collections::BTreeMap;

use serde::Serialize;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    #[serde(serialize_with = "exactly")]
    Float(f64),
    /// A string: a literal in SQL.
    Text(String),
    /// SQL as it is: a name, an expression, a table.
    Sql(String),
    /// Several.
    List(Vec<Value>),
    /// Several, by name.
    Map(Vec<(String, Value)>),
}

/// As text: JSON has no word for what is not finite, and two such values would count as the same.
fn exactly<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:?}"))
}

impl Value {
    /// As SQL.
    pub fn sql(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Text(text) => literal(text),
            Self::Sql(text) => text.clone(),
            Self::List(values) => format!("({})", values.iter().map(Self::sql).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                let entry = |(name, value): &(String, Self)| format!("{}: {}", literal(name), value.sql());
                format!("MAP {{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A string as SQL writes it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Variables by name. SQLMesh knows no letter case in them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Variables(BTreeMap<String, Value>);

impl Variables {
    /// Sets one.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_lowercase(), value);
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(&name.to_lowercase())
    }

    /// All of them, names in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<N: AsRef<str>> FromIterator<(N, Value)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(items: I) -> Self {
        Self(items.into_iter().map(|(name, value)| (name.as_ref().to_lowercase(), value)).collect())
    }
}

/// What `@DEF` gives a name to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// SQL.
    Value(String),
    /// A function: `@DEF(f, (a, b) -> a + @b)`.
    Lambda {
        /// Its parameters, in lower case.
        parameters: Vec<String>,
        /// What it gives.
        body: String,
    },
}

/// What the `@DEF` of a file's earlier statements gave names to, in lower case.
pub type Locals = BTreeMap<String, Local>;
