//! What checks a model, its audits and unit tests, and what they say of the current branch's version.

use std::collections::BTreeMap;

use super::super::background::failure;
use super::super::error::Error;
use super::super::event::Event;
use super::super::planning::Prepared;
use super::super::session::Session;
use crate::domain::audit::Call;
use crate::domain::environment::State;
use crate::domain::name::ModelName;
use crate::domain::project::Model;
use crate::domain::unit_test;

/// One audit or unit test of a model.
#[derive(Debug)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Which of the two it is.
    pub kind: CheckKind,
    /// What came of it; none where it was not run on this version.
    pub verdict: Option<Verdict>,
}

/// What checks a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// Of the rows of its table.
    Audit {
        /// Whether wrong rows stop the build.
        blocking: bool,
    },
    /// Of its query, on given rows.
    Test,
}

/// What came of a check.
#[derive(Debug)]
pub enum Verdict {
    /// All is as it should be.
    Passed,
    /// It isn't, and why.
    Failed(String),
}

impl Session<'_> {
    /// The audits and unit tests of each model; the tests are run if that is wanted.
    pub(super) fn checks(
        &self,
        prepared: &Prepared,
        state: &State,
        runs_tests: bool,
    ) -> Result<BTreeMap<ModelName, Vec<Check>>, Error> {
        let tree = &prepared.desired;
        let stopped = failure::stopped(self, &prepared.target.branch);
        let mut checks: BTreeMap<ModelName, Vec<Check>> = BTreeMap::new();
        for model in tree.project.models() {
            let table = state.built(&model.fingerprint);
            let key = tree.audit_key(model);
            let is_audited = table.zip(key).is_some_and(|(table, key)| table.audited.contains(&key));
            let audits = model.file.audits.iter().map(|call| audit(model, call, is_audited, &stopped));
            checks.entry(model.name.clone()).or_default().extend(audits);
        }
        for (model, test) in self.tests_told(prepared, runs_tests)? {
            checks.entry(model).or_default().push(test);
        }
        Ok(checks)
    }

    fn tests_told(&self, prepared: &Prepared, runs: bool) -> Result<Vec<(ModelName, Check)>, Error> {
        let tree = &prepared.desired;
        let kind = CheckKind::Test;
        if !runs {
            let mut told = Vec::new();
            for (path, text) in self.test_files(tree)? {
                let found = unit_test::parse(&path, &text).unwrap_or_default();
                told.extend(found.into_iter().map(|test| (test.model, Check { name: test.name, kind, verdict: None })));
            }
            return Ok(told);
        }
        let told = |tested: super::super::unit_tests::Tested| {
            let verdict = match &tested.outcome {
                Ok(differences) if differences.is_empty() => Verdict::Passed,
                Ok(_) => Verdict::Failed("other rows than expected".to_owned()),
                Err(problem) => Verdict::Failed(problem.what.clone()),
            };
            (tested.model, Check { name: tested.name, kind, verdict: Some(verdict) })
        };
        let tests = self.test(tree, &|_, _, _| true)?;
        for problem in tests.broken {
            self.report.report(&Event::Problem(problem));
        }
        Ok(tests.tested.into_iter().map(told).collect())
    }
}

/// An audit of a model, and what it said of the version at hand.
fn audit(model: &Model, call: &Call, is_audited: bool, stopped: &[failure::Stopped]) -> Check {
    let failed = stopped.iter().find(|stopped| stopped.model == model.name && stopped.audit == call.name);
    let verdict = match failed {
        Some(stopped) => Some(Verdict::Failed(wrong(stopped.count))),
        None => is_audited.then_some(Verdict::Passed),
    };
    Check { name: call.name.clone(), kind: CheckKind::Audit { blocking: call.blocking != Some(false) }, verdict }
}

fn wrong(rows: u64) -> String {
    if rows == 1 { "1 wrong row".to_owned() } else { format!("{rows} wrong rows") }
}
