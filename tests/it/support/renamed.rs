//! Random models that are called otherwise on some branches: `m3` may be `r3` there, and is so wherever it is read.

use std::path::Path;

use super::random::MODELS;

/// The models of a folder, each with its text and behind those that it reads.
pub(crate) fn models(folder: &Path) -> Vec<(String, String)> {
    let text = |name: &str| std::fs::read_to_string(folder.join(format!("models/{name}.sql"))).unwrap();
    (0..MODELS).map(|number| name(folder, number)).map(|name| (name.clone(), text(&name))).collect()
}

/// What a model is called in a folder.
pub(crate) fn name(folder: &Path, number: usize) -> String {
    let is_renamed = folder.join(format!("models/r{number}.sql")).exists();
    format!("{}{number}", if is_renamed { 'r' } else { 'm' })
}

/// A text as it would be if no model were renamed.
pub(crate) fn plain(text: &str) -> String {
    with_names(text, |number| format!("m{number}"))
}

/// Writes the text of a model, in which others may be called by other names than theirs.
pub(crate) fn write(folder: &Path, number: usize, text: &str) {
    let text = with_names(text, |number| name(folder, number));
    std::fs::write(folder.join(format!("models/{}.sql", name(folder, number))), text).unwrap();
}

/// Calls a model by its other name.
pub(crate) fn rename(folder: &Path, number: usize) {
    let (before, after) = match name(folder, number).starts_with('r') {
        true => ('r', 'm'),
        false => ('m', 'r'),
    };
    let file = |letter: char| folder.join(format!("models/{letter}{number}.sql"));
    std::fs::rename(file(before), file(after)).unwrap();
    settle(folder);
}

/// Calls each model by its name wherever it is read. Of one that a merge left under both names, the new one is kept.
pub(crate) fn settle(folder: &Path) {
    for number in 0..MODELS {
        let file = folder.join(format!("models/m{number}.sql"));
        if name(folder, number).starts_with('r') && file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    for (number, (_, text)) in models(folder).into_iter().enumerate() {
        write(folder, number, &text);
    }
}

/// A text with other names in the place of `m3` and `r3`.
fn with_names(text: &str, name: impl Fn(usize) -> String) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let end = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let number = end.strip_prefix(['m', 'r', 'M', 'R']).and_then(|number| number.parse().ok());
        match number {
            Some(number) => out.push_str(&word.replacen(end, &name(number), 1)),
            None => out.push_str(word),
        }
    }
    out
}
