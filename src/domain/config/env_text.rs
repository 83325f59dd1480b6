//! Texts of the settings that the environment says, as a whole or in parts: what is secret stands in no file of the project.

use serde::Serialize;

/// A text that takes all or parts of itself from the environment when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvText(Vec<Part>);

/// One part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) enum Part {
    /// As the file says it.
    Said(String),
    /// The value of a variable of the environment.
    Variable {
        /// Its name.
        name: String,
        /// What counts where it isn't set.
        or_else: Option<String>,
    },
}

/// What a variable of the environment said: messages tell its name in place of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Its name.
    pub variable: String,
    /// Its value.
    pub value: String,
}

impl EnvText {
    /// A text that stands in the file.
    pub(super) fn said(text: &str) -> Self {
        Self(vec![Part::Said(text.to_owned())])
    }

    /// Parts that follow each other.
    pub(super) fn of_parts(parts: Vec<Part>) -> Self {
        Self(parts)
    }

    /// A text of `vmesh.toml` or of an option: `env:NAME`, or as it stands.
    ///
    /// # Errors
    /// In words, where what follows `env:` is no variable's name.
    pub fn read(text: &str) -> Result<Self, String> {
        let Some(name) = text.strip_prefix("env:") else { return Ok(Self::said(text)) };
        match !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            true => Ok(Self(vec![Part::Variable { name: name.to_owned(), or_else: None }])),
            false => Err(format!("`{name}` is no variable of the environment")),
        }
    }

    /// Whether any of it stands in the file, be it for where a variable isn't set.
    pub(super) fn is_said(&self) -> bool {
        self.0.iter().any(|part| match part {
            Part::Said(_) => true,
            Part::Variable { or_else, .. } => or_else.as_ref().is_some_and(|said| !said.is_empty()),
        })
    }

    /// What may be told of it: names of variables, not their values.
    pub fn told(&self) -> String {
        let part = |part: &Part| match part {
            Part::Said(said) => said.clone(),
            Part::Variable { name, .. } => format!("${name}"),
        };
        self.0.iter().map(part).collect()
    }

    /// The text, and what the environment said of it.
    ///
    /// # Errors
    /// The name of a variable that is not set, or empty.
    pub fn resolve(&self, environment: impl Fn(&str) -> Option<String>) -> Result<(String, Vec<Hidden>), String> {
        let (mut text, mut hidden) = (String::new(), Vec::new());
        for part in &self.0 {
            match part {
                Part::Said(said) => text.push_str(said),
                Part::Variable { name, or_else } => {
                    match (environment(name).filter(|value| !value.is_empty()), or_else) {
                        (Some(value), _) => {
                            text.push_str(&value);
                            hidden.push(Hidden { variable: name.clone(), value });
                        }
                        (None, Some(or_else)) => text.push_str(or_else),
                        (None, None) => return Err(name.clone()),
                    }
                }
            }
        }
        Ok((text, hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_environment_says_is_known_by_name() {
        let environment = |name: &str| (name == "PASSWORD").then(|| "hunter2".to_owned());
        let variable = |name: &str, or_else: Option<&str>| Part::Variable {
            name: name.to_owned(),
            or_else: or_else.map(str::to_owned),
        };
        let said = |text: &str| Part::Said(text.to_owned());
        let text = EnvText::of_parts(vec![
            said("host="),
            variable("HOST", Some("localhost")),
            said(" password="),
            variable("PASSWORD", None),
        ]);
        let hidden = Hidden { variable: "PASSWORD".to_owned(), value: "hunter2".to_owned() };
        assert_eq!(text.resolve(environment), Ok(("host=localhost password=hunter2".to_owned(), vec![hidden])));
        assert_eq!(EnvText::of_parts(vec![variable("HOST", None)]).resolve(environment), Err("HOST".to_owned()));
        assert_eq!(EnvText::read("env:"), Err("`` is no variable of the environment".to_owned()));
        let whole = EnvText::read("env:PASSWORD");
        assert!(whole.is_ok_and(|text| !text.is_said() && text.resolve(environment).is_ok()));
    }
}
