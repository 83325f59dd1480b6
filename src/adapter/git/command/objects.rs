//! The bytes of objects, asked of one `git cat-file` that goes on running.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::super::error::GitError;
use super::super::id::BlobId;

const DOING: &str = "read a file of a commit";

/// The process and both ends of it.
pub(super) struct Objects {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    pub(super) fn new(mut git: std::process::Command) -> Result<Self, GitError> {
        git.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = git.spawn().map_err(broken)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = pipes.ok_or_else(|| broken(std::io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { child, questions: Some(questions), answers: BufReader::new(answers) })
    }

    pub(super) fn content(&mut self, id: &BlobId) -> Result<Vec<u8>, GitError> {
        let questions = self.questions.as_mut().ok_or_else(|| broken(std::io::ErrorKind::BrokenPipe.into()))?;
        writeln!(questions, "{id}").and_then(|()| questions.flush()).map_err(broken)?;
        // `<id> <type> <size>`, the bytes, a line end; or `<id> missing`
        let mut header = String::new();
        self.answers.read_line(&mut header).map_err(broken)?;
        let Some(size) = header.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok()) else {
            return Err(GitError::Missing { id: id.to_string() });
        };
        let mut bytes = vec![0; size + 1];
        self.answers.read_exact(&mut bytes).map_err(broken)?;
        bytes.pop();
        Ok(bytes)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // it ends when nobody can ask it any more
        self.questions = None;
        let _ = self.child.wait();
    }
}

fn broken(error: std::io::Error) -> GitError {
    GitError::Other { doing: DOING, message: format!("git cat-file: {error}") }
}
