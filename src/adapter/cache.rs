//! Small files that vmesh keeps under the repository's git directory: parsed models by blob id, stat data, what hooks
//! reconciled. All of them may be lost at any time; none is ever believed against the files or the warehouse.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::model::ModelFile;
use crate::domain::project::Lineages;
use crate::domain::sql::CANON_VERSION;

/// Parsed files by the id of their content.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ParsedFiles {
    /// What made these entries: others are not comparable.
    version: String,
    #[serde(with = "shared")]
    models: BTreeMap<String, Vec<Arc<ModelFile>>>,
    seeds: BTreeMap<String, SeedContent>,
    /// Whether something was added since it was loaded.
    #[serde(skip)]
    changed: Cell<bool>,
}

/// What is known of a CSV file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedContent {
    /// The hash of the content.
    pub hash: [u8; 32],
    /// The names in the first line, where they can be read off.
    pub header: Option<Vec<String>>,
}

/// Raised whenever the same content reads otherwise than before, or has another lineage.
const READING: u32 = 10;

/// More entries than this, and the cache starts anew.
const MOST: usize = 50_000;

impl ParsedFiles {
    /// What a file holds; nothing, if it is none that can be used.
    pub fn load(file: &Path) -> Self {
        let loaded: Self = load(file).unwrap_or_default();
        if loaded.version == version() && loaded.models.len() < MOST {
            loaded
        } else {
            Self { version: version(), ..Self::default() }
        }
    }

    /// Keeps it for the next time. A cache that can't be written costs time and nothing else.
    pub fn store(&self, file: &Path) {
        if self.changed.take() {
            store(file, self);
        }
    }

    /// The models of a file of this content.
    pub fn models(&self, id: &str) -> Option<Vec<Arc<ModelFile>>> {
        self.models.get(id).cloned()
    }

    /// Remembers them.
    pub fn add_models(&mut self, id: &str, models: Vec<Arc<ModelFile>>) {
        self.models.insert(id.to_owned(), models);
        self.changed.set(true);
    }

    /// What is known of the CSV file of this content.
    pub fn seed(&self, id: &str) -> Option<SeedContent> {
        self.seeds.get(id).cloned()
    }

    /// Remembers one.
    pub fn add_seed(&mut self, id: &str, seed: SeedContent) {
        self.seeds.insert(id.to_owned(), seed);
        self.changed.set(true);
    }
}

/// What is kept, and what made it: others are not comparable.
#[derive(Serialize, Deserialize)]
struct Kept<K> {
    version: String,
    kept: K,
}

/// What a file holds, if this vmesh has made it.
pub fn load_versioned<K: DeserializeOwned>(file: &Path) -> Option<K> {
    let kept: Option<Kept<K>> = load(file);
    kept.filter(|kept| kept.version == version()).map(|kept| kept.kept)
}

/// Keeps something for this vmesh.
pub fn store_versioned<K: Serialize>(file: &Path, kept: &K) {
    store(file, &Kept { version: version(), kept });
}

/// Keeps lineages for the next time, if there are new ones.
pub fn store_lineages(file: &Path, lineages: &Lineages) {
    if lineages.take_changed() {
        lineages.trim();
        store_versioned(file, lineages);
    }
}

fn version() -> String {
    format!("{} {CANON_VERSION} {READING}", env!("CARGO_PKG_VERSION"))
}

/// Reads a JSON file; `None` if it isn't there or isn't what is expected.
pub fn load<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Writes a JSON file in one step, so that no reader ever sees half of it. Says whether it could.
pub fn store<T: Serialize>(path: &Path, value: &T) -> bool {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(std::io::BufWriter::new(&mut file), value)?;
        file.persist(path)?;
        Ok(())
    };
    write().is_ok()
}

/// Shared values, stored as plain ones.
mod shared {
    use super::{Arc, BTreeMap, Deserialize, ModelFile};

    type Models = BTreeMap<String, Vec<Arc<ModelFile>>>;

    pub(super) fn serialize<S: serde::Serializer>(models: &Models, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            models.iter().map(|(id, models)| (id, models.iter().map(|model| &**model).collect::<Vec<_>>())),
        )
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Models, D::Error> {
        let models = BTreeMap::<String, Vec<ModelFile>>::deserialize(deserializer)?;
        Ok(models.into_iter().map(|(id, models)| (id, models.into_iter().map(Arc::new).collect())).collect())
    }
}
