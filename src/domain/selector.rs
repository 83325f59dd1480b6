//! Selectors: which models a person means. As in dbt: `marts.*`, `tag:daily`, `kind:view`, `owner:ada`, `changed`; `+` before
//! one takes what it reads, behind it what reads it, with a number so many steps of that; a comma takes those that both
//! sides mean, and several selectors mean all together.

use std::collections::BTreeSet;

use super::name::ModelName;
use super::pattern::{self, Patterns};
use super::project::{Model, Project};

/// Which models are meant.
#[derive(Debug)]
pub struct Selector(Vec<Part>);

/// One of several that a model has to match.
#[derive(Debug)]
struct Part {
    what: What,
    /// So many steps of what those read are meant, too.
    above: usize,
    /// So many steps of what reads them.
    below: usize,
}

#[derive(Debug)]
enum What {
    /// By name, or a pattern of names.
    Named(String),
    Tag(Patterns),
    Kind(Patterns),
    Owner(Patterns),
    /// What the branch changed.
    Changed,
}

/// Where a selector looks things up.
pub struct Lookup<'l, E> {
    /// The models.
    pub project: &'l Project,
    /// The models that a name or a pattern means.
    pub named: &'l dyn Fn(&str) -> Result<Vec<ModelName>, E>,
    /// The models that the branch changed.
    pub changed: &'l dyn Fn() -> Result<BTreeSet<ModelName>, E>,
}

impl Selector {
    /// Reads one selector.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(Part::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a text is a selector that says more than a name, or a pattern of names.
    pub fn is_meant(text: &str) -> bool {
        let is_name = |part: &Part| matches!(part.what, What::Named(_)) && part.above == 0 && part.below == 0;
        Self::parse(text).is_ok_and(|selector| selector.0.len() > 1 || !selector.0.iter().all(is_name))
    }

    /// The models that it means.
    pub fn select<E>(&self, lookup: &Lookup<'_, E>) -> Result<BTreeSet<ModelName>, E> {
        let mut found: Option<BTreeSet<ModelName>> = None;
        for part in &self.0 {
            let meant = part.select(lookup)?;
            found = Some(match found {
                Some(found) => found.intersection(&meant).cloned().collect(),
                None => meant,
            });
        }
        Ok(found.unwrap_or_default())
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (above, rest) = match text.split_once('+') {
            Some((steps, rest)) if steps.chars().all(|c| c.is_ascii_digit()) => (self::steps(steps)?, rest),
            _ => (0, text),
        };
        let (body, below) = match rest.rsplit_once('+') {
            Some((body, steps)) if steps.chars().all(|c| c.is_ascii_digit()) => (body, self::steps(steps)?),
            _ => (rest, 0),
        };
        let what = match body.split_once(':') {
            Some(("tag", of)) => What::Tag(compiled(of)?),
            Some(("kind", of)) => What::Kind(compiled(of)?),
            Some(("owner", of)) => What::Owner(compiled(of)?),
            Some((method, _)) => return Err(format!("`{method}:` selects nothing: there are tag:, kind: and owner:")),
            None if body.is_empty() => return Err(format!("`{text}` names no model")),
            None if body == "changed" => What::Changed,
            None => What::Named(body.to_owned()),
        };
        Ok(Self { what, above, below })
    }

    fn select<E>(&self, lookup: &Lookup<'_, E>) -> Result<BTreeSet<ModelName>, E> {
        let project = lookup.project;
        let matching = |is: &dyn Fn(&Model) -> bool| -> BTreeSet<ModelName> {
            project.models().filter(|model| is(model)).map(|model| model.name.clone()).collect()
        };
        let meant = match &self.what {
            What::Named(name) => (lookup.named)(name)?.into_iter().collect(),
            What::Changed => (lookup.changed)()?,
            What::Tag(tag) => {
                matching(&|model| model.file.about.tags.iter().any(|own| tag.is_match(own.to_lowercase())))
            }
            What::Kind(kind) => matching(&|model| kind.is_match(model.kind.word().as_str().to_lowercase())),
            What::Owner(owner) => {
                matching(&|model| model.file.about.owner.as_ref().is_some_and(|own| owner.is_match(own.to_lowercase())))
            }
        };
        let parents = |name: &ModelName| -> Vec<ModelName> {
            project.model(name).map(|model| model.parents.keys().cloned().collect()).unwrap_or_default()
        };
        let readers = project.readers();
        let children = |name: &ModelName| readers.get(name).cloned().unwrap_or_default();
        let above = reached(&meant, self.above, &parents);
        let below = reached(&meant, self.below, &children);
        Ok(meant.into_iter().chain(above).chain(below).filter(|name| project.model(name).is_some()).collect())
    }
}

/// What is reached from some models in so many steps.
fn reached(
    from: &BTreeSet<ModelName>,
    steps: usize,
    next: &dyn Fn(&ModelName) -> Vec<ModelName>,
) -> BTreeSet<ModelName> {
    let (mut found, mut edge) = (BTreeSet::new(), from.clone());
    for _ in 0..steps {
        edge = edge.iter().flat_map(next).filter(|name| !found.contains(name)).collect();
        if edge.is_empty() {
            break;
        }
        found.extend(edge.iter().cloned());
    }
    found
}

/// How many steps: all without a number.
fn steps(text: &str) -> Result<usize, String> {
    match text {
        "" => Ok(usize::MAX),
        number => number.parse().map_err(|_| format!("`{number}` is no number of steps")),
    }
}

/// A pattern in lower case; none is empty.
fn compiled(text: &str) -> Result<Patterns, String> {
    match text.is_empty() {
        true => Err("a selector ends with nothing behind its colon".to_owned()),
        false => pattern::compile(&text.to_lowercase()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_selector_says_so() {
        let wrong = [
            ("", "`` names no model"),
            ("+", "`+` names no model"),
            ("a,,b", "`` names no model"),
            ("colour:red", "`colour:` selects nothing: there are tag:, kind: and owner:"),
            ("tag:", "a selector ends with nothing behind its colon"),
            ("99999999999999999999+a", "`99999999999999999999` is no number of steps"),
        ];
        for (text, why) in wrong {
            assert_eq!(Selector::parse(text).map(|_| ()).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn steps_are_read_on_both_sides() {
        let part = |text: &str| {
            let part = Part::parse(text).unwrap();
            let What::Named(name) = part.what else { panic!("{text}") };
            (part.above, name, part.below)
        };
        let name = |name: &str| name.to_owned();
        assert_eq!(part("a"), (0, name("a"), 0));
        assert_eq!(part("+a"), (usize::MAX, name("a"), 0));
        assert_eq!(part("2+a+1"), (2, name("a"), 1));
        assert_eq!(part("a.b+"), (0, name("a.b"), usize::MAX));
    }
}
