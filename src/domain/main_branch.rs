//! Which branch is main: a decision over what Git and the settings say, made from values alone.
//!
//! A branch can't make itself main by saying so. These are believed, in this order, each as far as it is there:
//!
//! 1. the branch that is remembered as main, where the working tree agrees; or what its own committed settings say,
//!    which may hand over to another branch;
//! 2. what the settings say that are committed on the remote's default branch;
//! 3. what those say on `main` or `master`, unless both claim to be main: then the working tree's word counts;
//! 4. the branch that is remembered, though it is gone; or else the working tree's word.

use std::collections::BTreeMap;

use super::name::BranchName;

/// What the settings say that are committed on a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The branch that is main by them; none where there are no settings.
    pub main: Option<BranchName>,
    /// Whether the branch itself is there.
    pub exists: bool,
    /// Whether the branch is there that is main by them.
    pub main_exists: bool,
}

/// What is known so far. Git is asked for more only where the decision hangs on it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The branch that is remembered as main.
    pub remembered: Option<BranchName>,
    /// The branch that is main by the settings in the working tree; none where they can't tell.
    pub said_here: Option<BranchName>,
    /// The remote's default branch, once it was asked for, if there is one.
    pub default: Option<Option<BranchName>>,
    /// The word of each branch that was asked.
    pub words: BTreeMap<BranchName, Word>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This branch is main.
    Main(BranchName),
    /// This one is from now on: it is to be remembered.
    NewMain(BranchName),
    /// The working tree must say it, and can't.
    Unsaid,
    /// That hangs on the remote's default branch.
    AskDefault,
    /// That hangs on the word of this branch.
    Ask(BranchName),
}

/// Decides which branch is main.
pub fn decide(evidence: &Evidence) -> Verdict {
    weigh(evidence).unwrap_or_else(|question| question)
}

/// The verdict; or, as an error, what has to be asked before.
fn weigh(evidence: &Evidence) -> Result<Verdict, Verdict> {
    let Evidence { remembered, said_here, default, words } = evidence;
    let word = |branch: &BranchName| words.get(branch).ok_or_else(|| Verdict::Ask(branch.clone()));
    if let Some(remembered) = remembered {
        if said_here.as_ref() == Some(remembered) {
            return Ok(Verdict::Main(remembered.clone()));
        }
        match word(remembered)? {
            Word { main: Some(heir), main_exists: true, .. } if heir != remembered => {
                return Ok(Verdict::NewMain(heir.clone()));
            }
            Word { main: Some(main), .. } => return Ok(Verdict::Main(main.clone())),
            Word { exists: true, .. } => return Ok(Verdict::Main(remembered.clone())),
            Word { .. } => {}
        }
    }
    // where the branch is gone that is remembered, the one that took its place is remembered instead
    let found = |main: &BranchName| match remembered {
        Some(_) => Verdict::NewMain(main.clone()),
        None => Verdict::Main(main.clone()),
    };
    if let Some(default) = default.as_ref().ok_or(Verdict::AskDefault)?
        && let Some(main) = &word(default)?.main
    {
        return Ok(found(main));
    }
    let said_here = said_here.as_ref().ok_or(Verdict::Unsaid)?;
    let usual = ["main", "master"].map(BranchName::from);
    let [main, master] = [&word(&usual[0])?.main, &word(&usual[1])?.main];
    if [main, master] == [&Some(usual[0].clone()), &Some(usual[1].clone())] {
        return Ok(Verdict::Main(said_here.clone()));
    }
    Ok(match main.as_ref().or(master.as_ref()) {
        Some(main) => found(main),
        None => Verdict::Main(remembered.as_ref().unwrap_or(said_here).clone()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// `old>new`: branch `old` is there, and by its settings `new` is main; `old>new!`: of which there is none; `old`: it
    /// is there and has no settings; `old?`: it is gone.
    fn word(text: &str) -> (BranchName, Word) {
        let (branch, main) = text.split_once('>').map_or((text, None), |(branch, main)| (branch, Some(main)));
        let word = Word {
            main: main.map(|main| BranchName::from(main.trim_end_matches('!'))),
            exists: !branch.ends_with('?'),
            main_exists: main.is_some_and(|main| !main.ends_with('!')),
        };
        (BranchName::from(branch.trim_end_matches('?')), word)
    }

    /// The verdict where all is answered that is asked.
    fn verdict(remembered: &str, default: &str, usual: [&str; 2], said_here: &str) -> String {
        let some = |text: &str| Some(text).filter(|text| *text != "-").map(word);
        let named = [some(remembered), some(default)].into_iter().flatten();
        let words: BTreeMap<BranchName, Word> = usual.map(word).into_iter().chain(named).collect();
        let mut evidence = Evidence {
            remembered: some(remembered).map(|(branch, _)| branch),
            said_here: some(said_here).map(|(branch, _)| branch),
            ..Evidence::default()
        };
        loop {
            match decide(&evidence) {
                Verdict::Main(main) => return main.to_string(),
                Verdict::NewMain(main) => return format!("new {main}"),
                Verdict::Unsaid => return "unsaid".to_owned(),
                Verdict::AskDefault => evidence.default = Some(some(default).map(|(branch, _)| branch)),
                Verdict::Ask(branch) => {
                    let word = words.get(&branch).unwrap().clone();
                    assert_eq!(evidence.words.insert(branch, word), None, "nobody is asked twice");
                }
            }
        }
    }

    #[test]
    fn a_branch_can_t_make_itself_main() {
        let none = ["main?", "master?"];
        let main = ["main>main", "master?"];
        let both = ["main>main", "master>master"];
        for (remembered, default, usual, said, wanted) in [
            // the remembered branch and the working tree agree, whatever else is there
            ("trunk>trunk", "-", none, "trunk", "trunk"),
            ("trunk>other", "main>main", main, "trunk", "trunk"),
            ("trunk?", "main>main", main, "trunk", "trunk"),
            // a stranger's working tree says another
            ("trunk>trunk", "-", none, "evil", "trunk"),
            ("trunk>trunk", "evil>evil", both, "evil", "trunk"),
            ("trunk", "evil>evil", main, "evil", "trunk"),
            ("trunk>trunk", "-", none, "-", "trunk"),
            // main hands over, to a branch that is there
            ("trunk>next", "-", none, "next", "new next"),
            ("trunk>next", "main>main", both, "-", "new next"),
            ("trunk>next!", "-", none, "next", "next"),
            // it is gone: the remote's default branch, then the usual ones take its place
            ("trunk?", "main>main", none, "evil", "new main"),
            ("trunk?", "dev>main", both, "-", "new main"),
            ("trunk?", "dev", main, "evil", "new main"),
            ("trunk?", "-", main, "evil", "new main"),
            ("trunk?", "-", ["main", "master>master"], "evil", "new master"),
            ("trunk?", "-", none, "evil", "trunk"),
            ("trunk?", "-", none, "-", "unsaid"),
            ("trunk?", "-", both, "master", "master"),
            ("trunk?", "-", both, "-", "unsaid"),
            // nothing is remembered
            ("-", "dev>main", both, "evil", "main"),
            ("-", "evil", both, "master", "master"),
            ("-", "dev", none, "trunk", "trunk"),
            ("-", "-", main, "evil", "main"),
            ("-", "-", ["main>trunk", "master?"], "evil", "trunk"),
            ("-", "-", ["main>trunk", "master>master"], "evil", "trunk"),
            ("-", "-", ["main?", "master>main"], "evil", "main"),
            ("-", "-", both, "master", "master"),
            ("-", "-", both, "-", "unsaid"),
            ("-", "-", main, "-", "unsaid"),
            ("-", "-", none, "trunk", "trunk"),
            ("-", "-", none, "-", "unsaid"),
        ] {
            let found = verdict(remembered, default, usual, said);
            assert_eq!(found, wanted, "remembered {remembered}, default {default}, usual {usual:?}, said {said}");
        }
    }
}
