//! What hooks and the watcher say: a line or two that a person is glad to read.

use super::{BOLD, DIM, RED, YELLOW, ago, count, event, paint, plan, some};
use crate::adapter::git::Rest;
use crate::workflow::background::failure::Failure;
use crate::workflow::background::reconcile::{Reconciled, Standing};
use crate::workflow::build::Cutoff;
use crate::workflow::session::now;

/// What holds until conflicts are resolved.
pub(in crate::cli) fn conflicts(files: &[String]) -> String {
    format!("conflicts in {}: the environment stays as it is until they are resolved", some(files, 6))
}

/// What to say after settling. With `greet`, an environment that was in step already is named, too: someone just
/// switched to it.
pub(in crate::cli) fn render(reconciled: &Reconciled, greet: bool) -> Option<String> {
    let line = match reconciled {
        Reconciled::Nothing | Reconciled::NotNow(Rest::Ready | Rest::Detached) => return None,
        Reconciled::NotNow(Rest::Busy { .. }) => return None,
        Reconciled::NotNow(Rest::Conflicts { .. }) if !greet => return None,
        Reconciled::NotNow(Rest::Conflicts { files }) => conflicts(files),
        Reconciled::InStep(standing) if greet => return Some(in_step(standing, !standing.environment.is_prod())),
        Reconciled::InStep(_) => return None,
        Reconciled::Published { standing, applied } => {
            let built = &applied.built;
            let what = match built.len() {
                0 => "nothing to build".to_owned(),
                _ => format!("built {}{}", some(built, 4), spared(&applied.cutoff)),
            };
            if standing.environment.is_prod() {
                let commit = standing.commit.as_deref().map(plan::short).unwrap_or_default();
                match (applied.plan.swaps(), built.is_empty()) {
                    (0, true) => format!("{} shows {commit} · no model changed", paint(BOLD, "prod")),
                    (swaps, _) => format!(
                        "{} shows {commit} · {} swapped, {what} {}",
                        paint(BOLD, "prod"),
                        count(swaps, "pointer"),
                        paint(DIM, "· back: vmesh rollback")
                    ),
                }
            } else {
                format!("{} · {} · {what}", paint(BOLD, &standing.environment), stands(standing))
            }
        }
        Reconciled::Queued { environment, builds, locked: None } => {
            let what = match builds.len() {
                0 => "swapping pointers".to_owned(),
                _ => format!("building {}", some(builds, 4)),
            };
            let hint = paint(DIM, "· vmesh status");
            format!("{} · {what} in the background {hint}", paint(BOLD, environment))
        }
        Reconciled::Queued { environment, locked: Some(holder), .. } => {
            let has = event::has(holder.as_ref(), "the warehouse");
            format!("{} · {has}; planned as soon as it is free", paint(BOLD, environment))
        }
        Reconciled::OwnedElsewhere(kept) => {
            let owner = &kept.owner;
            let stays = format!("{} stays as {} shows it from {}", kept.environment, owner.who, owner.folder);
            format!("{} · vmesh plan --take-over shows yours", paint(YELLOW, stays))
        }
        Reconciled::Rewound { shown, tip } => {
            let note = format!("prod still shows {shown}, which main (now {tip}) no longer contains");
            format!("{} · vmesh promote --allow-rewind follows main", paint(YELLOW, note))
        }
    };
    Some(format!("vmesh: {line}"))
}

/// What was not built, because what is above it has the same rows as before.
pub(in crate::cli) fn spared(cutoff: &Cutoff) -> String {
    match cutoff.spared.len() {
        0 => String::new(),
        spared => format!(", {} below not: the same rows", count(spared, "model")),
    }
}

/// That an environment shows what it shall. Prod stays so after a rollback, too: then it is not at main's tip.
pub(in crate::cli) fn in_step(standing: &Standing, at_tip: bool) -> String {
    let environment = paint(BOLD, &standing.environment);
    let what = match (at_tip, standing.commit.as_deref()) {
        (false, Some(commit)) => format!("shows {}", plan::short(commit)),
        _ => "in step".to_owned(),
    };
    format!("vmesh: {environment} · {what} · {}", stands(standing))
}

/// What failed in the background, in a line.
pub(in crate::cli) fn failed(failure: &Failure) -> String {
    let Failure { branch, message, at, .. } = failure;
    let first = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let what = first.trim().trim_start_matches("error: ");
    let when = ago(*at, now());
    format!(
        "{} {what} {}",
        paint(RED, format!("{branch} failed in the background {when}:")),
        paint(DIM, "· vmesh status")
    )
}

/// How an environment stands against prod.
pub(in crate::cli) fn stands(standing: &Standing) -> String {
    let Standing { environment, models, own, .. } = standing;
    let models_text = count(*models, "model");
    if environment.is_prod() {
        models_text
    } else if *own == 0 {
        format!("{models_text}, all shared with prod")
    } else if own == models {
        format!("{models_text}, all its own")
    } else {
        format!("{models_text}, {own} its own, {} shared with prod", models - own)
    }
}
