//! Where hooks go, and who owns the folder.

use super::{Sandbox, open};

#[test]
fn the_repository_has_a_folder_for_all_its_worktrees() {
    let sandbox = Sandbox::new();
    let linked = sandbox.beside("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "alice", linked.to_str().unwrap()]);
    for top in [&sandbox.top, &linked] {
        let hooks = open(top).hooks_dir().unwrap();
        assert_eq!(hooks.path, sandbox.top.join(".git/hooks"));
        assert!(hooks.configured.is_none() && !hooks.inside_worktree && !hooks.global);
        assert_eq!((hooks.path, hooks.top.as_ref()), (hooks.own, Some(top)));
    }
}

#[test]
fn a_configured_folder_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    let outside = sandbox.beside("shared hooks");
    let cases = [
        (".githooks", sandbox.top.join(".githooks"), true, false),
        (".git/my-hooks", sandbox.top.join(".git/my-hooks"), false, false),
        (outside.to_str().unwrap(), outside.clone(), false, true),
    ];
    for (value, path, inside_worktree, global) in cases {
        sandbox.git(&["config", "core.hooksPath", value]);
        // wherever one stands
        let hooks = open(&sandbox.top.join("models")).hooks_dir().unwrap();
        assert_eq!((hooks.configured.as_deref(), hooks.path), (Some(value), path));
        assert_eq!((hooks.inside_worktree, hooks.global), (inside_worktree, global), "{value}");
    }
}

#[test]
fn a_bare_repository_has_no_top() {
    let sandbox = Sandbox::unborn(&["--bare"]);
    let hooks = sandbox.open().hooks_dir().unwrap();
    assert_eq!((hooks.path, hooks.top), (sandbox.top.join("hooks"), None));
}

#[test]
fn settings_are_read() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "user.name", "Ada L."]);
    let repository = sandbox.open();
    assert_eq!(repository.user_name().unwrap().as_deref(), Some("Ada L."));
    assert_eq!(repository.config_string("vmesh.no").unwrap(), None);
}
