//! Where vmesh is started, what Git tells it there, and what people call their branches and files.

use crate::support::{CHAIN, Sandbox};

/// A repository with its project in `data/warehouse`, promoted.
fn monorepo() -> Sandbox {
    let sandbox = Sandbox::nested();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("data/warehouse/vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.write("data/warehouse/models/a.sql", "SELECT 1 AS n");
    sandbox.write(".gitignore", "*.duckdb*\n");
    sandbox.commit("a project");
    let project = sandbox.path().join("data/warehouse");
    sandbox.vmesh_in(&project, &["hooks", "install"]).good();
    sandbox.vmesh_in(&project, &["promote", "--yes"]).good();
    sandbox
}

fn warehouses(sandbox: &Sandbox) -> usize {
    let found = sandbox.shell("find .. -name '*.duckdb' -type f | wc -l").good();
    found.trim().parse().unwrap()
}

#[test]
fn a_hook_may_stand_anywhere_in_a_linked_worktree() {
    let sandbox = monorepo();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "alice", "../linked"]).good();
    let linked = sandbox.path().parent().unwrap().join("linked");
    let git_dir = sandbox.path().join(".git/worktrees/linked");
    let before = warehouses(&sandbox);
    let n = |script: &str, value: usize| {
        std::fs::write(linked.join("data/warehouse/models/a.sql"), format!("SELECT {value} AS n")).unwrap();
        sandbox.shell_in(&linked, script).good();
        let query = ["query", "SELECT n FROM a", "--env", "alice", "--format", "csv"];
        let shown = sandbox.vmesh_in(&sandbox.path().join("data/warehouse"), &query).good();
        assert_eq!(shown, format!("n\n{value}\n"), "{script}");
        assert_eq!(warehouses(&sandbox), before, "{script}");
    };
    let git_dir = git_dir.display();
    n(&format!("export GIT_DIR={git_dir}; cd data/warehouse && vmesh plan --yes"), 2);
    n(&format!("export GIT_DIR={git_dir} GIT_WORK_TREE=.; cd data/warehouse/models && vmesh plan --yes"), 3);
    n("git -C data/warehouse -c alias.fresh='!cd data/warehouse && vmesh plan --yes' fresh", 4);
    // a hook of the person's own, run by Git
    let hook = "#!/bin/sh\ncd data/warehouse && vmesh plan --yes\n";
    let file = sandbox.path().join(".git/hooks/pre-commit");
    std::fs::write(&file, hook).unwrap();
    sandbox.shell("chmod +x .git/hooks/pre-commit").good();
    n("git -c core.hooksPath=$(git rev-parse --git-common-dir)/hooks commit -qam four", 5);
    n("cd data && git commit -qm five warehouse/models/a.sql", 6);
    std::fs::remove_file(file).unwrap();
    n("git commit -qam seven && git rebase -q --exec 'cd data/warehouse && vmesh plan alice --yes' HEAD~1", 7);
}

#[test]
fn a_hook_may_stand_anywhere_in_the_main_worktree_and_in_submodules() {
    let sandbox = monorepo();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("data/warehouse/models/a.sql", "SELECT 2 AS n");
    for set in ["GIT_DIR=.git", "GIT_DIR=$PWD/.git", "GIT_DIR=.git GIT_WORK_TREE=.", "GIT_INDEX_FILE=.git/index"] {
        let status = sandbox.shell(&format!("export {set}; cd data/warehouse && vmesh status")).good();
        assert!(status.contains("dev__alice") && status.contains("not in step"), "{set}: {status}");
    }
    let outer = Sandbox::empty();
    outer.git(&["init", "--quiet"]).good();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "-b", "main"];
    outer.git(&[&add[..], &[sandbox.path().to_str().unwrap(), "lib"]].concat()).good();
    let status = "export GIT_DIR=$PWD/.git/modules/lib; cd lib/data/warehouse && vmesh status";
    let status = outer.shell(status).good();
    assert!(status.starts_with("prod"), "{status}");
}

#[test]
fn a_branch_may_be_called_like_an_environment() {
    let sandbox = Sandbox::empty();
    sandbox.write("x", "");
    let sandbox = sandbox.filled(&[("a", "SELECT 1 AS n")]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[environments.branches]\n\"release/*\" = \"staging\"\n");
    sandbox.commit("settings");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for (number, branch) in ["prod", "dev__alice", "staging", "dev__prod", "HEAD~1", "release/1"].iter().enumerate() {
        if sandbox.git(&["switch", "--quiet", "-c", branch, "main"]).code != Some(0) {
            continue;
        }
        sandbox.model("a", &format!("SELECT {} AS n", number + 10));
        let said = sandbox.commit("own rows");
        let status = sandbox.vmesh(&["status", "--json"]).json();
        let environment = status["environment"].as_str().unwrap().to_owned();
        assert!(environment != "prod" && said.contains(&environment), "{branch}: {said}");
        assert_eq!(status["in_step"], true, "{branch}: {said}");
        assert_eq!(sandbox.value(&format!("SELECT n FROM {environment}.a")), (number + 10).to_string());
        let shown = sandbox.vmesh(&["query", "SELECT n FROM a", "--env", &environment, "--format", "csv"]).good();
        assert_eq!(shown, format!("n\n{}\n", number + 10), "{branch}");
        assert_eq!(sandbox.value("SELECT n FROM prod.a"), "1", "{branch}");
        assert_eq!(sandbox.vmesh(&["plan", "--json"]).json()["environment"], environment.as_str());
    }
    // what a person types is an environment first
    assert_eq!(sandbox.vmesh(&["plan", "prod", "--json"]).json()["branch"], "main");
    assert_eq!(sandbox.vmesh(&["plan", "dev__alice", "--json"]).json()["branch"], "alice");
    assert_eq!(sandbox.vmesh(&["plan", "staging", "--json"]).json()["branch"], "release/1");
}

#[test]
fn main_may_be_a_branch_like_any_other() {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "trunk"]).good();
    sandbox.write("vmesh.toml", "[project]\nmain = \"trunk\"\n[hooks]\nbuild = \"inline\"\n");
    sandbox.write(".gitignore", "*.duckdb*\n");
    sandbox.model("a", "SELECT 1 AS n");
    sandbox.commit("trunk");
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    for branch in ["main", "master"] {
        sandbox.git(&["switch", "--quiet", "-c", branch]).good();
        sandbox.model("a", &format!("SELECT '{branch}' AS n"));
        let said = sandbox.commit(branch);
        let environment = sandbox.vmesh(&["status", "--json"]).json()["environment"].as_str().unwrap().to_owned();
        assert!(said.contains(&format!("{environment} ")), "{said}");
        assert_eq!(sandbox.value(&format!("SELECT n FROM {environment}.a")), *branch);
        assert_eq!(sandbox.value("SELECT n FROM prod.a"), "1");
    }
}

#[test]
fn what_editors_and_notebooks_leave_is_no_file_of_the_project() {
    let sandbox = Sandbox::with_models(&[("a", "SELECT 1 AS n")]);
    sandbox.write("macros/m.sql", "{% macro one() %}1{% endmacro %}");
    sandbox.write("data/x.csv", "n\n1\n");
    sandbox.model("x", "SELECT count(*) AS n FROM read_csv('data/*.csv')");
    sandbox.write("tests/test_a.yaml", "test_a:\n  model: a\n  outputs:\n    query:\n    - n: 1\n");
    let broken = "SELECT FROM (";
    for (folder, file) in [("models", "a.sql"), ("macros", "m.sql"), ("audits", "u.sql"), ("tests", "test_a.yaml")] {
        let (stem, ending) = file.split_once('.').unwrap();
        for litter in [
            format!(".ipynb_checkpoints/{stem}-checkpoint.{ending}"),
            format!("deep/.ipynb_checkpoints/{stem}-checkpoint.{ending}"),
            format!("__MACOSX/{file}"),
            format!("._{file}"),
            format!(".#{file}"),
            format!(".~lock.{file}"),
            format!("~${file}"),
            format!("#{file}#"),
            format!("{file}~"),
            format!(".{file}.swp"),
        ] {
            sandbox.write(&format!("{folder}/{litter}"), broken);
        }
    }
    sandbox.write("data/._x.csv", "n\n1\n2\n");
    sandbox.write("data/.~lock.x.csv", "n\n1\n2\n");
    sandbox.commit("litter");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT n FROM prod.x"), "1");
    assert_eq!(sandbox.views("prod").len(), 2);
    let tests = sandbox.vmesh(&["test"]).good();
    assert!(tests.contains("1 test"), "{tests}");
}

#[test]
fn conflicts_are_told_by_file_before_anything_else() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT max(amount) AS total FROM staging.orders");
    sandbox.commit("max");
    sandbox.git(&["switch", "--quiet", "-c", "bob", "main"]).good();
    sandbox.model("marts.totals", "SELECT min(amount) AS total FROM staging.orders");
    sandbox.commit("min");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    let told = |branch: &str| {
        let plan = sandbox.vmesh(&["plan"]).fails(1);
        assert!(plan.contains("there are conflicts in models/marts/totals.sql"), "{branch}: {plan}");
        let done = sandbox.vmesh(&["status"]);
        assert!(done.out.contains("conflicts in models/marts/totals.sql"), "{branch}: {done:?}");
        assert!(!done.out.contains("in step"), "{branch}: {done:?}");
        let status = sandbox.vmesh(&["status", "--json"]).json();
        assert_eq!(status["conflicts"], serde_json::json!(["models/marts/totals.sql"]), "{branch}");
        let hook = sandbox.vmesh(&["hook", "post-checkout", "0", "0", "1"]);
        assert!(hook.err.contains("conflicts in models/marts/totals.sql"), "{branch}: {hook:?}");
    };
    // on main, on a branch, by a squash and by a stash
    assert_ne!(sandbox.git(&["merge", "--quiet", "bob"]).code, Some(0));
    told("main");
    sandbox.git(&["merge", "--abort"]).good();
    assert_ne!(sandbox.git(&["merge", "--quiet", "--squash", "bob"]).code, Some(0));
    told("squash");
    sandbox.git(&["reset", "--quiet", "--hard"]).good();
    sandbox.git(&["switch", "--quiet", "bob"]).good();
    assert_ne!(sandbox.git(&["merge", "--quiet", "main"]).code, Some(0));
    told("bob");
    // another branch can be planned meanwhile
    sandbox.vmesh(&["plan", "alice"]).good();
    sandbox.git(&["merge", "--abort"]).good();
    assert!(sandbox.is_in_step());
}

#[test]
fn a_warehouse_s_name_ends_at_its_first_dot() {
    for file in ["shop.prod.duckdb", "shop.duckdb", "shop"] {
        let sandbox = Sandbox::empty();
        sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
        sandbox.write(".gitignore", "shop\nshop.*\n");
        sandbox.write("config.yaml", &format!("gateways:\n  local:\n    connection:\n      type: duckdb\n      database: {file}\nmodel_defaults:\n  dialect: duckdb\n"));
        sandbox.model("a", "MODEL (name shop.s.a);\nSELECT 1 AS n");
        sandbox.model("b", "MODEL (name @default_catalog.s.b, audits (same));\nSELECT n FROM shop.s.a;\nAUDIT (name same);\nSELECT * FROM @this_model WHERE n NOT IN (SELECT n FROM @{default_catalog}.s.a)");
        sandbox.commit("models");
        sandbox.vmesh(&["promote", "--yes"]).good();
        sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
        sandbox.model("a", "MODEL (name shop.s.a);\nSELECT 2 AS n");
        sandbox.vmesh(&["plan", "--yes"]).good();
        // the engine's own name of it, and what it means on the branch
        let query = ["query", "SELECT n, current_database() AS name FROM shop.s.b", "--format", "csv"];
        assert_eq!(sandbox.vmesh(&query).good(), "n,name\n2,shop\n", "{file}");
    }
}

#[test]
fn projects_of_folders_that_read_alike_have_a_main_each() {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "trunk"]).good();
    // no settings say what is main: whoever installs the hooks does, by the branch they are on
    let folders = [("a/b", "trunk"), ("a+b", "other"), ("a%2Bb", "third")];
    let settings = "gateways:\n  local:\n    connection:\n      type: duckdb\n      database: w.duckdb\nmodel_defaults:\n  dialect: duckdb\n";
    sandbox.write(".gitignore", "*.duckdb*\n");
    for (folder, _) in folders {
        sandbox.write(&format!("{folder}/config.yaml"), settings);
        sandbox.write(&format!("{folder}/models/m.sql"), "SELECT 1 AS n");
    }
    sandbox.commit("projects");
    for (folder, main) in folders {
        sandbox.git(&["switch", "--quiet", "-C", main]).good();
        sandbox.vmesh_in(&sandbox.path().join(folder), &["hooks", "install"]).good();
    }
    sandbox.git(&["switch", "--quiet", "-c", "stranger"]).good();
    for (folder, main) in folders {
        let told = sandbox.vmesh_in(&sandbox.path().join(folder), &["promote"]);
        assert!(told.out.starts_with(&format!("prod · branch {main} at ")), "{folder}: {}{}", told.out, told.err);
    }
}
