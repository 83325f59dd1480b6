//! Setting up a project: the sample, the settings, the repository.

use std::path::{Path, PathBuf};

use super::error::{Error, io};
use super::settings::{python_settings, settings_file};
use crate::adapter::git::{GitError, Repository};
use crate::domain::config::CONFIG_FILES;

/// The sample project, as it lies in `models/`.
const SAMPLE: [(&str, &str); 16] = [
    ("models/seeds/customers.csv", include_str!("../../models/seeds/customers.csv")),
    ("models/seeds/customers.sql", include_str!("../../models/seeds/customers.sql")),
    ("models/seeds/order_items.csv", include_str!("../../models/seeds/order_items.csv")),
    ("models/seeds/order_items.sql", include_str!("../../models/seeds/order_items.sql")),
    ("models/seeds/orders.csv", include_str!("../../models/seeds/orders.csv")),
    ("models/seeds/orders.sql", include_str!("../../models/seeds/orders.sql")),
    ("models/seeds/products.csv", include_str!("../../models/seeds/products.csv")),
    ("models/seeds/products.sql", include_str!("../../models/seeds/products.sql")),
    ("models/staging/customers.sql", include_str!("../../models/staging/customers.sql")),
    ("models/staging/order_items.sql", include_str!("../../models/staging/order_items.sql")),
    ("models/staging/orders.sql", include_str!("../../models/staging/orders.sql")),
    ("models/staging/products.sql", include_str!("../../models/staging/products.sql")),
    ("models/marts/customers.sql", include_str!("../../models/marts/customers.sql")),
    ("models/marts/daily_revenue.sql", include_str!("../../models/marts/daily_revenue.sql")),
    ("models/marts/orders.sql", include_str!("../../models/marts/orders.sql")),
    ("models/marts/top_products.sql", include_str!("../../models/marts/top_products.sql")),
];

/// What was made.
#[derive(Debug)]
pub struct Scaffold {
    /// The project's folder.
    pub folder: PathBuf,
    /// The settings file of a project that was there already.
    pub settings: Option<&'static str>,
    /// The files written, relative to the folder.
    pub files: Vec<&'static str>,
    /// Whether a repository was made, too.
    pub repository: bool,
}

/// Makes a project in a folder. Nothing that exists is overwritten: where models are, no sample is added, and a project
/// of SQLMesh stays as it is.
pub fn scaffold(folder: &Path) -> Result<Scaffold, Error> {
    std::fs::create_dir_all(folder).map_err(io("create", folder))?;
    let folder = folder.canonicalize().map_err(io("open", folder))?;
    let settings = settings_file(&folder);
    if settings == Some(CONFIG_FILES[0]) {
        return Err(Error::Usage {
            what: format!("{} is there already", folder.join(CONFIG_FILES[0]).display()),
            help: "vmesh status tells how the project stands; vmesh hooks install adds the hooks".to_owned(),
        });
    }
    if let Some(error) = python_settings(&folder).filter(|_| settings.is_none()) {
        return Err(error);
    }
    let repository = match Repository::discover(&folder) {
        Ok(_) => false,
        Err(GitError::NotARepository { .. }) => {
            Repository::init(&folder, "main")?;
            true
        }
        Err(error) => return Err(error.into()),
    };
    let main = Repository::discover(&folder)?;
    let main = match main.head()? {
        crate::adapter::git::Head::Branch { name, commit: None } => name.to_string(),
        _ => ["main", "master", "trunk"]
            .into_iter()
            .find(|name| matches!(main.branch_tip(&(*name).into()), Ok(Some(_))))
            .unwrap_or("main")
            .to_owned(),
    };
    let mut files = Vec::new();
    let mut write = |path: &'static str, text: &str| -> Result<(), Error> {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(io("create", parent))?;
        }
        std::fs::write(&file, text).map_err(io("write", &file))?;
        files.push(path);
        Ok(())
    };
    if settings.is_some() {
        return Ok(Scaffold { folder, settings, files, repository });
    }
    write(CONFIG_FILES[0], &own_settings(&main))?;
    if !folder.join("models").exists() {
        for (path, text) in SAMPLE {
            write(path, text)?;
        }
    }
    Ok(Scaffold { folder, settings, files, repository })
}

fn own_settings(main: &str) -> String {
    format!(
        "[project]\n\
         main = {main:?}                      # the branch that drives prod\n\
         \n\
         [engine]\n\
         type = \"duckdb\"                    # its file lies below .git, where no branch can write\n\
         \n\
         [hooks]\n\
         build = \"background\"               # inline: git waits for builds · background: it doesn't · off\n\
         promote = true                     # a commit, merge or pull that moves main promotes prod\n"
    )
}
