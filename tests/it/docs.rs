//! What the documentation tells people to type does what it says: each `console` block of a page is a part of one session in
//! a shell, and its output is compared with what stands there.
//!
//! `$ ` begins a command and `> ` goes on with it; all else is what it prints. In there, `…` stands for any text, and a line
//! of it alone for any number of lines. `[exit 1]` behind the output says how a command ends that fails.

use std::path::Path;

use crate::support::Sandbox;

/// A command of a page.
#[derive(Debug)]
struct Step {
    line: usize,
    command: String,
    expected: Vec<String>,
    exit: i32,
}

/// The commands of all `console` blocks of a page.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_within = false;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_within = line == "```console";
            continue;
        }
        if !is_within {
            continue;
        }
        let last = steps.last_mut();
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: at + 1, command: command.to_owned(), expected: Vec::new(), exit: 0 });
        } else if let (Some(more), Some(last)) = (line.strip_prefix('>'), last) {
            last.command.push('\n');
            last.command.push_str(more.strip_prefix(' ').unwrap_or(more));
        } else if let Some(last) = steps.last_mut() {
            match line.strip_prefix("[exit ").and_then(|code| code.strip_suffix(']')) {
                Some(code) => last.exit = code.parse().unwrap(),
                None => last.expected.push(line.trim_end().to_owned()),
            }
        }
    }
    steps.iter_mut().for_each(|step| {
        while step.expected.last().is_some_and(String::is_empty) {
            step.expected.pop();
        }
    });
    steps
}

/// Whether a line is as a page says it.
fn is_line(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        if at + 1 == parts.len() {
            return rest.ends_with(part);
        }
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.is_empty()
}

/// Whether lines are as a page says them.
fn is_output(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((any, rest)) if any == "…" => (0..=lines.len()).any(|skipped| is_output(rest, &lines[skipped..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, lines)| is_line(first, line) && is_output(rest, lines))
        }
    }
}

/// Runs a page; each command is told what it printed and how it ended by a mark that no command prints.
fn run(sandbox: &Sandbox, page: &str) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has no commands");
    let mark = "\u{1}";
    // where the program is run from its sources, it is the one that was built
    let mut script = "exec 2>&1\ncargo() { [ \"$1 $2\" = 'run --' ] && shift 2 && vmesh \"$@\"; }\n".to_owned();
    for step in &steps {
        script.push_str(&format!("{}\nprintf '\\n{mark}%s\\n' $?\n", step.command));
    }
    let said = sandbox.shell(&script).out;
    let mut outputs = said.split(mark);
    let mut output = outputs.next().unwrap_or_default().to_owned();
    for step in &steps {
        let next =
            outputs.next().unwrap_or_else(|| panic!("{page}:{}: {} never ended:\n{said}", step.line, step.command));
        let (exit, rest) = next.split_once('\n').unwrap();
        let lines: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
        let place = format!("{page}:{}", step.line);
        assert_eq!(exit.parse::<i32>().unwrap(), step.exit, "{place}: {}\n{output}", step.command);
        assert!(
            is_output(&step.expected, &lines),
            "{place}: {}\nsays\n{}\nthe page has\n{}",
            step.command,
            lines.join("\n"),
            step.expected.join("\n")
        );
        output = rest.to_owned();
    }
}

#[test]
fn the_tutorial_is_as_it_says() {
    run(&Sandbox::empty(), "docs/tutorial.md");
}

#[test]
fn the_readme_is_as_it_says() {
    run(&Sandbox::empty(), "README.md");
}

#[test]
fn pages_link_to_what_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> = std::fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(top.join("README.md"));
    for page in pages.into_iter().filter(|page| page.extension().is_some_and(|it| it == "md")) {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            let is_elsewhere = path.contains("://") || path.is_empty();
            assert!(is_elsewhere || page.parent().unwrap().join(path).exists(), "{}: {link}", page.display());
        }
    }
}

#[test]
fn outputs_are_compared_as_pages_mean_them() {
    let is = |expected: &[&str], lines: &[&str]| {
        is_output(&expected.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), lines)
    };
    assert!(is(&["a … c"], &["a b c"]) && is(&["…", "c"], &["a", "b", "c"]) && is(&["a", "…"], &["a"]));
    assert!(
        !is(&["a … c"], &["a b"]) && !is(&["…", "c"], &["a", "c", "b"]) && !is(&["a"], &["a", "b"]) && !is(&[], &["a"])
    );
}
