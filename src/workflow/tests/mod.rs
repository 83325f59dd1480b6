//! Faults: whichever call to the warehouse fails, or is the last that the process makes, the same command again ends in
//! the state that it would have ended in without, and meanwhile no reader sees a mixture.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faulty;
mod shop;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use self::faulty::{Fault, Faults, FaultyEngine};
use self::shop::{Shop, Silent};
use super::error::Error;
use super::session::Session;
use crate::adapter::engine::{self, Interrupt};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Scope;
use crate::domain::name::{EnvName, ModelName};

/// Tells a process which fault it is to have: the call, the fault's place among all of them, and the shop's folder.
const CHILD: &str = "VMESH_TEST_FAULT";
/// Says that each call is to have each of the faults, and not only one of them.
const ALL: &str = "VMESH_TEST_ALL_FAULTS";

/// A command, and the repository and warehouse that it is given to.
struct Scenario {
    /// The test's name.
    test: &'static str,
    prepare: fn(&Shop),
    /// The time of the command.
    now: &'static str,
    command: fn(&Session<'_>) -> Result<(), Error>,
    /// Whether all of an environment changes at once, and not model by model.
    at_once: bool,
    /// Whether the tree that is checked out is shown in the end.
    in_step: bool,
}

#[test]
fn promote() {
    sweep(&Scenario {
        test: "promote",
        prepare: |shop| {
            shop.promote("2026-01-04");
            shop.change();
            shop.commit("all new");
        },
        now: "2026-01-05",
        command: |session| {
            let prepared = session.prepare(session.promotion(None, false)?)?;
            session.apply(&prepared, true, &mut |_| {}).map(|_| ())
        },
        at_once: true,
        in_step: true,
    });
}

#[test]
fn plan() {
    sweep(&Scenario {
        test: "plan",
        prepare: |shop| {
            shop.promote("2026-01-04");
            shop.git(&["switch", "-q", "-c", "alice"]);
            shop.change();
        },
        now: "2026-01-05",
        command: |session| {
            let prepared = session.prepare(session.target(None, None)?)?;
            session.apply(&prepared, true, &mut |_| {}).map(|_| ())
        },
        at_once: true,
        in_step: true,
    });
}

#[test]
fn run() {
    sweep(&Scenario {
        test: "run",
        prepare: |shop| shop.promote("2026-01-04"),
        now: "2026-01-06",
        command: |session| session.run(None, false).map(|_| ()),
        at_once: false,
        in_step: true,
    });
}

#[test]
fn restate() {
    sweep(&Scenario {
        test: "restate",
        prepare: |shop| {
            shop.promote("2026-01-04");
            shop.sql("UPDATE raw.orders SET amount = amount + 1000");
        },
        now: "2026-01-04",
        command: |session| session.restate(&["*".to_owned()], &EnvName::prod()).map(|_| ()),
        at_once: true,
        in_step: true,
    });
}

#[test]
fn rollback() {
    sweep(&Scenario {
        test: "rollback",
        prepare: |shop| {
            shop.promote("2026-01-04");
            shop.git(&["tag", "first"]);
            shop.change();
            shop.commit("all new");
            shop.promote("2026-01-04");
        },
        now: "2026-01-04",
        command: |session| session.rollback(&session.plan_rollback(Some("first"))?).map(|_| ()),
        at_once: true,
        in_step: false,
    });
}

#[test]
fn gc() {
    sweep(&Scenario {
        test: "gc",
        prepare: |shop| {
            shop.promote("2026-01-04");
            shop.git(&["switch", "-q", "-c", "alice"]);
            shop.change();
            shop.commit("alice's");
            shop.plan("2026-01-04");
            shop.git(&["switch", "-q", "main"]);
            shop.git(&["branch", "-q", "-D", "alice"]);
        },
        now: "2026-01-04",
        command: |session| session.collect_all().map(|_| ()),
        at_once: true,
        in_step: true,
    });
}

/// What readers see: of each environment, of each model, the table that it shows and the rows; and prod's history.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    environments: BTreeMap<EnvName, BTreeMap<String, String>>,
    promotions: Vec<String>,
}

/// Each call of a scenario with a fault.
fn sweep(scenario: &Scenario) {
    if let Ok(told) = std::env::var(CHILD) {
        return as_child(scenario, &told);
    }
    let shop = Shop::new();
    (scenario.prepare)(&shop);
    let old = seen(&shop);
    let (kept, faults) = (shop.keep(), Faults::new(None));
    carry_out(scenario, &shop, &faults).unwrap();
    let new = seen(&shop);
    let tables = collected(scenario, &shop);
    let (all, calls) = (std::env::var_os(ALL).is_some(), faults.calls());
    assert!(calls > 2, "{}: {calls} calls", scenario.test);
    for number in 0..calls {
        let faults = if all { &Fault::ALL[..] } else { std::slice::from_ref(&Fault::ALL[number % 4]) };
        for fault in faults {
            let what = format!("{} call {number} of {calls}, which {fault:?}", scenario.test);
            shop.restore(&kept);
            with_fault(scenario, &shop, number, *fault);
            is_no_mixture(scenario, &seen(&shop), &old, &new, &what);
            let again = carry_out(scenario, &shop, &Faults::new(None));
            assert!(again.is_ok(), "{what}: {again:?}");
            assert_eq!(seen(&shop), new, "{what}");
            assert_eq!(collected(scenario, &shop), tables, "{what}");
        }
    }
}

/// Carries out a scenario's command with a fault: one that ends the process, in a process of its own.
fn with_fault(scenario: &Scenario, shop: &Shop, number: usize, fault: Fault) {
    if !fault.ends() {
        // what is told of it is another test's business: some calls may fail, and the command is done all the same
        let _ = carry_out(scenario, shop, &Faults::new(Some((number, fault))));
        return;
    }
    let place = Fault::ALL.iter().position(|one| *one == fault).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("workflow::tests::{}", scenario.test)]);
    child.env(CHILD, format!("{number} {place} {}", shop.path().display()));
    let ended = child.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    // where builds come in another order, there may be a call less
    let is_done = ended.status.success() && told.contains("1 passed");
    assert!(ended.status.code().is_none() || is_done, "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
}

fn as_child(scenario: &Scenario, told: &str) {
    let mut told = told.splitn(3, ' ');
    let mut next = || told.next().unwrap();
    let (number, place, path) = (next().parse().unwrap(), next().parse::<usize>().unwrap(), next());
    let shop = Shop::at(path.into());
    let _ = carry_out(scenario, &shop, &Faults::new(Some((number, Fault::ALL[place]))));
}

fn carry_out(scenario: &Scenario, shop: &Shop, faults: &Faults) -> Result<(), Error> {
    let engine = FaultyEngine { engine: engine::of_project(EngineKind::default()), faults: faults.clone() };
    let interrupt = Interrupt::default();
    let mut session = Session::open(shop.path(), &Silent, &interrupt)?;
    session.engine = &engine;
    session.timing = shop::at(scenario.now);
    (scenario.command)(&session)
}

fn seen(shop: &Shop) -> Seen {
    let session = shop.session("2026-01-04");
    let warehouse = session.read_warehouse().unwrap().unwrap();
    let state = warehouse.state(&Scope::All).unwrap();
    let rows = |environment: &EnvName, model: &ModelName| {
        let view = model.view(environment, session.config.pattern).quoted();
        warehouse.rows("looking", &format!("SELECT * FROM {view} ORDER BY ALL"), None).unwrap().rows
    };
    let environments = state.environments.iter().map(|(name, environment)| {
        let models = environment.pointers.iter().map(|(model, pointer)| {
            (model.to_string(), format!("{} {} {:?}", pointer.fingerprint.hex(), pointer.table, rows(name, model)))
        });
        (name.clone(), models.collect())
    });
    let environments = environments.collect();
    let promotions = state.promotions.iter().map(|it| format!("{} {}", it.action.word(), it.commit)).collect();
    Seen { environments, promotions }
}

/// The tables that are left after a collection. Nothing is to be planned before, and nothing after.
fn collected(scenario: &Scenario, shop: &Shop) -> Vec<String> {
    let session = shop.session(scenario.now);
    let is_in_step = || {
        let prepared = session.prepare(session.target(None, None).unwrap()).unwrap();
        prepared.plan(&session, &session.state().unwrap()).unwrap().is_done()
    };
    assert_eq!(is_in_step(), scenario.in_step, "{}", scenario.test);
    session.collect_all().unwrap();
    assert!(session.garbage().unwrap().is_empty());
    assert_eq!(is_in_step(), scenario.in_step, "{}", scenario.test);
    session.state().unwrap().physical.into_iter().collect()
}

/// That each environment is seen as it was before, or as it is after.
fn is_no_mixture(scenario: &Scenario, between: &Seen, old: &Seen, new: &Seen, what: &str) {
    for name in old.environments.keys().chain(new.environments.keys()).chain(between.environments.keys()) {
        let of = |seen: &Seen| seen.environments.get(name).cloned();
        let (between, old, new) = (of(between), of(old), of(new));
        if between == old || between == new {
            continue;
        }
        assert!(!scenario.at_once, "{what}: a mixture in `{name}`:\n{between:#?}\nwas {old:#?}\nis to be {new:#?}");
        let (Some(between), Some(old), Some(new)) = (between, old, new) else { panic!("{what}: `{name}` is gone") };
        for (model, shown) in &between {
            let is_whole = [&old, &new].iter().any(|seen| seen.get(model) == Some(shown));
            assert!(
                is_whole,
                "{what}: `{model}` shows {shown}\nwas {:?}\nis to be {:?}",
                old.get(model),
                new.get(model)
            );
        }
    }
    let is_known = between.promotions == old.promotions || between.promotions == new.promotions;
    assert!(is_known, "{what}: {:?}", between.promotions);
}
