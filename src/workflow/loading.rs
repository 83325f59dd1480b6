//! Reading a project's model files: from the cache, or read, parsed and remembered. A file makes one model, or one of each
//! of its blueprints. Where a macro asks for the columns of a model, that model is read first.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::Error;
use super::expand::{Sight, of_blueprint};
use super::loader::Loader;
use super::reader::{Attempt, FileRead, Reader};
use super::tree::Files;
use super::workspace::Workspace;
use crate::adapter::git::SourceFile;
use crate::adapter::parallel;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::external::Externals;
use crate::domain::limits;
use crate::domain::macros::{Blueprint, File};
use crate::domain::model::ModelFile;
use crate::domain::name::ModelName;
use crate::domain::project::{Known, SeedFile, from_path};

/// The models of the files that could be read, and the problems of the others.
pub(super) type Loaded = (Vec<(String, Arc<ModelFile>)>, Vec<Diagnostic>);

/// One model whose macros ask for columns that are not known yet.
struct Waiting<'f> {
    file: &'f SourceFile,
    blueprint: Option<Blueprint>,
    /// What they ask for, as far as it is known.
    asked: BTreeSet<Vec<String>>,
    /// What is wrong if it waits in vain.
    problems: Vec<Diagnostic>,
}

/// What is known so far of a source tree's files.
#[derive(Default)]
struct Found<'f> {
    models: Vec<(String, Arc<ModelFile>)>,
    problems: Vec<Diagnostic>,
    waiting: Vec<Waiting<'f>>,
}

impl<'f> Found<'f> {
    /// Adds the models of a file that were remembered: those that ask for columns are looked at again.
    fn add(&mut self, file: &'f SourceFile, models: Vec<Arc<ModelFile>>) {
        for model in models {
            let asked: BTreeSet<_> = model.expanded.iter().flat_map(|it| it.asked.iter().cloned()).collect();
            let (blueprint, problems) = (model.blueprint().cloned(), Vec::new());
            match asked.is_empty() {
                true => self.models.push((file.path.clone(), model)),
                false => self.waiting.push(Waiting { file, blueprint, asked, problems }),
            }
        }
    }
}

impl Loader {
    /// The models of a source tree's files, in the order of the files.
    pub(super) fn load(
        &self,
        files: &Files,
        sight: &Sight,
        seed: &dyn Fn(&str) -> Option<SeedFile>,
        externals: &Externals,
    ) -> Result<Loaded, Error> {
        let folder = self.config.models.as_str();
        let (mut found, mut unread) = (Found::default(), Vec::new());
        for file in files.below(folder) {
            match self.remembered(file, sight) {
                Some(models) => found.add(file, models),
                None => unread.push(file),
            }
        }
        self.read_all(unread, sight, &mut found)?;
        let Found { mut models, mut problems, mut waiting } = found;
        if waiting.is_empty() {
            return Ok((models, problems));
        }
        let first_read: Vec<&SourceFile> =
            waiting.iter().filter(|one| !one.problems.is_empty()).map(|one| one.file).collect();
        let mut known = Known::new(folder, seed, externals, self.config.catalog());
        models.iter().for_each(|(path, model)| known.add(path, model));
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for one in waiting {
                let is_ready = one.asked.iter().all(|parts| known.columns_of(parts).is_some());
                let attempt = if is_ready { Some(self.retry(&one, sight, &known)?) } else { None };
                match attempt {
                    None => still.push(one),
                    Some(Attempt::Read(model)) => {
                        known.add(&one.file.path, &model);
                        models.push((one.file.path.clone(), model));
                    }
                    Some(Attempt::Waits(asked, problems)) => still.push(Waiting { asked, problems, ..one }),
                    Some(Attempt::Wrong(mut found)) => problems.append(&mut found),
                }
            }
            if still.is_empty() || still.len() == before {
                // a problem with a file that was read is the likelier cause
                if problems.is_empty() {
                    problems = self.in_vain(still, folder, &known);
                }
                models.sort_by(|a, b| a.0.cmp(&b.0));
                for file in first_read.into_iter().filter(|_| problems.is_empty()) {
                    let of_file = models.iter().filter(|(path, _)| *path == file.path).map(|(_, model)| model.clone());
                    self.parsed().borrow_mut().add_models(&dynamic_key(file, sight), of_file.collect());
                }
                return Ok((models, problems));
            }
            // the other way round: a chain against the order of the files takes one round more, not as many as it is long
            still.reverse();
            waiting = still;
        }
    }

    /// What reads model files.
    pub(super) fn reader<'r>(&'r self, sight: &'r Sight) -> Reader<'r> {
        Reader { sight, referee: &*self.referee, prefix: &self.prefix }
    }

    /// The models of a file as they are remembered; none if they are not.
    fn remembered(&self, file: &SourceFile, sight: &Sight) -> Option<Vec<Arc<ModelFile>>> {
        let keys = [fixed_key(file, sight), dynamic_key(file, sight)];
        keys.iter().find_map(|key| self.parsed().borrow().models(key))
    }

    /// Reads the files that are not remembered, all at once, and remembers what can be.
    fn read_all<'f>(&self, files: Vec<&'f SourceFile>, sight: &Sight, found: &mut Found<'f>) -> Result<(), Error> {
        let (mut texts, mut length) = (Vec::new(), 0);
        for file in files {
            let text = self.text(file)?;
            length += text.len();
            texts.push((file, text, length <= limits::KEPT_TREES));
        }
        let reader = self.reader(sight);
        let read = |(file, text, keeps): (&'f SourceFile, Arc<str>, bool)| {
            let read = reader.read(&file.path, &text);
            if !keeps {
                read.forget_trees();
            }
            (file, read)
        };
        for (file, read) in parallel::map(texts, read) {
            let FileRead { is_fixed, models } = read;
            let (mut done, all) = (Vec::new(), models.len());
            for (blueprint, attempt) in models {
                match attempt {
                    Attempt::Read(model) => done.push(model),
                    Attempt::Waits(asked, problems) => {
                        found.waiting.push(Waiting { file, blueprint, asked, problems });
                    }
                    Attempt::Wrong(mut problems) => found.problems.append(&mut problems),
                }
            }
            if done.len() == all {
                let key = if is_fixed { fixed_key(file, sight) } else { dynamic_key(file, sight) };
                self.parsed().borrow_mut().add_models(&key, done.clone());
            }
            found.models.extend(done.into_iter().map(|model| (file.path.clone(), model)));
        }
        found.models.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(())
    }

    /// Another attempt, now that columns are known. What it came to before with the same columns is remembered.
    fn retry(&self, one: &Waiting<'_>, sight: &Sight, known: &Known<'_>) -> Result<Attempt, Error> {
        let key = |asked: &BTreeSet<Vec<String>>| {
            let columns: Vec<_> = asked.iter().map(|parts| (parts, known.columns_of(parts))).collect();
            let hash = blake3::hash(&serde_json::to_vec(&(&one.blueprint, columns)).unwrap_or_default());
            format!("{}-{}", dynamic_key(one.file, sight), &hash.to_hex()[..16])
        };
        if let Some(model) = self.parsed().borrow().models(&key(&one.asked)).and_then(|models| models.first().cloned())
        {
            return Ok(Attempt::Read(model));
        }
        let text = self.text(one.file)?;
        let Some(apart) = File::read(&text) else { return Ok(Attempt::Wrong(Vec::new())) };
        let attempt = self.reader(sight).attempt(&one.file.path, &text, &apart, one.blueprint.as_ref(), Some(known));
        if let Attempt::Read(model) = &attempt {
            let asked = model.expanded.iter().flat_map(|it| it.asked.iter().cloned()).collect();
            self.parsed().borrow_mut().add_models(&key(&asked), vec![model.clone()]);
        }
        Ok(attempt)
    }
}

impl Workspace {
    /// Why columns are not known, and what to do: told of the models that don't wait for one of the others.
    fn in_vain(&self, still: Vec<Waiting<'_>>, folder: &str, known: &Known<'_>) -> Vec<Diagnostic> {
        let waiting: Vec<ModelName> = still.iter().filter_map(|one| from_path(&one.file.path, folder)).collect();
        let lacking = |one: &Waiting<'_>| one.asked.iter().find(|parts| known.columns_of(parts).is_none()).cloned();
        let is_first = |one: &&Waiting<'_>| {
            let name = lacking(one).and_then(|parts| ModelName::from_parts(&parts));
            !name.is_some_and(|name| waiting.contains(&name))
        };
        let in_circle = !still.iter().any(|one| is_first(&one));
        let told = |one: &Waiting<'_>| {
            let parts = lacking(one).unwrap_or_default();
            let name = parts.join(".");
            let help = match known.has(&parts) {
                true => {
                    format!(
                        "let `{name}` name its columns in its outermost SELECT: files don't tell what its `*` gives"
                    )
                }
                false if in_circle => format!("`{name}` waits for columns itself: let one of them name its columns"),
                false => format!(
                    "`{name}` is no model whose columns the project's files tell: write the columns out, or read it \
                     through a model that names them"
                ),
            };
            let mut problems = one.problems.clone();
            if problems.is_empty() {
                let what = format!("{}: the columns of `{name}` are not known", self.in_top(&one.file.path));
                problems = vec![of_blueprint(Diagnostic::new(what), one.blueprint.as_ref())];
            }
            problems.into_iter().map(move |problem| problem.help(help.clone())).collect::<Vec<_>>()
        };
        still.iter().filter(|one| in_circle || is_first(one)).flat_map(told).collect()
    }
}

/// Without macros, the settings have a say beside the file.
fn fixed_key(file: &SourceFile, sight: &Sight) -> String {
    format!("{}-{}", file.id, sight.defaults.key())
}

/// What macros made of a file depends on more than the file.
fn dynamic_key(file: &SourceFile, sight: &Sight) -> String {
    format!("{}-{}", file.id, sight.key)
}
