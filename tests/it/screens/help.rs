//! What `--help` says of vmesh and of each of its commands.

use super::Terminal;
use crate::support::Sandbox;

/// The help of everything, as of the commands that `vmesh --help` names.
fn screens(columns: u16) -> String {
    let sandbox = Sandbox::nested();
    let mut terminal = Terminal::new(&sandbox, columns);
    terminal.show("vmesh --help");
    let help = sandbox.vmesh(&["--help"]).good();
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names =
        commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|it| !it.is_empty());
    for name in names.filter(|name| *name != "help") {
        terminal.show(&format!("vmesh {name} --help"));
    }
    for verb in ["install", "uninstall", "status"] {
        terminal.show(&format!("vmesh hooks {verb} --help"));
    }
    terminal.told()
}

at_both_widths!();
