//! `linter` in a SQLMesh project's settings.

use super::super::model::Rule;
use super::super::yaml::Node;
use super::linter::Linter;
use super::sqlmesh::{Found, Reader, get, problem, unknown};

impl Reader<'_> {
    /// The linter's rules; while it is switched off, they stop no plan.
    pub(super) fn linter(&self, root: &Node) -> Found<Linter> {
        let Some(node) = get(root, "linter") else { return Ok(Linter::default()) };
        const KEYS: [&str; 5] = ["enabled", "rules", "warn_rules", "ignored_rules", "use_project_index"];
        for (key, _) in node.map().unwrap_or_default() {
            let name = self.string(key)?;
            if !KEYS.contains(&name.as_str()) {
                return Err(unknown(&name, key, KEYS.into_iter()));
            }
        }
        let (errors, warnings, ignored) =
            (self.rules(node, "rules")?, self.rules(node, "warn_rules")?, self.rules(node, "ignored_rules")?);
        let is_on = match get(node, "enabled") {
            Some(enabled) => self.string(enabled)?.eq_ignore_ascii_case("true"),
            None => false,
        };
        Ok(if is_on { Linter::chosen(&errors, &warnings, &ignored) } else { Linter::default() })
    }

    /// `ALL`, or a list of names.
    fn rules(&self, node: &Node, key: &str) -> Found<Vec<Rule>> {
        let all = get(node, key).and_then(Node::text).is_some_and(|text| text.eq_ignore_ascii_case("all"));
        if all {
            return Ok(Rule::ALL.to_vec());
        }
        let rule = |(name, span): (String, _)| {
            let unknown = || problem(format!("no rule is called `{name}`"), span).help(Rule::suggestion(&name));
            Rule::named(&name).ok_or_else(unknown)
        };
        self.list(node, key)?.into_iter().map(rule).collect()
    }
}
