//! Connections by a name: `service=…`, as libpq reads it from `~/.pg_service.conf` and the like.
//!
//! <https://www.postgresql.org/docs/current/libpq-pgservice.html>

use std::path::PathBuf;

use crate::adapter::process;

/// What a service may say that a connection understands.
const KNOWN: [&str; 14] = [
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "options",
    "password",
    "port",
    "sslmode",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// The words of a connection, with those of the service that it names in front: what it says itself counts more.
///
/// # Errors
/// In words, where there is no such service, or it says what nobody here understands.
pub(super) fn resolved(url: &str) -> Result<String, String> {
    let by_url = ["postgresql://?service=", "postgresql:///?service=", "postgres://?service=", "postgres:///?service="];
    let (name, rest) = match by_url.iter().find_map(|start| url.strip_prefix(start)) {
        Some(name) => (name.to_owned(), String::new()),
        None => match url.split_whitespace().find_map(|word| word.strip_prefix("service=")) {
            Some(name) => {
                let rest: Vec<&str> = url.split_whitespace().filter(|word| !word.starts_with("service=")).collect();
                (name.trim_matches('\'').to_owned(), rest.join(" "))
            }
            None => return Ok(url.to_owned()),
        },
    };
    let files = files();
    let found = files.iter().find_map(|file| section(&std::fs::read_to_string(file).ok()?, &name));
    let said = found.ok_or_else(|| {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        format!("there is no service `{name}` in {}", files.join(" or "))
    })?;
    if let Some((key, _)) = said.iter().find(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return Err(format!("the service `{name}` says `{key}`, which vmesh doesn't know"));
    }
    let is_said = |key: &str| rest.split_whitespace().any(|word| word.starts_with(&format!("{key}=")));
    let words = said.iter().filter(|(key, _)| !is_said(key)).map(|(key, value)| format!("{key}={}", quoted(value)));
    Ok(words.chain([rest.clone()]).collect::<Vec<_>>().join(" "))
}

/// The files that services stand in, the first one first.
fn files() -> Vec<PathBuf> {
    let variable = |name: &str| process::variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = variable("PGSERVICEFILE").or_else(|| Some(variable("HOME")?.join(".pg_service.conf")));
    own.into_iter().chain(variable("PGSYSCONFDIR").map(|folder| folder.join("pg_service.conf"))).collect()
}

/// What a file says of a service.
fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != format!("[{name}]"));
    lines.next()?;
    let own = lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#'));
    let pair = |line: &str| line.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    Some(own.filter_map(pair).collect())
}

/// A value as it stands between quotes.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_section_of_a_file() {
        let text =
            "# mine\n[dev]\nhost = db.dev\n[prod]\nhost=db\n# port=1\nport=5433\npassword=it's\n[other]\nuser=x\n";
        let said = |name| section(text, name);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let prod = vec![pair("host", "db"), pair("port", "5433"), pair("password", "it's")];
        assert_eq!(said("prod"), Some(prod));
        assert_eq!(said("dev"), Some(vec![pair("host", "db.dev")]));
        assert_eq!(said("none"), None);
        assert_eq!(quoted("it's"), "'it\\'s'");
        assert_eq!(resolved("host=x user=service"), Ok("host=x user=service".to_owned()));
    }
}
