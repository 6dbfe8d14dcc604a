//! Two policies, of which a run must satisfy both.

use super::command::{Command, TestCommands};
use super::schema::{GATES, Policy};
use super::words::HooksStrict;

/// The policy that gates are judged under: the stored one, tightened by the present one. Lists of demands are
/// united, gates take the higher level; keys that no gate looks at stay as stored.
pub fn stricter(stored: &Policy, present: &Policy) -> Policy {
    let mut both = stored.clone();
    for (gate, default) in GATES {
        let named = |policy: &Policy| policy.close.gates.contains_key(gate);
        if named(stored) || named(present) {
            let level = stored.gate_level(gate, default).max(present.gate_level(gate, default));
            both.close.gates.insert(gate.to_owned(), level);
        }
    }
    both.close.require_clean_git |= present.close.require_clean_git;
    unite(&mut both.close.never_waive, &present.close.never_waive);
    let (git_pr, other) = (&mut both.git_pr, &present.git_pr);
    git_pr.require_all |= other.require_all;
    unite(&mut git_pr.required_checks, &other.required_checks);
    unite(&mut git_pr.forbidden_file_patterns, &other.forbidden_file_patterns);
    unite_tests(&mut git_pr.test_commands, &other.test_commands);
    let minutes = &mut both.forum.sla.escalation_minutes;
    *minutes = (*minutes).min(present.forum.sla.escalation_minutes);
    both.hooks.strict = match (stored.hooks.strict, present.hooks.strict) {
        (HooksStrict::Always, _) | (_, HooksStrict::Always) => HooksStrict::Always,
        (HooksStrict::Never, HooksStrict::Never) => HooksStrict::Never,
        _ => HooksStrict::Auto,
    };
    both.hooks.trailer |= present.hooks.trailer;
    both
}

fn unite<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}

fn unite_tests(tests: &mut TestCommands, more: &TestCommands) {
    unite(&mut tests.every, &more.every);
    for (repo, commands) in &more.by_repo {
        let own: &mut Vec<Command> = tests.by_repo.entry(repo.clone()).or_default();
        unite(own, commands);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GateLevel;
    use crate::policy::{Format, RequiredCheck, parse};

    fn policy(text: &str) -> Policy {
        parse(text, Format::Toml).expect("the test's policy is valid")
    }

    #[test]
    fn lists_are_united_and_levels_raised_both_ways_round() {
        let a = policy(
            "close.require_clean_git = false
             close.never_waive = [\"checks\"]
             close.gates = { checks = \"warn\", bypass = \"off\" }
             git_pr.required_checks = [\"tests\"]
             git_pr.test_commands = [\"make\"]
             git_pr.forbidden_file_patterns = [\"*.a\"]
             hooks.strict = \"never\"",
        );
        let b = policy(
            "close.never_waive = [\"brief\"]
             close.gates = { bypass = \"warn\", docs-fresh = \"block\" }
             git_pr.required_checks = [\"clean_tree\"]
             git_pr.test_commands = { \"*\" = [\"make\", \"lint\"], api = [[\"go\", \"test\"]] }
             git_pr.forbidden_file_patterns = [\"*.b\"]",
        );
        for (stored, present) in [(&a, &b), (&b, &a)] {
            let both = stricter(stored, present);
            let level = |gate: &str| both.gate_level(gate, GateLevel::Block);
            assert_eq!(level("checks"), GateLevel::Block, "the other policy's default is block");
            assert_eq!(level("bypass"), GateLevel::Warn);
            assert_eq!(level("docs-fresh"), GateLevel::Block);
            assert_eq!(level("clean-tree"), GateLevel::Block);
            assert_eq!(both.close.never_waive.len(), 2);
            assert_eq!(both.git_pr.forbidden_file_patterns.len(), 2);
            assert!(both.git_pr.required_checks.contains(&RequiredCheck::CleanTree));
            assert_eq!(both.git_pr.test_commands.every.len(), 2);
            assert_eq!(both.git_pr.test_commands.by_repo.len(), 1);
            assert_eq!(both.hooks.strict, HooksStrict::Auto);
        }
    }

    #[test]
    fn a_level_named_for_clean_tree_holds_against_an_unnamed_warning() {
        let loose = policy("close.require_clean_git = false");
        let off = policy("close.gates = { clean-tree = \"off\" }");
        let both = stricter(&loose, &off);
        assert_eq!(both.gate_level("clean-tree", GateLevel::Block), GateLevel::Warn);
        assert_eq!(stricter(&loose, &loose).gate_level("clean-tree", GateLevel::Block), GateLevel::Warn);
    }

    #[test]
    fn a_policy_with_itself_stays_as_it_is() {
        let same = policy("close.gates = { checks = \"warn\" }\ngit_pr.test_commands = [\"make\"]");
        assert_eq!(stricter(&same, &same), same);
        assert_eq!(stricter(&Policy::default(), &Policy::default()), Policy::default());
    }

    #[test]
    fn keys_that_no_gate_looks_at_stay_as_stored() {
        let stored = policy("merge.style = \"squash\"");
        assert_eq!(stricter(&stored, &Policy::default()).merge, stored.merge);
    }
}
