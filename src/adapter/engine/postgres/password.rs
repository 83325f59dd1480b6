//! Passwords that the url doesn't have: `PGPASSWORD`, or the password file, as libpq has them.

use postgres::Config;
use postgres::config::Host;

use crate::adapter::process;

/// The password of a connection, if the environment or the user's file has one.
pub(super) fn found(config: &Config) -> Option<String> {
    if let Some(password) = process::variable("PGPASSWORD").filter(|it| !it.is_empty()) {
        return Some(password);
    }
    let file = process::variable("PGPASSFILE").or_else(|| Some(format!("{}/.pgpass", process::variable("HOME")?)))?;
    let text = std::fs::read_to_string(file).ok()?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    in_file(&text, [&host, &port, config.get_dbname().unwrap_or(user), user])
}

/// The password of the first line whose host, port, database and user are these.
fn in_file(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, place) = fields.split_last()?;
        let is_it = place.len() == 4 && place.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        is_it.then(|| password.clone())
    })
}

/// What stands between colons; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut chars) = (vec![String::new()], line.chars());
    while let Some(c) = chars.next() {
        match c {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(chars.next())),
            c => fields.last_mut().into_iter().for_each(|field| field.push(c)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# ours\nlocalhost:5432:shop:ada:no\n*:*:shop:bob:h\\:unter:2\n*:*:*:*:last\n";
        let found = |user| in_file(text, ["db.acme", "5432", "shop", user]);
        assert_eq!((found("bob").as_deref(), found("ada").as_deref()), (Some("h:unter:2"), Some("last")));
        assert_eq!(in_file("a:b\n", ["a", "b", "c", "d"]), None);
    }
}
