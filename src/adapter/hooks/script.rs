//! The text of a hook: which lines are ours, and the rest as it was, to the byte.

use std::path::Path;

use super::HookName;

/// The first line of files that we make.
pub(super) const SHEBANG: &[u8] = b"#!/bin/sh\n";
const BEGIN: &[u8] = b"# >>> vmesh >>>";
const END: &[u8] = b"# <<< vmesh <<<";
/// Stands in our scripts for the path of the vmesh that installed them.
const PLACEHOLDER: &str = "@VMESH@";
/// The line that has it, up to it.
const BINARY: &[u8] = b"  _vmesh=";
/// In the line that runs a hook moved aside, the last one of files that are wholly ours.
const CHAIN: &[u8] = b"exec \"$0.vmesh-user\"";
/// Shells that understand our lines.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// A hook's text, in three pieces.
pub(super) struct Script {
    before: Vec<u8>,
    /// Our lines, from mark to mark, and in our own files the one that runs the hook moved aside; empty if there are
    /// none.
    ours: Vec<u8>,
    after: Vec<u8>,
}

impl Script {
    /// Text known to hold no lines of ours.
    pub(super) fn without_ours(text: Vec<u8>) -> Self {
        let at = match text.starts_with(b"#!") {
            true => text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| newline + 1),
            false => 0,
        };
        let (before, after) = text.split_at(at);
        Self { before: before.to_vec(), ours: Vec::new(), after: after.to_vec() }
    }

    /// `None` when our lines begin and never end.
    pub(super) fn parse(text: Vec<u8>) -> Option<Self> {
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let Some(begin) = lines.iter().position(|line| line.starts_with(BEGIN)) else {
            return Some(Self::without_ours(text));
        };
        let last = |mark: &dyn Fn(&[u8]) -> bool| lines.iter().skip(begin).position(|line| mark(line));
        let end = last(&|line| line.starts_with(END))?;
        let end = begin + last(&|line| contains(line, CHAIN)).map_or(end, |chain| chain.max(end));
        Some(Self {
            before: lines[..begin].concat(),
            ours: lines[begin..=end].concat(),
            after: lines[end + 1..].concat(),
        })
    }

    pub(super) fn has_ours(&self) -> bool {
        !self.ours.is_empty()
    }

    /// Whether the whole file is ours.
    pub(super) fn is_own(&self) -> bool {
        contains(&self.ours, CHAIN)
    }

    /// The text as it is.
    pub(super) fn whole(&self) -> Vec<u8> {
        [&self.before[..], &self.ours, &self.after].concat()
    }

    /// The text without our lines.
    pub(super) fn rest(&self) -> Vec<u8> {
        // our lines bring the newline that a last line lacked, and then lack it themselves
        let lent = self.has_ours() && !self.ours.ends_with(b"\n");
        let before = if lent { self.before.strip_suffix(b"\n") } else { None };
        [before.unwrap_or(&self.before), &self.after].concat()
    }

    /// The text with these lines as ours.
    pub(super) fn with(&self, ours: &[u8]) -> Vec<u8> {
        let bare = ours.strip_suffix(b"\n").unwrap_or(ours);
        let unfinished = !self.before.is_empty() && !self.before.ends_with(b"\n");
        match self.has_ours() {
            true if !self.ours.ends_with(b"\n") => [&self.before[..], bare, &self.after].concat(),
            false if unfinished => [&self.before[..], b"\n", bare].concat(),
            _ => [&self.before[..], ours, &self.after].concat(),
        }
    }

    /// Whether a POSIX shell runs it. Git gives files without a `#!` to `sh`, unless they are programs.
    pub(super) fn is_shell(&self) -> bool {
        let Some(line) = self.before.strip_prefix(b"#!") else {
            return !self.after.contains(&0);
        };
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace().map(|word| word.rsplit(['/', '\\']).next().unwrap_or(word));
        match words.next() {
            Some("env") => words.find(|word| !word.starts_with('-')).is_some_and(|shell| SHELLS.contains(&shell)),
            shell => shell.is_some_and(|shell| SHELLS.contains(&shell)),
        }
    }

    /// Whether our lines are those of this version, whichever vmesh they call.
    pub(super) fn is_current(&self, hook: HookName) -> bool {
        let path = Path::new("");
        let current = if self.is_own() { own_block(hook, path) } else { shared_block(hook, path) };
        without_binary(&self.ours) == without_binary(&current)
    }
}

/// A whole file of ours.
pub(super) fn own(hook: HookName, binary: &Path) -> Vec<u8> {
    [SHEBANG, &own_block(hook, binary)].concat()
}

/// Our lines in a file of our own.
pub(super) fn own_block(hook: HookName, binary: &Path) -> Vec<u8> {
    let text = match hook {
        HookName::PostCheckout => include_str!("../../../hooks/post-checkout"),
        HookName::PostMerge => include_str!("../../../hooks/post-merge"),
        HookName::PostCommit => include_str!("../../../hooks/post-commit"),
        HookName::PostRewrite => include_str!("../../../hooks/post-rewrite"),
    };
    // where this was compiled from a checkout with CRLF, `sh` still needs LF
    let text = text.replace("\r\n", "\n");
    let block = text.split_once('\n').map_or("", |(_shebang, block)| block);
    let (before, after) = block.split_once(PLACEHOLDER).unwrap_or((block, ""));
    [before.as_bytes(), &quoted(binary), after.as_bytes()].concat()
}

/// Our lines in someone else's file: those between the marks.
pub(super) fn shared_block(hook: HookName, binary: &Path) -> Vec<u8> {
    let mut block = own_block(hook, binary);
    let lines = block.split_inclusive(|byte| *byte == b'\n');
    let between = lines.scan(true, |open, line| std::mem::replace(open, !line.starts_with(END)).then_some(line.len()));
    block.truncate(between.sum());
    block
}

/// A path as one word of a shell script.
fn quoted(path: &Path) -> Vec<u8> {
    let mut out = vec![b'\''];
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            byte => out.push(byte),
        }
    }
    out.push(b'\'');
    out
}

/// Our lines but the one that has the path, which differs between machines.
fn without_binary(block: &[u8]) -> Vec<&[u8]> {
    block.trim_ascii_end().split(|byte| *byte == b'\n').filter(|line| !line.starts_with(BINARY)).collect()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
