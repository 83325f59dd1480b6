//! Several at once: readers never see a mixture, writers never lose an update.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use vmesh::adapter::engine::{self, Body, Build, Door, Interrupt, Location, Publication, Warehouse, WarehouseError};
use vmesh::domain::engine_kind::EngineKind;
use vmesh::domain::environment::{Owner, Pointer, PromotionAction};
use vmesh::domain::fingerprint::Fingerprint;
use vmesh::domain::model::KindWord;
use vmesh::domain::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};

use crate::support::{CHAIN, Sandbox};

fn location(folder: &Path) -> Location {
    let patience = std::time::Duration::from_secs(20);
    let (path, scratch) = (folder.join("warehouse.duckdb"), folder.join("scratch"));
    Location::new(path, scratch, Door::default(), patience, Interrupt::default())
}

fn open(folder: &Path) -> Box<dyn Warehouse> {
    engine::of_project(EngineKind::DuckDb).write(&location(folder), &mut |_| {}).unwrap()
}

/// A snapshot of a model that holds one number.
fn build(model: &str, number: u8) -> Build {
    let fingerprint = Fingerprint::from_hex(&format!("{number:02x}").repeat(32)).unwrap();
    let model = ModelName::parse(model).unwrap();
    Build {
        around: Default::default(),
        table: TableName::snapshot(&model, &fingerprint.hex()),
        model,
        fingerprint,
        own: fingerprint,
        content: fingerprint,
        kind: KindWord::Full,
        parents: Vec::new(),
        sources: Default::default(),
        beside: None,
        recipe: None,
        shape: None,
        clone_of: None,
        replaces: None,
        body: Body::Table(format!("SELECT {number} AS n")),
        files: Vec::new(),
        reads_outside: false,
        source_stamp: None,
        declared: None,
        audits: Vec::new(),
        audited: None,
        warnings: Default::default(),
    }
}

fn publish(warehouse: &dyn Warehouse, builds: &[Build], expected: Option<u64>) -> Result<u64, WarehouseError> {
    let pointer = |build: &Build| Pointer { fingerprint: build.fingerprint, table: build.table.clone() };
    let pointers = builds.iter().map(|build| (build.model.clone(), pointer(build))).collect();
    let (environment, branch) = (EnvName::prod(), BranchName::from("main"));
    let publication = Publication {
        relinked: &[],
        comments: &Default::default(),
        environment: &environment,
        expected,
        branch: &branch,
        commit: Some("0123"),
        dirty: false,
        base: None,
        tip: None,
        pointers: &pointers,
        owner: &Owner { who: "Ada".to_owned(), host: "here".to_owned(), folder: "/shop".to_owned() },
        replaces: None,
        pattern: SchemaPattern::EnvFirst,
        action: PromotionAction::Promote,
        at: 0,
    };
    warehouse.publish(&publication, &|_| {})
}

#[test]
fn a_reader_never_sees_a_mixture_while_prod_moves() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path());
    let [old, new] = [1, 2].map(|number| [build("a", number), build("b", number)]);
    for build in old.iter().chain(&new) {
        warehouse.build(build, 0).unwrap();
    }
    let mut generation = publish(&*warehouse, &old, None).unwrap();
    let done = AtomicBool::new(false);
    let reader = warehouse.another_session().unwrap();
    let (reads, mixed) = std::thread::scope(|scope| {
        let done = &done;
        let read = scope.spawn(move || {
            let (mut reads, mut mixed) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let both = reader.rows("reading", "SELECT a.n, b.n FROM prod.a, prod.b", None).unwrap();
                reads += 1;
                mixed += usize::from(both.rows.iter().any(|row| row[0] != row[1]));
            }
            (reads, mixed)
        });
        for round in 0..200 {
            let builds = if round % 2 == 0 { &new } else { &old };
            generation = publish(&*warehouse, builds, Some(generation)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        read.join().unwrap()
    });
    assert_eq!((mixed, generation), (0, 201));
    assert!(reads > 20, "the reader hardly read: {reads}");
}

#[test]
fn the_later_of_two_publications_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path());
    let builds = [build("a", 1)];
    warehouse.build(&builds[0], 0).unwrap();
    assert_eq!(publish(&*warehouse, &builds, None).unwrap(), 1);
    assert!(matches!(publish(&*warehouse, &builds, None), Err(WarehouseError::Moved { found: Some(1), .. })));
    assert_eq!(publish(&*warehouse, &builds, Some(1)).unwrap(), 2);
    assert!(matches!(publish(&*warehouse, &builds, Some(1)), Err(WarehouseError::Moved { found: Some(2), .. })));
}

#[test]
fn a_pointer_to_a_lost_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path());
    let lost = publish(&*warehouse, &[build("a", 1)], None);
    assert!(matches!(lost, Err(WarehouseError::Lost { .. })), "{lost:?}");
}

#[test]
fn two_promotes_at_once_never_lose_one() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    for round in 0..4 {
        sandbox.model("marts.totals", &format!("SELECT sum(amount) + {round} AS total FROM staging.orders"));
        sandbox.commit("round");
        let start = || sandbox.vmesh_command(&["promote", "--yes"]).spawn().unwrap();
        let mut both = [start(), start()];
        assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
        assert_eq!(sandbox.value("SELECT total FROM marts.report"), (60 + round).to_string());
        sandbox.is_sound();
    }
    let generations = sandbox.rows("SELECT generation FROM vmesh_state.promotions ORDER BY generation");
    let expected: Vec<Vec<String>> = (1..=generations.len()).map(|number| vec![number.to_string()]).collect();
    assert_eq!(generations, expected, "no generation twice, none left out");
}

#[test]
fn plans_of_several_branches_at_once_all_arrive() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    let branches = ["a", "b", "c"];
    for (number, branch) in branches.iter().enumerate() {
        sandbox.git(&["switch", "--quiet", "-c", branch, "main"]).good();
        sandbox.model("marts.totals", &format!("SELECT {number} AS total FROM staging.orders LIMIT 1"));
        sandbox.commit(branch);
    }
    let start = |branch: &&str| sandbox.vmesh_command(&["plan", branch, "--yes"]).spawn().unwrap();
    let mut all: Vec<_> = branches.iter().map(start).collect();
    assert!(all.iter_mut().all(|child| child.wait().unwrap().success()));
    for (number, branch) in branches.iter().enumerate() {
        let total = sandbox.value(&format!("SELECT total FROM dev__{branch}__marts.report"));
        assert_eq!(total, number.to_string(), "{branch}");
    }
    sandbox.is_sound();
}

#[test]
fn a_warehouse_that_another_process_is_just_making_is_waited_for() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let (warehouse, made) = (sandbox.warehouse(), sandbox.path().join("made.duckdb"));
    std::fs::rename(&warehouse, &made).unwrap();
    std::fs::write(&warehouse, [0; 4096]).unwrap();
    let envs = sandbox
        .vmesh_command(&["envs"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    std::fs::rename(&made, &warehouse).unwrap();
    let envs = envs.wait_with_output().unwrap();
    assert!(envs.status.success() && String::from_utf8_lossy(&envs.stdout).contains("prod"), "{envs:?}");
}
