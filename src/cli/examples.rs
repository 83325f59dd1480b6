//! Examples for each command's `--help`.

use clap::CommandFactory as _;

use super::args::Cli;

/// Each command, with what people type. A test parses every line.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "init",
        &[
            ("vmesh init shop", "a new project with a small sample"),
            ("vmesh init --empty", "only settings and hooks, beside what is there"),
            ("vmesh init --from ../shop.duckdb", "over the tables of a warehouse that is there"),
        ],
    ),
    ("demo", &[("vmesh demo", ""), ("vmesh demo --dir play", "in a folder of your choice")]),
    ("status", &[("vmesh status", ""), ("vmesh status --json", "for a prompt or a script")]),
    (
        "plan",
        &[
            ("vmesh plan", "what the current branch's environment needs; asks before it does it"),
            ("vmesh plan --yes --start 2026-11-01", "incremental models only from then on"),
            ("vmesh plan --merged alice --format markdown", "a comment for alice's pull request"),
            ("vmesh plan prod --restate-model 'raw.orders' --yes", "new rows came in late"),
        ],
    ),
    (
        "promote",
        &[
            ("vmesh promote", "main's newest commit"),
            ("vmesh promote v1.2 --no-build --yes", "pointers only, or nothing"),
        ],
    ),
    (
        "ls",
        &[
            ("vmesh ls changed+", "what this branch changed, and all that reads it"),
            ("vmesh ls 'tag:daily,marts.*'", "those that both mean"),
            ("vmesh ls +marts.orders", "a model and all that it reads"),
        ],
    ),
    ("audit", &[("vmesh audit", ""), ("vmesh audit marts.orders --env prod", "")]),
    (
        "test",
        &[
            ("vmesh test", ""),
            ("vmesh test marts.orders", ""),
            ("vmesh test --create marts.orders", "write one from rows that are there"),
        ],
    ),
    ("lint", &[("vmesh lint", ""), ("vmesh lint changed", "")]),
    ("fmt", &[("vmesh fmt", ""), ("vmesh fmt --check models/marts", "for CI")]),
    ("run", &[("vmesh run prod", "for cron"), ("vmesh run --ignore-cron", "what is not due yet, too")]),
    ("rollback", &[("vmesh rollback", "the promotion before"), ("vmesh rollback 1a2b3c4d --yes", "that one")]),
    ("envs", &[("vmesh envs", "")]),
    ("log", &[("vmesh log", "prod's history"), ("vmesh log marts.orders.total", "the commits that changed a column")]),
    ("blame", &[("vmesh blame marts.orders", ""), ("vmesh blame marts.orders.total v1.2", "")]),
    (
        "diff",
        &[
            ("vmesh diff", "prod against this branch"),
            ("vmesh diff alice bob --stat", ""),
            ("vmesh diff --format markdown", ""),
        ],
    ),
    (
        "table-diff",
        &[
            ("vmesh table-diff marts.orders", ""),
            ("vmesh table-diff marts.orders prod alice --on order_id --limit 20", ""),
        ],
    ),
    (
        "query",
        &[
            ("vmesh query 'SELECT count(*) FROM marts.orders'", ""),
            ("vmesh query - --env prod --format parquet", "a query from standard input"),
        ],
    ),
    (
        "check",
        &[
            ("vmesh check 'SELECT * FROM marts.orders WHERE total < 0'", ""),
            ("vmesh check 'FROM marts.orders WHERE total < 0' --at v1.2", "git bisect run takes it as it is"),
        ],
    ),
    ("render", &[("vmesh render marts.orders", ""), ("vmesh render marts.daily --start 2026-11-01", "")]),
    ("lineage", &[("vmesh lineage marts.orders", ""), ("vmesh lineage marts.orders.total", "one column")]),
    ("dag", &[("vmesh dag", "")]),
    (
        "page",
        &[
            ("vmesh page", "below the git directory"),
            ("vmesh page pr.html --diff --test", "for a pull request"),
            ("vmesh page --serve", "renewed as things move"),
        ],
    ),
    ("create-external-models", &[("vmesh create-external-models", "")]),
    ("invalidate", &[("vmesh invalidate alice", "")]),
    ("gc", &[("vmesh gc --dry-run", ""), ("vmesh gc --yes", "")]),
    ("watch", &[("vmesh watch", "")]),
    ("stop", &[("vmesh stop", "")]),
    ("hooks", &[("vmesh hooks install", "once for each clone"), ("vmesh hooks status", "")]),
    (
        "doctor",
        &[
            ("vmesh doctor", ""),
            ("vmesh doctor --install", "extensions that the settings name"),
            ("vmesh doctor --engine postgres", "what would not run there"),
            ("vmesh doctor --role developers", "whether it could write prod"),
        ],
    ),
    ("completions", &[("vmesh completions bash", "source <(vmesh completions bash)")]),
    ("man", &[("vmesh man share/man", "")]),
];

/// The command line, with examples in each command's help.
pub(super) fn command() -> clap::Command {
    EXAMPLES.iter().fold(Cli::command(), |command, (name, examples)| {
        command.mut_subcommand(name, |it| it.after_help(text(examples)))
    })
}

fn text(examples: &[(&str, &str)]) -> String {
    let width = examples.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    let is_wide = examples.iter().any(|(_, about)| width + about.len() + 6 > 80);
    let line = |(line, about): &(&str, &str)| match (about.is_empty(), is_wide) {
        (true, _) => format!("  {line}"),
        (false, true) => format!("  # {about}\n  {line}"),
        (false, false) => format!("  {line:width$}  # {about}"),
    };
    format!("Examples:\n{}", examples.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line, as a shell splits it.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words
    }

    #[test]
    fn each_command_has_examples_that_it_takes() {
        let named: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        let visible = Cli::command();
        let visible = visible.get_subcommands().filter(|it| !it.is_hide_set()).map(clap::Command::get_name);
        let lacking: Vec<&str> = visible.filter(|name| !named.contains(name)).collect();
        assert_eq!(lacking, Vec::<&str>::new());
        for (name, line) in EXAMPLES.iter().flat_map(|(name, all)| all.iter().map(move |(line, _)| (name, line))) {
            let taken = command().try_get_matches_from(words(line));
            let taken = taken.unwrap_or_else(|error| panic!("{line}\n{error}"));
            assert_eq!(taken.subcommand_name(), Some(*name), "{line}");
        }
    }

    #[test]
    fn workflows_of_forges_type_what_is_taken() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/hooks");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut typed = 0;
        for file in files.filter(|file| file.extension().is_some_and(|it| it == "yml")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let commands = lines.filter_map(|line| {
                let at = ["run: vmesh ", "- vmesh ", "pipefail; vmesh "]
                    .iter()
                    .find_map(|it| Some(line.find(it)? + it.len()))?;
                line.get(at..)?.split('|').next()
            });
            for command in commands {
                typed += 1;
                let words = words(&format!("vmesh {}", command.trim()));
                let taken = super::command().try_get_matches_from(words);
                taken.unwrap_or_else(|error| panic!("{}: {command}\n{error}", file.display()));
            }
        }
        assert!(typed >= 20, "{typed}");
    }

    /// `docs/commands.md` is written by this test where `VMESH_WRITE_DOCS` is set.
    #[test]
    fn the_commands_are_documented() {
        let told = reference();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
        if std::env::var_os("VMESH_WRITE_DOCS").is_some() {
            std::fs::write(file, &told).unwrap();
        }
        let known = std::fs::read_to_string(file).unwrap_or_default();
        assert!(known == told, "VMESH_WRITE_DOCS=1 cargo test --lib the_commands_are_documented");
    }

    fn reference() -> String {
        let mut out = "# Commands\n\nWritten from the code by `VMESH_WRITE_DOCS=1 cargo test --lib \
                       the_commands_are_documented`; `vmesh COMMAND --help` says the same.\n\n\
                       Everywhere: `--json` prints one JSON document on standard output, people's output goes there \
                       otherwise, progress and logs go to standard error. Exit codes: 0 done, 1 failed (or a difference, \
                       with `--exit-code`), 2 wrong usage, 130 ended by Ctrl-C.\n"
            .to_owned();
        let command = command();
        for of in command.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help") {
            out.push_str(&section(of, "vmesh", "##"));
            let below = of.get_subcommands().filter(|it| it.get_name() != "help");
            let name = format!("vmesh {}", of.get_name());
            below.for_each(|below| out.push_str(&section(below, &name, "###")));
        }
        out
    }

    fn section(of: &clap::Command, parent: &str, heading: &str) -> String {
        let about = of.get_long_about().or_else(|| of.get_about()).map(ToString::to_string).unwrap_or_default();
        let mut out =
            format!("\n{heading} `{parent} {}`\n\n{}\n", of.get_name(), about.trim_end_matches('.').to_owned() + ".");
        let arguments: Vec<String> = of.get_arguments().filter(|it| !it.is_hide_set()).map(argument).collect();
        if !arguments.is_empty() {
            out.push_str(&format!("\n| argument | is |\n|---|---|\n{}", arguments.concat()));
        }
        let examples = of.get_after_help().map(ToString::to_string).unwrap_or_default();
        if let Some(lines) = examples.strip_prefix("Examples:\n") {
            let lines: String = lines.lines().map(|line| format!("{}\n", line.trim_start())).collect();
            out.push_str(&format!("\n```sh\n{lines}```\n"));
        }
        out
    }

    fn argument(argument: &clap::Arg) -> String {
        let values: Vec<String> = argument.get_value_names().into_iter().flatten().map(ToString::to_string).collect();
        let takes = argument.get_action().takes_values();
        let name = match (argument.get_long(), argument.get_short()) {
            (Some(long), short) => {
                let short = short.map_or_else(String::new, |short| format!("`-{short}`, "));
                let value = match (takes, argument.is_require_equals_set()) {
                    (false, _) => String::new(),
                    (true, true) => format!("[={}]", values.join(" ")),
                    (true, false) => format!(" {}", values.join(" ")),
                };
                format!("{short}`--{long}{value}`")
            }
            (None, _) => format!("`{}`", values.join(" ")),
        };
        let about =
            argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string).unwrap_or_default();
        let default: Vec<String> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let default = match takes && !argument.is_hide_default_value_set() && !default.is_empty() {
            true => format!(" (default: {})", default.join(", ")),
            false => String::new(),
        };
        format!("| {name} | {}{default} |\n", about.replace('\n', " ").replace('|', "\\|"))
    }
}
