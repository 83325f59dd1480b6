//! Odd and hostile input for everything that reads a text: none may panic, overflow the stack or take long.
//!
//! A few hundred inputs each are part of the suite. `VMESH_FUZZ_SECONDS=3600 cargo test --lib fuzz -- --nocapture` goes
//! on for an hour from another seed, and tells how many inputs each target had. What it finds it prints with the number
//! that makes the same input again: `VMESH_FUZZ_REPLAY=<target>:<number>`.

mod corpus;
mod mutate;
mod targets;

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::mutate::{Random, input};
use self::targets::{TARGETS, Target};

/// The inputs of each target in the suite.
const IN_SUITE: u64 = 150;
/// No input may take longer, on a slow computer and without optimization; ten times that where it runs beside others.
const LIMIT: Duration = Duration::from_secs(30);
/// So many different failures of a target are enough to look at.
const ENOUGH: usize = 5;

/// What is being read now, for the watchdog.
type Current = Arc<Mutex<Option<(&'static str, u64, Instant)>>>;

#[derive(Default)]
struct Tally {
    inputs: u64,
    slowest: (Duration, u64),
    failures: Vec<(u64, String)>,
}

#[test]
fn nothing_panics_or_hangs() {
    if let Ok(replay) = std::env::var("VMESH_FUZZ_REPLAY") {
        let (name, number) = replay.split_once(':').unwrap();
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        let text = input(target, number.parse().unwrap());
        eprintln!("{} bytes: {}", text.len(), shown(&text));
        (target.read)(&text);
        return;
    }
    let seconds: Option<u64> = std::env::var("VMESH_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let first = if seconds.is_some() { now << 20 } else { 0 };
    let start = Instant::now();
    let is_over = |round: u64| match seconds {
        Some(seconds) => start.elapsed() >= Duration::from_secs(seconds),
        None => round >= IN_SUITE,
    };
    let current = Current::default();
    watch(current.clone(), if seconds.is_some() { LIMIT * 10 } else { LIMIT });
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    quiet_here();
    let (mut round, mut told) = (0, Instant::now());
    while !is_over(round) {
        for target in &TARGETS {
            let tally = tallies.entry(target.name).or_default();
            if tally.failures.len() < ENOUGH {
                one(target, first + round, &current, tally);
            }
        }
        round += 1;
        if seconds.is_some() && told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            tell(&tallies, start.elapsed());
        }
    }
    if seconds.is_some() {
        tell(&tallies, start.elapsed());
    }
    let failures: Vec<String> = tallies
        .iter()
        .flat_map(|(name, tally)| tally.failures.iter().map(move |(number, why)| format!("{name}:{number} {why}")))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Lets panics of this thread go untold, which are told with their inputs.
fn quiet_here() {
    let (here, tell) = (std::thread::current().id(), panic::take_hook());
    panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() != here {
            tell(panic);
        }
    }));
}

/// Reads one input.
fn one(target: &'static Target, number: u64, current: &Current, tally: &mut Tally) {
    let text = input(target, number);
    let start = Instant::now();
    *current.lock().unwrap() = Some((target.name, number, start));
    let read = panic::catch_unwind(AssertUnwindSafe(|| (target.read)(&text)));
    *current.lock().unwrap() = None;
    tally.inputs += 1;
    if start.elapsed() > tally.slowest.0 {
        tally.slowest = (start.elapsed(), number);
    }
    if let Err(panic) = read {
        let text_of = |message: &str| message.chars().take(300).collect::<String>();
        let why = match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
            (Some(message), _) => text_of(message),
            (None, Some(message)) => text_of(message),
            (None, None) => "panicked".to_owned(),
        };
        if !tally.failures.iter().any(|(_, known)| *known == why) {
            eprintln!("{}:{number} {why}\n  {}", target.name, shown(&text));
            tally.failures.push((number, why));
        }
    }
}

/// Ends the process when an input takes too long, and tells which: nothing else can stop a loop. What overflows the stack
/// ends it by itself; its number is in a file.
fn watch(current: Current, limit: Duration) {
    let file = std::env::temp_dir().join("vmesh-fuzz-current");
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let Some((name, number, since)) = *current.lock().unwrap() else { continue };
            if since.elapsed() > Duration::from_millis(200) {
                let _ = std::fs::write(&file, format!("{name}:{number}\n"));
            }
            if since.elapsed() > limit {
                eprintln!("{name}:{number} takes more than {} s", limit.as_secs());
                std::process::exit(101);
            }
        }
    });
}

fn tell(tallies: &BTreeMap<&str, Tally>, took: Duration) {
    let all: u64 = tallies.values().map(|tally| tally.inputs).sum();
    eprintln!("{all} inputs in {} s", took.as_secs());
    for (name, Tally { inputs, slowest, failures }) in tallies {
        let (slow, number) = (slowest.0.as_millis(), slowest.1);
        eprintln!("  {name}: {inputs} inputs, slowest {slow} ms ({name}:{number}), {} failures", failures.len());
    }
}

/// The start of an input, as a string of Rust.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(1500).collect::<String>())
}

#[test]
fn a_number_makes_the_same_input_again() {
    let target = &TARGETS[0];
    assert_eq!(input(target, 7), input(target, 7));
    assert_ne!(Random::new(1).next(), Random::new(2).next());
}
