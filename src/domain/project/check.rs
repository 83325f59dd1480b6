//! What must hold between a project's files: one name each, parents that can be read, seeds that are there, no circles.

use std::collections::BTreeMap;

use super::super::diagnostic::{Diagnostic, Note, nearest};
use super::super::model::{FileRead, Kind, ModelFile, THIS_MODEL, temporary};
use super::super::name::{ModelName, literal, reserved_schema};
use super::super::sql::{self, Read, Token, policy};
use super::names::{Barred, Names};
use super::{Draft, OutsideFile, Sources};

/// Names every file's model; disabled ones are left out.
pub(super) fn names(sources: &Sources<'_>) -> Result<BTreeMap<ModelName, Draft>, Vec<Diagnostic>> {
    let mut drafts: BTreeMap<ModelName, Draft> = BTreeMap::new();
    let mut problems = Vec::new();
    let named = sources.config.named_environments();
    for (path, file) in &sources.files {
        if file.about.disabled {
            continue;
        }
        let Some(name) = file.name.clone().or_else(|| from_path(path, &sources.config.models)) else {
            problems
                .push(Diagnostic::new(format!("`{path}` gives no model name")).help("add a header: MODEL (name …);"));
            continue;
        };
        let kind = file.kind.clone().unwrap_or(Kind::Full);
        let draft = Draft {
            name: name.clone(),
            path: path.clone(),
            file: file.clone(),
            kind,
            reads: Vec::new(),
            statement_reads: Vec::new(),
            seed: None,
            files: Vec::new(),
            outside_files: Vec::new(),
        };
        if let Some(catalog) = file.catalog.as_ref().filter(|catalog| !sources.config.is_catalog(catalog)) {
            let what = format!("`{catalog}.{name}` lies in another database than the project's");
            let own = sources.config.catalog();
            let problem = Diagnostic::new(what).at(draft.place(sources, ""));
            problems
                .push(problem.note(format!("the project's is `{own}`, after its file")).help(format!("name {name}")));
        }
        let own = sources.config.gateway.as_deref();
        if let Some(gateway) = file.gateway.as_deref().filter(|gateway| own != Some(gateway)) {
            let what = format!("`{name}` asks for gateway `{gateway}`");
            let note = own.map_or("the project has none".to_owned(), |own| format!("the project runs on `{own}`"));
            let problem = Diagnostic::new(what).at(draft.place(sources, "")).note(note);
            problems.push(problem.help("leave `gateway` out: all models live in one warehouse"));
        }
        if let Some(why) = name.schema().and_then(|schema| reserved_schema(schema, &named)) {
            let problem = Diagnostic::new(format!("`{name}` can't be a model's name")).at(draft.place(sources, ""));
            problems.push(problem.note(why).help("choose another schema"));
        }
        problems.extend(draft.called_like_a_database(sources));
        if let Some(first) = drafts.get(&name) {
            let problem = Diagnostic::new(format!("two models are called `{name}`")).at(draft.place(sources, ""));
            let (other, help) = namesake(first, path, file);
            problems.push(problem.note(format!("the other one is {other}")).help(help));
            continue;
        }
        drafts.insert(name, draft);
    }
    if problems.is_empty() { Ok(drafts) } else { Err(problems) }
}

/// Who has a model's name already, and what to do about it.
fn namesake(first: &Draft, path: &str, file: &ModelFile) -> (String, &'static str) {
    match first.file.blueprint().filter(|_| first.path == path) {
        Some(other) if file.blueprint() == Some(other) => (format!("the same blueprint, {other}"), "write it once"),
        Some(other) => (format!("the blueprint {other}"), "let the name say which it is: name @{customer}.orders"),
        None => (first.path.clone(), "rename one of them"),
    }
}

/// `models/analytics/customers.sql` → `analytics.customers`; of deeper folders the last one counts.
pub fn from_path(path: &str, models: &str) -> Option<ModelName> {
    let inside = path.strip_prefix(models)?.trim_start_matches('/').strip_suffix(".sql")?;
    let parts: Vec<&str> = inside.split('/').collect();
    ModelName::from_parts(&parts[parts.len().saturating_sub(2)..])
}

/// Finds every seed's file.
pub(super) fn seeds(sources: &Sources<'_>, drafts: &mut BTreeMap<ModelName, Draft>) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    for draft in drafts.values_mut() {
        let Kind::Seed(seed) = &draft.kind else { continue };
        let path = resolve(&draft.path, &seed.path);
        let found = (sources.seed)(&path);
        if found.is_none() {
            let what = format!("seed `{}` reads `{}`, and the repository has no such file", draft.name, seed.path);
            let mut at = draft.place(sources, "");
            let quoted = literal(&seed.path);
            at.span = at.text.find(&quoted).map_or(at.span, |start| start..start + quoted.len());
            let mut problem = Diagnostic::new(what).at(at);
            problem.notes.extend((sources.absent)(&path).map(Note::from));
            let help = "commit the file; its path counts from the model's file, or from the project after `$root/`";
            problems.push(problem.help(help));
        }
        draft.seed = found;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Finds the project's files that queries read.
pub(super) fn files(sources: &Sources<'_>, drafts: &mut BTreeMap<ModelName, Draft>) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    for draft in drafts.values_mut().filter(|draft| !draft.file.files.is_empty()) {
        let (mut found, mut outside) = (Vec::new(), Vec::new());
        for file in &draft.file.files {
            let mut matching = (sources.matching)(&file.path);
            if matching.is_empty()
                && let Some(path) = sources.config.outside.allowed(&file.path)
            {
                let is_here = !policy::from_root(&path) && !policy::is_remote(&path);
                match file.literal.clone() {
                    _ if is_here && sources.home.is_empty() => problems.push(draft.without_working_tree(sources, file)),
                    _ if is_here && sources.home.contains(['*', '?', '[', '=']) => {
                        problems.push(draft.taken_for_pattern(sources, file));
                    }
                    Some(literal) => outside.push(OutsideFile { path, literal }),
                    None => problems.push(draft.ambiguous(sources, file)),
                }
                continue;
            }
            if let Some((what, help)) = policy::leads_out(&file.path).filter(|_| matching.is_empty()) {
                let at = draft.in_query(sources, file.literal.as_ref().unwrap_or(&file.span), "");
                let mut problem = Diagnostic::new(what).at(at).help(help);
                if file.path.contains("..") {
                    let is_news = |why: &String| why.contains("repository");
                    problem.notes.extend((sources.absent)(&file.path).filter(is_news).map(Note::from));
                }
                problems.push(problem);
                continue;
            }
            if leads_up(&file.path) && file.literal.is_none() {
                problems.push(draft.ambiguous(sources, file));
            }
            if matching.is_empty() {
                let what = format!("`{}` reads `{}`, and the project has no such file", draft.name, file.path);
                let mut problem = Diagnostic::new(what).at(draft.in_query(sources, &file.span, ""));
                problem.notes.extend((sources.absent)(&file.path).map(Note::from));
                let help = "commit the file, and tell its path from the project's folder; or have main's settings allow it: \
                            `files` of [sources], or `vmesh_sources` of a config.yaml's variables; or load it into a table of the \
                            warehouse";
                problems.push(problem.help(help));
            }
            found.append(&mut matching);
        }
        if !found.is_empty() && matches!(draft.kind, Kind::View | Kind::Embedded | Kind::Incremental(_)) {
            let what = format!("`{}` reads a file, which only a table that is built whole can keep", draft.name);
            problems.push(Diagnostic::new(what).at(draft.place(sources, "")).help("use kind FULL"));
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup();
        (draft.files, draft.outside_files) = (found, outside);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Whether a path leads out of a folder on its way.
fn leads_up(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

/// Where the copy of a committed file lies that a query reads: below one folder, as its path is told from the project's, with
/// another name for the folder above: one that no commit has a folder of.
pub fn staged(path: &str) -> String {
    path.split('/').map(|part| if part == ".." { ".git" } else { part }).collect::<Vec<_>>().join("/")
}

impl Draft {
    fn called_like_a_database(&self, sources: &Sources<'_>) -> Option<Diagnostic> {
        let schema = self.name.schema().filter(|schema| sources.externals.has_database(schema))?;
        let what = format!("`{schema}` is the name of an attached database, too: DuckDB can't tell them apart");
        let problem = Diagnostic::new(what).at(self.place(sources, ""));
        Some(problem.help("give the database another name in the settings"))
    }

    fn ambiguous(&self, sources: &Sources<'_>, file: &FileRead) -> Diagnostic {
        let what =
            format!("`{}` stands in this query as a value, too: which of them is the file can't be told", file.path);
        let call = format!("read it by a function: read_csv('{}'), or its like", file.path);
        Diagnostic::new(what).at(self.in_query(sources, &file.span, "")).help(call)
    }

    fn taken_for_pattern(&self, sources: &Sources<'_>, file: &FileRead) -> Diagnostic {
        let what = format!("the project's folder is called {}: DuckDB would take that for a pattern", sources.home);
        let help = "move the repository to a folder without *, ?, [ and = in its path";
        Diagnostic::new(what).at(self.in_query(sources, &file.span, "")).help(help)
    }

    fn without_working_tree(&self, sources: &Sources<'_>, file: &FileRead) -> Diagnostic {
        let what =
            format!("`{}` is told from the project's folder, and this repository has no working tree", file.path);
        let help = "in the settings and in the model, tell the path from the root of the disk";
        Diagnostic::new(what).at(self.in_query(sources, &file.span, "")).help(help)
    }
}

/// A path relative to a model's file, as a path relative to the project, which may lead out of it. One from the root of
/// the disk, or on another machine, stays what it is.
pub(super) fn resolve(model: &str, path: &str) -> String {
    if policy::from_root(path) || policy::is_remote(path) {
        return path.to_owned();
    }
    let (folder, path) = match path.strip_prefix("$root/") {
        Some(rest) => ("", rest),
        None => (model.rsplit_once('/').map_or("", |(folder, _)| folder), path),
    };
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Finds out which of its reads are models.
pub(super) fn reads(sources: &Sources<'_>, drafts: &mut BTreeMap<ModelName, Draft>) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut resolved: Vec<(ModelName, Vec<Option<ModelName>>)> = Vec::new();
    for draft in drafts.values() {
        let Some(query) = &draft.file.query else { continue };
        let mut models = Vec::new();
        let temporaries = draft.file.temporary(false);
        for read in query.reads.iter().flatten() {
            if temporary(&read.parts).is_some_and(|name| temporaries.contains(&name.to_lowercase())) {
                models.push(None);
                continue;
            }
            match resolve_read(read, drafts, sources) {
                Ok(model) => models.push(model),
                Err((what, help)) => {
                    let problem = Diagnostic::new(what).at(draft.in_query(sources, &read.span, ""));
                    problems.push(problem.help(help));
                    models.push(None);
                }
            }
            let is_itself = matches!(read.parts.as_slice(), [only] if only.eq_ignore_ascii_case(THIS_MODEL));
            if models.last() == Some(&Some(draft.name.clone())) || is_itself {
                let problem = Diagnostic::new(format!("`{}` reads itself", draft.name));
                let problem = problem.at(draft.in_query(sources, &read.span, ""));
                problems.push(problem.help("read the table that its rows come from"));
            }
        }
        for name in &draft.file.depends_on {
            if !drafts.contains_key(name) {
                let problem = Diagnostic::new(format!("`{}` depends on `{name}`, which is no model", draft.name));
                let problem = problem.at(draft.place(sources, ""));
                problems.push(problem.help(did_you_mean(&name.to_string(), drafts.keys())));
            }
        }
        resolved.push((draft.name.clone(), models));
    }
    for (name, reads) in resolved {
        if let Some(draft) = drafts.get_mut(&name) {
            draft.reads = reads;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// What a read names: see [`Names::meaning`].
pub(super) fn resolve_read(
    read: &Read,
    drafts: &BTreeMap<ModelName, Draft>,
    sources: &Sources<'_>,
) -> Result<Option<ModelName>, Barred> {
    let has = |name: &ModelName| drafts.contains_key(name);
    let same = |meaning: &[u8; 32]| {
        let is_it = |draft: &&Draft| draft.file.query.as_ref().is_some_and(|query| query.canonical == *meaning);
        let new = drafts.values().filter(|draft| !sources.published.had(&draft.name));
        new.into_iter().find(is_it).map(|draft| draft.name.clone())
    };
    let catalog = sources.config.catalog();
    let (externals, published) = (sources.externals, sources.published);
    let by_letter = sources.config.opening.engine.names_by_letter();
    Names { has: &has, by_letter, catalog, externals, published, same: &same }.meaning(&read.parts)
}

/// Draws a circle, one line a model.
pub(super) fn circle(sources: &Sources<'_>, drafts: &BTreeMap<ModelName, Draft>, circle: &[ModelName]) -> Diagnostic {
    let what = match circle.len() {
        2 => "two models read each other".to_owned(),
        count => format!("{count} models read each other in a circle"),
    };
    let mut diagnostic = Diagnostic::new(what);
    for (index, name) in circle.iter().enumerate() {
        let next = &circle[(index + 1) % circle.len()];
        let Some(draft) = drafts.get(name) else { continue };
        let reads = draft.file.query.iter().flat_map(|query| query.reads.iter().flatten());
        let read = reads.zip(&draft.reads).find(|(_, model)| model.as_ref() == Some(next)).map(|(read, _)| read);
        let excerpt = match read {
            Some(read) => draft.in_query(sources, &read.span, &format!("reads `{next}`")),
            None => draft.place(sources, &format!("depends on `{next}`")),
        };
        let (line, column) = excerpt.line_and_column();
        diagnostic = diagnostic.note(format!("`{name}` reads `{next}` at {}:{line}:{column}", excerpt.path));
        if index == 0 {
            diagnostic = diagnostic.at(excerpt);
        }
    }
    diagnostic.help("break one of these reads, for example with a model that both sides can read")
}

/// Advice for a name that isn't there.
pub(super) fn did_you_mean<'a>(typed: &str, names: impl Iterator<Item = &'a ModelName>) -> String {
    let names: Vec<String> = names.map(ModelName::to_string).collect();
    match nearest(typed, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`vmesh dag` lists the models".to_owned(),
    }
}

/// Reads of a query that no parser could take apart: every name of a model that stands where a table may stand. Too
/// many are harmless, since each only makes the fingerprint depend on one model more.
pub fn guess_reads(text: &str) -> Vec<Read> {
    const BEFORE: [&str; 9] =
        ["from", "join", "pivot", "unpivot", "pivot_wider", "pivot_longer", "summarize", "describe", "table"];
    let Ok(lexemes) = sql::lex(text) else { return Vec::new() };
    let word = |index: usize| match lexemes.get(index).map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, .. }) => Some(text.clone()),
        _ => None,
    };
    let symbol = |index: usize, sign: &str| {
        lexemes.get(index).is_some_and(|lexeme| matches!(&lexeme.token, Token::Symbol(text) if text == sign))
    };
    let mut reads = Vec::new();
    for (index, lexeme) in lexemes.iter().enumerate() {
        let Token::Word { text: keyword, quoted: false } = &lexeme.token else { continue };
        if !BEFORE.contains(&keyword.to_ascii_lowercase().as_str()) {
            continue;
        }
        let Some(first) = word(index + 1) else { continue };
        let mut parts = vec![first];
        let mut end = index + 1;
        while symbol(end + 1, ".")
            && let Some(next) = word(end + 2)
        {
            parts.push(next);
            end += 2;
        }
        if symbol(end + 1, "(") {
            continue;
        }
        let span = lexemes[index + 1].span.start..lexemes[end].span.end;
        // these two take no alias at all
        let bare = ["summarize", "describe"].iter().any(|bare| keyword.eq_ignore_ascii_case(bare));
        let aliased = bare || word(end + 1).is_some_and(|next| next.eq_ignore_ascii_case("as"));
        let alias = parts.last().cloned().unwrap_or_default();
        reads.push(Read { parts, span, aliased, alias, table_keyword: None });
    }
    reads
}
