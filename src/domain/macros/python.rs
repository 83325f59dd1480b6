//! Macros in Python, which are not run: found by their names, so that a model that calls one is told what to do.

use super::super::sql::Span;

/// A function in a Python file that SQLMesh would take for a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonMacro {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// The line of its `def`, from 1.
    pub line: usize,
}

/// The macros that a Python file defines: functions below `@macro()`, under the name given there or their own.
pub fn python_macros(path: &str, text: &str) -> Vec<PythonMacro> {
    let mut found = Vec::new();
    let mut decorated: Option<Option<String>> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(rest) = line.strip_prefix("@macro").or_else(|| line.strip_prefix("@sqlmesh.macro")) {
            let given = rest.trim_start_matches(['(', ' ']);
            let quote = given.chars().next().filter(|first| matches!(first, '"' | '\''));
            decorated = Some(quote.and_then(|quote| given[1..].split(quote).next().map(str::to_owned)));
        } else if let (Some(rest), Some(given)) = (line.strip_prefix("def "), &decorated) {
            let own = rest.split(['(', ' ']).next().unwrap_or_default().to_owned();
            let name = given.clone().unwrap_or(own);
            found.push(PythonMacro { name, path: path.to_owned(), line: index + 1 });
            decorated = None;
        }
    }
    found
}

/// Where a Python file defines a model, if it does.
pub fn python_model(text: &str) -> Option<Span> {
    let starts = ["@model(", "@model\n", "@sqlmesh.model(", "def model("];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if starts.iter().any(|start| line.starts_with(start)) {
            return Some(at..at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_files_are_told_by_their_decorators() {
        let text = "from sqlmesh import macro\n\n@macro()\ndef twice(evaluator, x):\n    return x\n\ndef helper(x): ...\n\n\
                    @macro('thrice', metadata_only=True)\n@cached\ndef _t(evaluator): ...\n";
        let found = python_macros("macros/a.py", text);
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.line)).collect();
        assert_eq!(names, [("twice", 4), ("thrice", 11)]);
        assert_eq!(python_model("import x\n@model(\"a.b\")\ndef execute(): ..."), Some(9..22));
        assert_eq!(python_model("def util(): ..."), None);
    }
}
