//! The token of a server, as a command of the user's tells it: some servers give one for an hour, and to nobody but their own
//! tool.

#![cfg_attr(not(feature = "spark"), allow(dead_code, reason = "nobody speaks to such a server then"))]

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a token counts before the command is asked again.
const FRESH: Duration = Duration::from_mins(1);

/// A command that tells a token, and what it told last.
#[derive(Debug, Clone, Default)]
pub struct AccessToken {
    /// The command, or why that can't be told; none where the server's address has all there is.
    command: Option<Result<String, String>>,
    told: Arc<Mutex<Option<(Instant, String)>>>,
}

impl AccessToken {
    /// What a command will tell, once somebody wants to know.
    pub fn of_command(command: Option<Result<String, String>>) -> Self {
        Self { command, told: Arc::default() }
    }

    /// The address of a server of Spark Connect's with the token in it, if there is a command.
    ///
    /// # Errors
    /// In words, where the command fails or tells none.
    pub(super) fn added_to(&self, url: &str) -> Result<String, String> {
        let Some(token) = self.get()? else { return Ok(url.to_owned()) };
        let encoded: String = token.bytes().map(encoded).collect();
        let url = url.trim_end_matches(['/', ';']);
        let start = if url.contains("/;") { "" } else { "/" };
        Ok(format!("{url}{start};token={encoded}"))
    }

    fn get(&self) -> Result<Option<String>, String> {
        let Some(command) = &self.command else { return Ok(None) };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, token)) = told.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(Some(token.clone()));
        }
        let token = ask(command.as_ref().map_err(Clone::clone)?)?;
        *told = Some((Instant::now(), token.clone()));
        Ok(Some(token))
    }
}

/// A byte as addresses have it.
fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// What a command prints.
fn ask(command: &str) -> Result<String, String> {
    const WHO: &str = "the token command";
    let asked = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
    let asked = asked.map_err(|error| format!("{WHO} can't be run: {error}"))?;
    let said = String::from_utf8_lossy(&asked.stderr);
    let why = said.trim().lines().last().unwrap_or("it says nothing");
    if !asked.status.success() {
        return Err(format!("{WHO} failed ({}): {why}", asked.status));
    }
    let token = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    match token.is_empty() || token.contains(char::is_whitespace) {
        true => Err(format!("{WHO} prints no token, which is one word and nothing else")),
        false => Ok(token),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn told(command: &str) -> Result<Option<String>, String> {
        AccessToken::of_command(Some(Ok(command.to_owned()))).get()
    }

    #[test]
    fn a_command_tells_one_word_or_why_not() {
        assert_eq!(told("echo a.b-c"), Ok(Some("a.b-c".to_owned())));
        assert_eq!(AccessToken::default().get(), Ok(None));
        for (command, why) in [
            ("echo", "the token command prints no token, which is one word and nothing else"),
            ("echo 'logged in as ada'", "the token command prints no token, which is one word and nothing else"),
            (
                "echo first >&2; echo log in first >&2; exit 3",
                "the token command failed (exit status: 3): log in first",
            ),
        ] {
            assert_eq!(told(command), Err(why.to_owned()));
        }
    }

    #[test]
    fn a_token_is_part_of_an_address() {
        let token = AccessToken::of_command(Some(Ok("echo 'a/b+c==;d'".to_owned())));
        for (url, expected) in [
            ("sc://h:443", "sc://h:443/;token=a%2Fb%2Bc%3D%3D%3Bd"),
            ("sc://h:443/;", "sc://h:443/;token=a%2Fb%2Bc%3D%3D%3Bd"),
            ("sc://h/;use_ssl=true", "sc://h/;use_ssl=true;token=a%2Fb%2Bc%3D%3D%3Bd"),
        ] {
            assert_eq!(token.added_to(url).as_deref(), Ok(expected));
        }
        assert_eq!(AccessToken::default().added_to("sc://h").as_deref(), Ok("sc://h"));
    }

    #[test]
    fn a_command_is_asked_once_in_a_while() {
        let folder = std::env::temp_dir().join(format!("vmesh-token-{}", std::process::id()));
        let token = AccessToken::of_command(Some(Ok(format!("echo x >> {0}; wc -l < {0}", folder.display()))));
        let both = [token.get(), token.clone().get()];
        // nothing is left of it, whatever comes out
        let _ = std::fs::remove_file(folder);
        assert_eq!(both, [Ok(Some("1".to_owned())), Ok(Some("1".to_owned()))]);
    }
}
