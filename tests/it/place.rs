//! Where the warehouse lies: no branch can write it, replace it, or have something of its own taken for it.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::{CHAIN, Sandbox, rows};

/// A promoted project whose settings put the warehouse among its files.
fn among_files() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("vmesh.toml", "[engine]\npath = \"data/shop.duckdb\"\n[hooks]\nbuild = \"inline\"\n");
    CHAIN.iter().for_each(|(name, sql)| sandbox.model(name, sql));
    sandbox.git(&["add", "--all"]).good();
    sandbox.git(&["commit", "--quiet", "-m", "models"]).good();
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(total(&sandbox, &warehouse(&sandbox)), "60");
    sandbox
}

fn warehouse(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join("data/shop.duckdb")
}

fn total(_: &Sandbox, path: &std::path::Path) -> String {
    rows(&duckdb::Connection::open(path).unwrap(), "SELECT total FROM marts.totals")[0][0].clone()
}

/// A branch whose commit holds these files, made without any checkout here.
fn hostile(sandbox: &Sandbox, files: &dyn Fn(&std::path::Path)) {
    let clone = sandbox.path().join(".git/hostile");
    let top = clone.to_str().unwrap();
    sandbox.git(&["clone", "--quiet", ".", top]).good();
    files(&clone);
    sandbox.git_in(&clone, &["checkout", "--quiet", "-b", "hostile"]).good();
    sandbox.git_in(&clone, &["add", "--all", "--force"]).good();
    sandbox.git_in(&clone, &["commit", "--quiet", "-m", "look at this"]).good();
    sandbox.git(&["fetch", "--quiet", top, "hostile:hostile"]).good();
    std::fs::remove_dir_all(clone).unwrap();
}

#[test]
fn by_default_it_lies_below_the_git_directory_and_a_link_leads_there() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let link = sandbox.path().join("warehouse");
    assert_eq!(std::fs::read_link(&link).unwrap(), PathBuf::from(".git/vmesh/warehouse"));
    assert_eq!(total(&sandbox, &link.join("warehouse.duckdb")), "60");
    assert_eq!(sandbox.git(&["status", "--porcelain"]).good(), "");
    let status = sandbox.vmesh(&["status"]).good();
    assert!(status.contains("warehouse/warehouse.duckdb"), "{status}");

    // all worktrees share it; each has its own link
    sandbox.git(&["worktree", "add", "--quiet", "-b", "alice", ".git/alice"]).good();
    let alice = sandbox.path().join(".git/alice");
    sandbox.vmesh_in(&alice, &["plan", "--yes"]).good();
    assert_eq!(alice.join("warehouse").canonicalize().unwrap(), link.canonicalize().unwrap());
    assert_eq!(sandbox.git_in(&alice, &["status", "--porcelain"]).good(), "");
    // cleaning up what Git ignores leaves it alone
    sandbox.git(&["clean", "-fdxq"]).good();
    assert!(!link.exists() && sandbox.warehouse().exists());
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert!(sandbox.is_in_step());
}

#[test]
fn a_branch_that_has_files_where_the_link_is_gets_nowhere() {
    let sandbox = Sandbox::promoted(&CHAIN);
    hostile(&sandbox, &|clone| {
        std::fs::create_dir(clone.join("warehouse")).unwrap();
        std::fs::write(clone.join("warehouse/warehouse.duckdb"), "mine").unwrap();
        std::fs::write(clone.join("warehouse/warehouse.duckdb.wal"), "mine").unwrap();
        symlink("/", clone.join(".tmp")).unwrap();
        symlink("/", clone.join("warehouse.duckdb.tmp")).unwrap();
        std::fs::write(clone.join("warehouse.duckdb"), "mine").unwrap();
    });
    sandbox.git(&["checkout", "--quiet", "hostile"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(total(&sandbox, &sandbox.warehouse()), "60");
    assert_eq!(sandbox.read("warehouse/warehouse.duckdb"), "mine");
    sandbox.git(&["checkout", "--quiet", "main"]).good();
    assert!(sandbox.is_in_step());
    assert_eq!(total(&sandbox, &sandbox.warehouse()), "60");
}

#[test]
fn the_engine_s_temporary_folder_is_never_a_branch_s() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.write(".git/secret.csv", "a\nhidden\n");
    let paths = [".tmp/.git/secret.csv", "warehouse.duckdb.tmp/.git/secret.csv", "warehouse/warehouse.duckdb.tmp/x"];
    sandbox.git(&["checkout", "--quiet", "-b", "links"]).good();
    symlink(".", sandbox.path().join(".tmp")).unwrap();
    symlink(".", sandbox.path().join("warehouse.duckdb.tmp")).unwrap();
    for (number, path) in paths.iter().enumerate() {
        sandbox.model(&format!("staging.leak_{number}"), &format!("SELECT * FROM read_csv('{path}')"));
        sandbox.model(&format!("staging.text_{number}"), &format!("SELECT content FROM read_text('{path}')"));
    }
    sandbox.commit("links");
    let said = sandbox.vmesh(&["plan", "--yes"]);
    assert_ne!(said.code, Some(0), "{}", said.out);
    assert!(!said.err.contains("hidden") && !said.out.contains("hidden"), "{}", said.err);
    assert_eq!(sandbox.value("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%leak%'"), "0");
}

#[test]
fn among_the_project_s_files_it_is_refused_while_git_has_something_in_its_place() {
    let wal = ["data/shop.duckdb.wal", "data/shop.duckdb.wal.checkpoint", "data/shop.duckdb.wal.recovery"];
    for file in
        [&["data/shop.duckdb.tmp/x", "DATA/Shop.duckdb.wal"], &wal[..2], &wal[2..], &["data/shop.duckdb"][..]].concat()
    {
        let sandbox = among_files();
        let kept = std::fs::read(warehouse(&sandbox)).unwrap();
        hostile(&sandbox, &|clone| {
            std::fs::create_dir_all(clone.join(file).parent().unwrap()).unwrap();
            std::fs::write(clone.join(file), "hostile").unwrap();
        });
        sandbox.git(&["checkout", "--quiet", "--force", "hostile"]).good();
        for command in [&["plan", "--yes"][..], &["envs"], &["query", "SELECT 1"], &["status"], &["doctor"]] {
            let said = sandbox.vmesh(command).fails(1);
            assert!(said.contains("Git tracks") && said.contains("--move-warehouse"), "{file} {command:?}: {said}");
        }
        if !file.ends_with("shop.duckdb") {
            assert_eq!(std::fs::read(warehouse(&sandbox)).unwrap(), kept, "{file}");
        }
        sandbox.git(&["checkout", "--quiet", "--force", "main"]).good();
        if !file.ends_with("shop.duckdb") {
            assert_eq!(total(&sandbox, &warehouse(&sandbox)), "60", "{file}");
        }
    }
}

#[test]
fn among_the_project_s_files_no_link_is_followed() {
    for link in ["data/shop.duckdb.wal", "data/shop.duckdb.tmp", "data/shop.duckdb.wal.checkpoint", "data"] {
        let sandbox = among_files();
        sandbox.write(".git/victim", "precious");
        if link == "data" {
            std::fs::rename(sandbox.path().join("data"), sandbox.path().join(".git/data")).unwrap();
            symlink(".git/data", sandbox.path().join("data")).unwrap();
        } else {
            symlink("../.git/victim", sandbox.path().join(link)).unwrap();
        }
        let said = sandbox.vmesh(&["promote", "--yes"]).fails(1);
        assert!(said.contains(link) && said.contains("is a link"), "{said}");
        assert_eq!(sandbox.read(".git/victim"), "precious");
    }
}

#[test]
fn a_log_of_another_database_is_never_replayed() {
    for version in ["v0.10.2", "v1.2.0", "v1.4.0"] {
        let sandbox = among_files();
        let other = sandbox.path().join(".git/other.duckdb");
        {
            let config = duckdb::Config::default().with("storage_compatibility_version", version).unwrap();
            let connection = duckdb::Connection::open_with_flags(&other, config).unwrap();
            let rows = "SET wal_autocheckpoint = '1GB'; CREATE SCHEMA marts; \
                        CREATE OR REPLACE VIEW marts.totals AS SELECT 0 AS total; CREATE TABLE evil AS SELECT 1 AS a";
            connection.execute_batch(rows).unwrap();
            std::fs::copy(other.with_extension("duckdb.wal"), warehouse(&sandbox).with_extension("duckdb.wal"))
                .unwrap();
        }
        let said = sandbox.vmesh(&["promote", "--yes"]).fails(1);
        assert!(said.contains("shop.duckdb.wal") || said.contains("does not match"), "{version}: {said}");
        std::fs::remove_file(warehouse(&sandbox).with_extension("duckdb.wal")).unwrap();
        assert_eq!(total(&sandbox, &warehouse(&sandbox)), "60", "{version}");
    }
}

#[test]
fn a_killed_process_s_log_is_taken_up() {
    let sandbox = Sandbox::promoted(&CHAIN);
    {
        let connection = duckdb::Connection::open(sandbox.warehouse()).unwrap();
        connection.execute_batch("SET wal_autocheckpoint = '1GB'; CREATE TABLE mine AS SELECT 7 AS a").unwrap();
        let copy = |ending: &str| {
            let from = sandbox.warehouse().with_extension(format!("duckdb{ending}"));
            std::fs::copy(from, sandbox.path().join(format!(".git/copy{ending}"))).unwrap();
        };
        copy("");
        copy(".wal");
    }
    for ending in ["", ".wal"] {
        let to = sandbox.warehouse().with_extension(format!("duckdb{ending}"));
        std::fs::copy(sandbox.path().join(format!(".git/copy{ending}")), to).unwrap();
    }
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT a FROM mine"), "7");
}

#[test]
fn whatever_it_is_called_git_does_not_add_it() {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("vmesh.toml", "[engine]\npath = \"data/[my] wh*\"\n[hooks]\nbuild = \"inline\"\n");
    sandbox.model("a.one", "SELECT 1 AS a");
    sandbox.commit("models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    for ending in [".wal", ".wal.checkpoint", ".tmp"] {
        sandbox.write(&format!("data/[my] wh*{ending}"), "x");
    }
    assert_eq!(sandbox.git(&["status", "--porcelain", "--untracked-files=all"]).good(), "");
    sandbox.write("data/[my] whale.csv", "a\n1\n");
    assert!(sandbox.git(&["status", "--porcelain", "--untracked-files=all"]).good().contains("whale"));
}

#[test]
fn a_warehouse_can_be_moved_to_safety() {
    let sandbox = among_files();
    sandbox.git(&["checkout", "--quiet", "-b", "alice"]).good();
    sandbox.model("marts.totals", "SELECT sum(amount) + 1 AS total FROM staging.orders");
    sandbox.commit("more");
    assert!(sandbox.vmesh(&["doctor"]).good().contains("vmesh doctor --move-warehouse"));
    let said = sandbox.vmesh(&["doctor", "--move-warehouse"]).good();
    assert!(said.contains(".git/vmesh/warehouse/shop.duckdb"), "{said}");
    let moved = sandbox.path().join(".git/vmesh/warehouse/shop.duckdb");
    assert!(!warehouse(&sandbox).exists() && moved.exists());
    // nothing is built again, whether the settings still name the old place or no longer do
    assert!(sandbox.is_in_step());
    assert!(sandbox.vmesh(&["doctor"]).good().contains("take the warehouse's path out of vmesh.toml"));
    sandbox.git(&["checkout", "--quiet", "main"]).good();
    assert!(sandbox.is_in_step());
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.commit("the default place");
    assert!(sandbox.is_in_step());
    assert_eq!(total(&sandbox, &moved), "60");
    sandbox.vmesh(&["doctor", "--move-warehouse"]).fails(2);
    sandbox.is_sound();
}

#[test]
fn a_warehouse_of_an_earlier_vmesh_is_found_beside_the_settings() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let before = sandbox.path().join("warehouse.duckdb");
    std::fs::rename(sandbox.warehouse(), &before).unwrap();
    assert!(sandbox.is_in_step());
    assert!(sandbox.vmesh(&["doctor"]).good().contains("--move-warehouse"));
    sandbox.vmesh(&["doctor", "--move-warehouse"]).good();
    assert!(!before.exists() && sandbox.warehouse().exists());
    assert!(sandbox.is_in_step());
}
