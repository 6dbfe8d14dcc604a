use super::*;
use crate::model::{RepoName, RunState, TicketId};

fn ticket() -> TicketId {
    TicketId::parse("T-1").expect("name")
}

fn repo() -> RepoName {
    RepoName::parse("app").expect("name")
}

fn good() -> Facts {
    Facts {
        run: "run-1".to_owned(),
        state: RunState::Completed,
        unfinished_steps: Vec::new(),
        agents: vec![AgentFact { key: "T-1.agent".to_owned(), pulse: AgentPulse::Quiet, completed: false }],
        worktrees: vec![WorktreeFact {
            ticket: ticket(),
            repo: repo(),
            path: "/ws/app".to_owned(),
            branch: "task/t-1".to_owned(),
            missing: None,
            head: Some(HeadFact::Branch("task/t-1".to_owned())),
            dirty: Vec::new(),
            operation: None,
            judge: "git2".to_owned(),
        }],
        bases: vec![BaseFact {
            repo: repo(),
            path: "/app".to_owned(),
            base: "main".to_owned(),
            chain: ChainFact::Computed {
                onto: "a".repeat(40),
                links: vec![ChainLink {
                    ticket: ticket(),
                    branch: "task/t-1".to_owned(),
                    head: "b".repeat(40),
                    worktree: "/ws/app".to_owned(),
                    outcome: Outcome::Merges { tree: "c".repeat(40) },
                }],
            },
            obstacles: Vec::new(),
        }],
    }
}

fn defaults(_: &str, default: GateLevel) -> GateLevel {
    default
}

#[test]
fn a_good_run_passes_every_gate() {
    let verdict = judge(Action::Close, &good(), &defaults, &[]);
    assert_eq!(verdict.lines.len(), ALL.len());
    assert!(verdict.lines.iter().all(|line| line.standing == Standing::Pass), "{verdict:?}");
    assert!(verdict.pass().is_ok());
}

/// Something wrong, and the gate that must say so.
type Breakage = (&'static str, fn(&mut Facts));

#[test]
fn each_gate_refuses_its_own_case_and_names_a_command() {
    let cases: [Breakage; 10] = [
        ("run-state", |f| f.state = RunState::Running),
        ("run-state", |f| f.unfinished_steps.push("worktree of app for T-1".to_owned())),
        ("agents-quiet", |f| f.agents[0].pulse = AgentPulse::Working),
        ("agents-quiet", |f| f.agents[0].pulse = AgentPulse::Unknown("tmux did not answer".to_owned())),
        ("clean-tree", |f| f.worktrees[0].dirty.push("a.txt (modified)".to_owned())),
        ("clean-tree", |f| f.worktrees[0].operation = Some("A rebase".to_owned())),
        ("clean-tree", |f| f.worktrees[0].missing = Some("the directory is gone".to_owned())),
        ("on-branch", |f| f.worktrees[0].head = Some(HeadFact::Detached("d".repeat(40)))),
        ("mergeable", |f| {
            let ChainFact::Computed { links, .. } = &mut f.bases[0].chain else { return };
            links[0].outcome = Outcome::Conflicts { files: vec!["a.txt".to_owned()] };
        }),
        ("base-ready", |f| {
            f.bases[0].obstacles.push(("A rebase is half done.".to_owned(), "git status".to_owned()));
        }),
    ];
    for (gate, wreck) in cases {
        let mut facts = good();
        wreck(&mut facts);
        let verdict = judge(Action::Merge, &facts, &defaults, &[]);
        let refusing: Vec<_> = verdict.refusals().map(|line| line.gate).collect();
        assert_eq!(refusing, [gate]);
        assert!(verdict.refusals().flat_map(|l| &l.blockers).all(|b| b.command.starts_with("git ")));
        assert!(verdict.pass().is_err());
    }
}

#[test]
fn an_agent_that_signalled_completion_does_not_block() {
    let mut facts = good();
    facts.agents[0] = AgentFact { key: "T-1.agent".to_owned(), pulse: AgentPulse::Working, completed: true };
    assert!(!judge(Action::Close, &facts, &defaults, &[]).refuses());
}

#[test]
fn levels_and_waivers_let_pass_but_are_said() {
    let mut facts = good();
    facts.worktrees[0].dirty.push("a.txt (modified)".to_owned());
    let standing = |level: GateLevel, waivers: &[Waiver]| {
        let verdict = judge(Action::Close, &facts, &|_, _| level, waivers);
        verdict.lines.into_iter().find(|l| l.gate == "clean-tree").map(|l| l.standing)
    };
    let waiver = Waiver { gate: "clean-tree".to_owned(), reason: "scratch".to_owned() };
    assert_eq!(standing(GateLevel::Off, &[]), Some(Standing::Off));
    assert_eq!(standing(GateLevel::Warn, &[]), Some(Standing::Warn));
    assert_eq!(standing(GateLevel::Block, &[]), Some(Standing::Block));
    assert_eq!(standing(GateLevel::Block, &[waiver]), Some(Standing::Waived("scratch".to_owned())));
}

#[test]
fn many_blockers_are_reported_together() {
    let mut facts = good();
    facts.state = RunState::Failed;
    facts.worktrees[0].dirty.push("a.txt (modified)".to_owned());
    facts.agents[0].pulse = AgentPulse::Working;
    assert_eq!(judge(Action::Close, &facts, &defaults, &[]).refusals().count(), 3);
}
