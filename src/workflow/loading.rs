//! Reading a project's model files: from the cache, or read, parsed and remembered. A file makes one model, or one of each
//! of its blueprints. Where a macro asks for the columns of a model, that model is read first.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::Error;
use super::expand::{Sight, Unit, of_blueprint};
use super::loader::Loader;
use super::tree::Files;
use super::workspace::Workspace;
use crate::adapter::git::SourceFile;
use crate::domain::diagnostic::{Diagnostic, Problem};
use crate::domain::external::Externals;
use crate::domain::macros::{Blueprint, File};
use crate::domain::model::{self, ModelFile};
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

/// What became of an attempt to read a model.
enum Attempt {
    Read(Arc<ModelFile>),
    Waits(BTreeSet<Vec<String>>, Vec<Diagnostic>),
    Wrong(Vec<Diagnostic>),
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
        let (mut models, mut problems, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for file in files.below(folder) {
            self.load_file(file, sight, &mut models, &mut problems, &mut waiting)?;
        }
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

    fn load_file<'f>(
        &self,
        file: &'f SourceFile,
        sight: &Sight,
        models: &mut Vec<(String, Arc<ModelFile>)>,
        problems: &mut Vec<Diagnostic>,
        waiting: &mut Vec<Waiting<'f>>,
    ) -> Result<(), Error> {
        let fixed = format!("{}-{}", file.id, sight.defaults.key());
        let dynamic = dynamic_key(file, sight);
        let cached = [&fixed, &dynamic].into_iter().find_map(|key| self.parsed().borrow().models(key));
        for model in cached.iter().flatten() {
            let asked: BTreeSet<_> = model.expanded.iter().flat_map(|it| it.asked.iter().cloned()).collect();
            let (blueprint, problems) = (model.blueprint().cloned(), Vec::new());
            match asked.is_empty() {
                true => models.push((file.path.clone(), model.clone())),
                false => waiting.push(Waiting { file, blueprint, asked, problems }),
            }
        }
        if cached.is_some() {
            return Ok(());
        }
        let text = self.text(file)?;
        let diagnostic = |problem: Problem| self.in_repository(vec![problem.in_file(&file.path, &text)]);
        if let Some(problem) = conflict(&text) {
            problems.extend(diagnostic(problem));
            return Ok(());
        }
        let Some(apart) = File::read(&text).filter(File::is_dynamic) else {
            match self.parse_fixed(file, &text, sight) {
                Ok(model) => {
                    self.parsed().borrow_mut().add_models(&fixed, vec![model.clone()]);
                    models.push((file.path.clone(), model));
                }
                Err(found) => problems.extend(self.in_repository(found)),
            }
            return Ok(());
        };
        let blueprints = match sight.blueprints(&apart) {
            Ok(None) => vec![None],
            Ok(Some(several)) => several.into_iter().map(Some).collect(),
            Err(problem) => {
                problems.extend(diagnostic(problem));
                return Ok(());
            }
        };
        let (mut read, all) = (Vec::new(), blueprints.len());
        for blueprint in blueprints {
            match self.attempt(sight, file, &text, &apart, blueprint.as_ref(), None) {
                Attempt::Read(model) => read.push(model),
                Attempt::Waits(asked, problems) => waiting.push(Waiting { file, blueprint, asked, problems }),
                Attempt::Wrong(mut found) => problems.append(&mut found),
            }
        }
        if read.len() == all {
            self.parsed().borrow_mut().add_models(&dynamic, read.clone());
        }
        models.extend(read.into_iter().map(|model| (file.path.clone(), model)));
        Ok(())
    }

    /// The model of a file without macros.
    fn parse_fixed(
        &self,
        file: &SourceFile,
        text: &Arc<str>,
        sight: &Sight,
    ) -> Result<Arc<ModelFile>, Vec<Diagnostic>> {
        let in_file = |problem: Problem| problem.in_file(&file.path, text);
        let mut model = model::parse_with(text, &sight.defaults)
            .map_err(|problems| problems.into_iter().map(in_file).collect::<Vec<_>>())?;
        self.complete(&mut model, &file.path, text)?;
        Ok(Arc::new(model))
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
        let attempt = self.attempt(sight, one.file, &text, &apart, one.blueprint.as_ref(), Some(known));
        if let Attempt::Read(model) = &attempt {
            let asked = model.expanded.iter().flat_map(|it| it.asked.iter().cloned()).collect();
            self.parsed().borrow_mut().add_models(&key(&asked), vec![model.clone()]);
        }
        Ok(attempt)
    }

    fn attempt(
        &self,
        sight: &Sight,
        file: &SourceFile,
        text: &Arc<str>,
        apart: &File<'_>,
        blueprint: Option<&Blueprint>,
        known: Option<&Known<'_>>,
    ) -> Attempt {
        let asked = RefCell::new(BTreeSet::new());
        let lacking = RefCell::new(false);
        let columns = |parts: &[String]| {
            asked.borrow_mut().insert(parts.to_vec());
            let columns = known.and_then(|known| known.columns_of(parts));
            *lacking.borrow_mut() |= columns.is_none();
            columns
        };
        let unit = Unit { path: &file.path, text, blueprint, columns: &columns };
        let read = self.read_unit(sight, apart, unit);
        match read {
            Ok(model) => Attempt::Read(Arc::new(model)),
            Err(problems) if lacking.take() => Attempt::Waits(asked.take(), problems),
            Err(problems) => Attempt::Wrong(problems),
        }
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

/// What macros made of a file depends on more than the file.
fn dynamic_key(file: &SourceFile, sight: &Sight) -> String {
    format!("{}-{}", file.id, sight.key)
}

/// The mark that Git leaves where both sides of a merge changed the same lines.
fn conflict(text: &str) -> Option<Problem> {
    let at = text.match_indices("<<<<<<< ").map(|(at, _)| at).find(|at| *at == 0 || text[..*at].ends_with('\n'))?;
    let line = text[at..].lines().next().unwrap_or_default().len();
    let what = "the file has conflicts of a merge in it that nobody has resolved".to_owned();
    Some(Problem { what, span: at..at + line, help: Some("choose between the sides, then: git add".to_owned()) })
}
