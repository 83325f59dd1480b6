//! Setting up a project: the sample, the settings, the repository.

use std::path::{Path, PathBuf};

use super::error::{Error, io};
use super::settings::{python_settings, settings_file};
use crate::adapter::git::{GitError, Repository};
use crate::adapter::text_file;
use crate::domain::config::CONFIG_FILES;

/// The sample project, as it lies in `models/`.
const SAMPLE: [(&str, &str); 17] = [
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
    ("tests/test_orders.yaml", include_str!("../../models/tests/test_orders.yaml")),
];

/// The file that makes a folder a project of dbt.
const DBT: &str = "dbt_project.yml";

/// What was made.
#[derive(Debug)]
pub struct Scaffold {
    /// The project's folder.
    pub folder: PathBuf,
    /// The settings file of a project that was there already.
    pub settings: Option<&'static str>,
    /// The files written, relative to the folder.
    pub files: Vec<String>,
    /// Whether a repository was made, too.
    pub repository: bool,
}

/// What a new project begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// The sample, where the folder is somebody's project in no way yet.
    Sample,
    /// Settings alone.
    Empty,
    /// A warehouse that is there: a DuckDB file.
    Warehouse(PathBuf),
}

/// Makes a project in a folder. Nothing that exists is overwritten: a sample is written into an empty folder only, and
/// settings that are there, be they SQLMesh's, stay as they are.
pub fn scaffold(folder: &Path, beginning: &Beginning) -> Result<Scaffold, Error> {
    let warehouse = match beginning {
        Beginning::Warehouse(file) => Some(file.canonicalize().map_err(io("open", file))?),
        _ => None,
    };
    std::fs::create_dir_all(folder).map_err(io("create", folder))?;
    let folder = folder.canonicalize().map_err(io("open", folder))?;
    let settings = settings_file(&folder);
    if let (Some(settings), true) = (settings, warehouse.is_some()) {
        return Err(Error::Usage {
            what: format!("{} is there already, and says which warehouse is meant", folder.join(settings).display()),
            help: "--from begins a project in a folder that has none".to_owned(),
        });
    }
    if folder.join(DBT).exists() && settings.is_none() && *beginning == Beginning::Sample {
        return Err(Error::Usage {
            what: format!("{} is a project of dbt, which vmesh doesn't run", folder.display()),
            help:
                "docs/dbt.md in vmesh's repository tells how its models are written here; vmesh init --empty puts vmesh's settings beside it"
                    .to_owned(),
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
    let main = main_of(&Repository::discover(&folder)?)?;
    let mut files = Vec::new();
    let mut write = |path: &'static str, text: &str| -> Result<(), Error> {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(io("create", parent))?;
        }
        std::fs::write(&file, text).map_err(io("write", &file))?;
        files.push(path.to_owned());
        Ok(())
    };
    if settings.is_some() {
        return Ok(Scaffold { folder, settings, files, repository });
    }
    let is_new = *beginning == Beginning::Sample && is_unused(&folder)?;
    write(CONFIG_FILES[0], &own_settings(&main, warehouse.as_deref().map(|file| told_from(file, &folder))))?;
    if is_new {
        for (path, text) in SAMPLE {
            write(path, text)?;
        }
    }
    Ok(Scaffold { folder, settings, files, repository })
}

/// The branch that is going to drive prod.
fn main_of(repository: &Repository) -> Result<String, Error> {
    if repository.is_bare() {
        return Err(GitError::NoWorkingTree { git_dir: repository.git_dir().to_owned() }.into());
    }
    Ok(match repository.head()? {
        crate::adapter::git::Head::Branch { name, commit: None } => name.to_string(),
        _ => ["main", "master", "trunk"]
            .into_iter()
            .find(|name| matches!(repository.branch_tip(&(*name).into()), Ok(Some(_))))
            .unwrap_or("main")
            .to_owned(),
    })
}

/// Whether nobody has a project in a folder yet: hidden files, a readme and a licence are none.
fn is_unused(folder: &Path) -> Result<bool, Error> {
    let names = text_file::names(folder).map_err(io("read", folder))?;
    let is_beside = |name: &str| {
        let name = name.to_lowercase();
        name.starts_with('.') || name.starts_with("readme") || name.starts_with("licen")
    };
    Ok(names.iter().all(|name| is_beside(name)))
}

/// A file's path, told from a folder where it lies in or beside it.
fn told_from(file: &Path, folder: &Path) -> String {
    let beside = folder.parent().and_then(|parent| Some(Path::new("..").join(file.strip_prefix(parent).ok()?)));
    let told = file.strip_prefix(folder).ok().map(Path::to_path_buf).or(beside);
    told.unwrap_or_else(|| file.to_path_buf()).to_string_lossy().into_owned()
}

/// A text as TOML has it.
fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Takes back what was made, so that the same command can be given again.
pub fn undo(made: &Scaffold) {
    let files = made.files.iter().map(|file| made.folder.join(file));
    files.for_each(|file| text_file::remove(&file, &made.folder));
    if made.repository {
        text_file::remove_folder(&made.folder.join(".git"));
    }
}

fn own_settings(main: &str, warehouse: Option<String>) -> String {
    let engine = match warehouse {
        Some(path) => format!("type = \"duckdb\"\npath = {}\n", toml_text(&path)),
        None => {
            "type = \"duckdb\"                    # its file lies below .git, where no branch can write\n".to_owned()
        }
    };
    let main = toml_text(main);
    format!(
        "[project]\n\
         main = {main}                      # the branch that drives prod\n\
         \n\
         [engine]\n\
         {engine}\
         \n\
         [hooks]\n\
         build = \"background\"               # inline: git waits for builds · background: it doesn't · off\n\
         promote = true                     # a commit, merge or pull that moves main promotes prod\n"
    )
}
