//! `vmesh doctor --engine`: whether a project would run on another engine.

use serde_json::json;

use super::render::{count, diagnostic, some, table, wrap};
use super::{DONE, Face, Verdict, error};
use crate::adapter::process;
use crate::domain::config::EnvText;
use crate::domain::engine_kind::EngineKind;
use crate::workflow::error::Error;
use crate::workflow::other_engine::Fitness;

/// How many names are told.
const NAMED: usize = 8;

pub(super) fn doctor(face: &Face, engine: &str, url: &str) -> Verdict {
    let usage = |what: String, help: &str| Error::Usage { what, help: help.to_owned() };
    let kind = EngineKind::ALL.into_iter().find(|kind| kind.word() == engine);
    let kind = kind.ok_or_else(|| usage(format!("unknown engine `{engine}`"), "postgres, spark or duckdb"))?;
    let url = EnvText::read(url).map_err(|what| usage(what, "--url env:VMESH_POSTGRES_URL"))?;
    if let (Some(_), Err(name)) = (kind.url(), url.resolve(process::variable)) {
        let help = "vmesh doctor --engine postgres --url 'host=… user=… dbname=…'";
        return Err(usage(format!("where is the server? The environment has no {name}"), help));
    }
    let mut session = face.session()?;
    if session.config.opening.engine == kind {
        let what = format!("this project is on {engine} already");
        return Err(usage(what, "vmesh doctor looks at it"));
    }
    let fitness = session.fitness(kind, kind.url().map(|_| &url))?;
    for problem in &fitness.problems {
        tell!("{}", wrap::problem(&diagnostic::render(problem, false), table::width()));
    }
    face.print(
        || wrap::wrap(&told(kind, &fitness), table::width()),
        || {
            json!({
                "engine": engine,
                "models": fitness.models,
                "fit": fitness.fit,
                "problems": fitness.problems.iter().map(diagnostic::json).collect::<Vec<_>>(),
                "untried": fitness.untried.iter().map(|(model, reads)| json!({"model": model, "reads": reads})).collect::<Vec<_>>(),
            })
        },
    );
    let is_known = fitness.problems.is_empty() && fitness.untried.is_empty();
    Ok(if is_known { DONE } else { error::FAILED })
}

fn told(kind: EngineKind, fitness: &Fitness) -> String {
    let models = count(fitness.models, "model");
    let mut told = format!("{} of {models} would run on {} as they are\n", fitness.fit.len(), kind.name());
    if !fitness.untried.is_empty() {
        let each: Vec<String> =
            fitness.untried.iter().map(|(model, reads)| format!("{model} (reads {reads})")).collect();
        told.push_str(&format!(
            "not tried, since they read what would not run, or what nobody knows the columns of: {}\n",
            some(&each, NAMED)
        ));
    }
    told
}
