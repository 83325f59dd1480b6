//! What rings the bell, and what does not.

use std::fs;

use notify::event::{AccessKind, DataChange, MetadataKind, RenameMode};

use super::*;
use crate::adapter::bell::Heard;

const DATA: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const CREATED: EventKind = EventKind::Create(CreateKind::File);
const FOLDER: EventKind = EventKind::Create(CreateKind::Folder);
const RENAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

fn places(project: &Path) -> Arc<Places> {
    let git = project.join(".git");
    Arc::new(Places {
        git: [git.clone(), git.clone()],
        queue: git.join("vmesh/queue"),
        wanted: Box::new(|path| path.extension().is_some_and(|ending| ending == "sql")),
        stamp: Box::new(String::new),
    })
}

#[test]
fn only_what_counts_rings() {
    let places = places(Path::new("/p"));
    let told = |kind: EventKind, path: &str| {
        meaning(kind, &Path::new("/p").join(path), &places, &|path| path == Path::new("/p/models"))
    };
    let folders = Meaning::Changed(Ring { folders: true, ..Ring::FILES });
    let table = [
        (DATA, "models/a.sql", Meaning::Changed(Ring::FILES)),
        (RENAMED, "models/a.sql", Meaning::Changed(Ring::FILES)),
        (EventKind::Access(AccessKind::Any), "models/a.sql", Meaning::Nothing),
        (EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), "models/a.sql", Meaning::Nothing),
        (CREATED, "models/4913", Meaning::Nothing),
        (CREATED, "models/.a.sql.swp", Meaning::Nothing),
        (DATA, "models/a.sql~", Meaning::Nothing),
        (CREATED, "models/#a.sql#", Meaning::Nothing),
        (DATA, "warehouse.duckdb.wal", Meaning::Nothing),
        (FOLDER, "warehouse.duckdb.tmp", Meaning::Nothing),
        (FOLDER, ".cache", Meaning::Nothing),
        (FOLDER, "models/new", folders),
        (EventKind::Remove(RemoveKind::Folder), "models", Meaning::Changed(Ring { folders: true, ..Ring::FILES })),
        (
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
            "models",
            Meaning::Changed(Ring { folders: true, ..Ring::FILES }),
        ),
        (RENAMED, ".git/HEAD", Meaning::Changed(Ring::GIT)),
        (DATA, ".git/logs/HEAD", Meaning::Changed(Ring::GIT)),
        (RENAMED, ".git/refs/heads/feature/x", Meaning::Changed(Ring::GIT)),
        (FOLDER, ".git/refs/heads/feature", Meaning::Changed(Ring::ALL)),
        (RENAMED, ".git/packed-refs", Meaning::Changed(Ring::GIT)),
        (RENAMED, ".git/reftable/tables.list", Meaning::Changed(Ring::GIT)),
        (CREATED, ".git/index.lock", Meaning::GitWorks),
        (RENAMED, ".git/index", Meaning::GitWorks),
        (CREATED, ".git/refs/heads/main.lock", Meaning::GitWorks),
        (DATA, ".git/ORIG_HEAD", Meaning::Nothing),
        (FOLDER, ".git/rebase-merge", Meaning::Nothing),
        (RENAMED, ".git/vmesh/queue/0123.json", Meaning::Changed(Ring::GIT)),
        (CREATED, ".git/vmesh/queue/.tmpAbC", Meaning::Nothing),
    ];
    for (kind, path, expected) in table {
        assert_eq!(told(kind, path), expected, "{kind:?} {path}");
    }
}

#[test]
fn file_systems_that_others_change_are_known_by_their_mounts() {
    let mounts = "/dev/vda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/vdb /home/ada/my\\040disk ext4 rw 0 0\n\
                  sshfs /mnt/x fuse.sshfs rw 0 0\ntmpfs /home/tmp tmpfs rw 0 0\nhost /home/tmp 9p rw 0 0\n";
    let of = |folder: &str| remote_file_system(mounts, Path::new(folder));
    assert_eq!(of("/srv/project"), None);
    assert_eq!(of("/home/ada/project"), Some("nfs4"));
    assert_eq!(of("/homestead"), None);
    assert_eq!(of("/home/ada/my disk/project"), None);
    assert_eq!(of("/mnt/x/y"), Some("fuse.sshfs"));
    assert_eq!(of("/home/tmp/y"), Some("9p"), "the later mount covers the earlier one");
    assert_eq!(remote_file_system("", Path::new("/srv")), None);
}

/// A listener on real folders.
struct Real {
    folder: tempfile::TempDir,
    bell: Arc<Bell>,
    listener: Listener,
    places: Arc<Places>,
}

impl Real {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("models")).unwrap();
        let bell = Arc::new(Bell::default());
        let (listener, places) = (Listener::new(bell.clone()), places(folder.path()));
        let mut real = Self { folder, bell, listener, places };
        real.listen(true);
        real
    }

    fn listen(&mut self, afresh: bool) {
        let folders = BTreeSet::from([self.folder.path().to_owned(), self.folder.path().join("models")]);
        assert_eq!(self.listener.listen(folders, afresh, &self.places), None);
    }

    fn write(&self, path: &str) {
        fs::write(self.folder.path().join(path), path).unwrap();
    }

    fn heard(&self) -> Heard {
        self.bell.wait(Duration::from_secs(60), &|| false)
    }
}

#[test]
fn what_editors_leave_beside_a_file_is_not_heard_and_the_file_is() {
    let real = Real::new();
    for name in ["models/4913", "models/.a.sql.swp", "models/a.sql~", "models/sedXYZ"] {
        real.write(name);
        fs::remove_file(real.folder.path().join(name)).unwrap();
    }
    // events come in order: had one of them rung, it would be heard with this one, and a folder would have changed
    assert_eq!(real.bell.wait(Duration::from_millis(300), &|| false), Heard::Nothing);
    real.write("models/a.sql.new");
    fs::rename(real.folder.path().join("models/a.sql.new"), real.folder.path().join("models/a.sql")).unwrap();
    assert_eq!(real.heard(), Heard::Change(Ring::FILES));
}

#[test]
fn a_folder_that_is_removed_and_made_again_is_heard_again() {
    let mut real = Real::new();
    let models = real.folder.path().join("models");
    for _ in 0..3 {
        fs::remove_dir(&models).unwrap();
        fs::create_dir(&models).unwrap();
        let Heard::Change(ring) = real.heard() else { panic!("not heard") };
        assert!(ring.folders);
        real.listen(ring.folders);
        real.write("models/a.sql");
        assert_eq!(real.heard(), Heard::Change(Ring::FILES));
        fs::remove_file(models.join("a.sql")).unwrap();
        assert_eq!(real.heard(), Heard::Change(Ring::FILES));
    }
}

#[test]
fn where_nothing_tells_vmesh_looks() {
    let mut real = Real::new();
    let path = real.folder.path().join("seen");
    let there = path.clone();
    real.places = Arc::new(Places {
        git: real.places.git.clone(),
        queue: real.places.queue.clone(),
        wanted: Box::new(|_| false),
        stamp: Box::new(move || there.exists().to_string()),
    });
    real.listener.look(&real.places);
    fs::write(&path, "").unwrap();
    assert_eq!(real.heard(), Heard::Change(Ring::ALL));
}
