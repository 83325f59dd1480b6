//! `[engine.secrets]`: with what the engine enters other machines, as DuckDB's `CREATE SECRET` takes it. The settings name
//! the variables of the environment that hold what is secret.

use serde::Serialize;

use super::env_text::EnvText;

/// With what the engine enters other machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Its name in the engine.
    pub name: String,
    /// What `CREATE SECRET` is told, by name.
    pub options: Vec<(String, EnvText)>,
}

/// Options that say nothing secret: where something is, and how it is spoken to.
const OPEN: [&str; 21] = [
    "type",
    "provider",
    "scope",
    "region",
    "endpoint",
    "url_style",
    "use_ssl",
    "verify_ssl",
    "url_compatibility_mode",
    "requester_pays",
    "chain",
    "profile",
    "validation",
    "refresh",
    "account_name",
    "assume_role_arn",
    "host",
    "port",
    "database",
    "user",
    "http_proxy",
];

impl Secret {
    /// # Errors
    /// In words, where its name is none, or a file would hold what is secret.
    pub(super) fn new(name: &str, options: Vec<(String, EnvText)>) -> Result<Self, (String, String)> {
        if !is_word(name) {
            return Err((format!("`{name}` can't name a secret"), "letters, digits and `_`".to_owned()));
        }
        if !options.iter().any(|(option, _)| option.eq_ignore_ascii_case("type")) {
            return Err((
                format!("the secret `{name}` has no `type`"),
                "say whose it is: s3, gcs, r2, azure, http, postgres, mysql …".to_owned(),
            ));
        }
        for (option, text) in &options {
            if !is_word(option) {
                return Err((format!("`{option}` is no option of a secret"), "letters, digits and `_`".to_owned()));
            }
            let is_open = OPEN.iter().any(|open| open.eq_ignore_ascii_case(option));
            if text.is_said() && !is_open {
                let what = format!("`{option}` may be secret, which has no place in a file of the project");
                let variable = format!("{}_{}", name.to_uppercase(), option.to_uppercase());
                let help = format!(
                    "name a variable of the environment: {option} = \"env:{variable}\" (config.yaml: {{{{ env_var('{variable}') }}}})"
                );
                return Err((what, help));
            }
        }
        Ok(Self { name: name.to_owned(), options })
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::Config;

    #[test]
    fn no_file_holds_what_is_secret() {
        let read = |text: &str| {
            let config = Config::parse("vmesh.toml", &format!("[engine.secrets.acme]\n{text}"), &|_| None);
            config.map(|config| config.opening.secrets).map_err(|error| (error.what, error.at.is_some()))
        };
        let secrets = read("type = \"s3\"\nregion = \"eu-central-1\"\nuse_ssl = false\nsecret = \"env:KEY\"").unwrap();
        let environment = |name: &str| Some(format!("the value of {name}"));
        let told: Vec<_> = secrets[0]
            .options
            .iter()
            .map(|(name, text)| (name.as_str(), text.resolve(environment).unwrap().0))
            .collect();
        let wanted = [("region", "eu-central-1"), ("secret", "the value of KEY"), ("type", "s3"), ("use_ssl", "false")];
        assert_eq!(told, wanted.map(|(name, text)| (name, text.to_owned())));
        let wrong = [
            ("type = \"s3\"\nsecret = \"x\"", "`secret` may be secret, which has no place in a file of the project"),
            ("region = \"x\"", "the secret `acme` has no `type`"),
            ("type = \"s3\"\nsecret = \"env:a b\"", "`a b` is no variable of the environment"),
            ("type = \"s3\"\n\"a b\" = \"env:A\"", "`a b` is no option of a secret"),
            ("type = [\"s3\"]", "`type` of a secret is a text, a number or true or false"),
        ];
        for (text, what) in wrong {
            assert_eq!(read(text).unwrap_err(), (what.to_owned(), true), "{text}");
        }
    }
}
