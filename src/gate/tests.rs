use super::*;
use crate::model::{Agreement, DocSyncState, RepoName, RunState, TicketId};

fn ticket() -> TicketId {
    TicketId::parse("T-1").expect("name")
}

fn repo() -> RepoName {
    RepoName::parse("app").expect("name")
}

pub(super) fn good() -> Facts {
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
            branch_exists: true,
            missing: None,
            head: Some(HeadFact::Branch("task/t-1".to_owned())),
            dirty: Vec::new(),
            operation: None,
            judge: "git2".to_owned(),
        }],
        branches: vec![BranchFact {
            repo: "app".to_owned(),
            branch: "task/t-1".to_owned(),
            base: "main".to_owned(),
            path: "/ws/app".to_owned(),
            merge_base: "a".repeat(40),
            records: Vec::new(),
            forbidden: Vec::new(),
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
        checks: vec![CheckFact {
            repo: "app".to_owned(),
            command: "make check".to_owned(),
            standing: CheckStanding::Passed,
        }],
        docs: vec![seeded(true)],
        bootstrap: Some(BootstrapFact {
            has_goal: true,
            has_criteria: true,
            validations: vec![said("coder", Claim::Passed), said("reviewer", Claim::None)],
        }),
        questions: Vec::new(),
        escalated: Vec::new(),
        bypasses: Vec::new(),
        drift: Vec::new(),
    }
}

pub(super) fn seeded(is_foreign: bool) -> DocFact {
    DocFact {
        ticket: "T-1".to_owned(),
        home: "app".to_owned(),
        place: "/ws/app".to_owned(),
        is_foreign,
        standing: DocStanding::Known {
            state: DocSyncState::Synced,
            error: String::new(),
            has_revision: true,
            is_present: true,
            restore: "git restore".to_owned(),
            dirty: Vec::new(),
            agreement: Agreement::WorkspaceAhead,
        },
    }
}

fn said(agent: &str, claim: Claim) -> ValidationFact {
    ValidationFact { agent: format!("T-1.{agent}"), ticket: "T-1".to_owned(), claim }
}

fn claim(facts: &mut Facts, claim: Claim) {
    if let Some(bootstrap) = &mut facts.bootstrap {
        bootstrap.validations[0].claim = claim;
    }
}

pub(super) fn defaults(_: &str, default: GateLevel) -> GateLevel {
    default
}

fn outcome(facts: &mut Facts, outcome: Outcome) {
    if let ChainFact::Computed { links, .. } = &mut facts.bases[0].chain {
        links[0].outcome = outcome;
    }
}

#[test]
fn a_good_run_passes_every_gate() {
    let verdict = judge(Action::Close, &good(), &defaults, &[]);
    assert_eq!(verdict.lines.len(), ALL.len());
    assert!(verdict.lines.iter().all(|line| line.standing == Standing::Pass), "{verdict:?}");
    assert!(verdict.pass().is_ok());
}

fn ask(facts: &mut Facts, is_taken: bool) {
    let (question, thread) = ("Which colour?".to_owned(), "fthr-1".to_owned());
    facts.questions.push(QuestionFact { agent: "T-1.coder".to_owned(), question, thread, is_taken });
}

#[test]
fn an_escalated_thread_is_a_warning_of_a_close() {
    let mut facts = good();
    let (id, title) = ("fthr-2".to_owned(), "Why?".to_owned());
    facts.escalated.push(ThreadFact { id, title, priority: "high".to_owned() });
    let verdict = judge(Action::Close, &facts, &defaults, &[]);
    let line = verdict.lines.iter().find(|line| line.gate == "forum-quiet").expect("asked");
    assert_eq!(line.standing, Standing::Warn);
    assert_eq!(line.blockers[0].command, "git metawsm forum thread fthr-2");
    assert!(verdict.pass().is_ok());
}

#[test]
fn a_standard_run_needs_neither_brief_nor_validation() {
    let facts = Facts { bootstrap: None, ..good() };
    assert!(judge(Action::Close, &facts, &defaults, &[]).pass().is_ok());
}

/// Something wrong, the gate that must say so, and the command that clears it.
type Breakage = (&'static str, fn(&mut Facts), &'static str);

const BROKEN: [Breakage; 36] = [
    (
        "brief",
        |f| f.bootstrap.iter_mut().for_each(|b| b.has_criteria = false),
        "git metawsm close run-1 --waive 'brief=<why it may pass>'",
    ),
    (
        "brief",
        |f| f.bootstrap.iter_mut().for_each(|b| b.has_goal = false),
        "git metawsm close run-1 --waive 'brief=<why it may pass>'",
    ),
    (
        "validation",
        |f| claim(f, Claim::None),
        "git metawsm iterate run-1 --feedback '<validate the result against the brief>'",
    ),
    (
        "validation",
        |f| claim(f, Claim::OfOther),
        "git metawsm iterate run-1 --feedback '<validate the result against the brief>'",
    ),
    (
        "validation",
        |f| claim(f, Claim::Failed("two tests fail".to_owned())),
        "git metawsm iterate run-1 --feedback '<what is to be mended>'",
    ),
    (
        "validation",
        |f| f.bootstrap.iter_mut().for_each(|b| b.validations[1].claim = Claim::Failed(String::new())),
        "git metawsm iterate run-1 --feedback '<what is to be mended>'",
    ),
    ("guidance", |f| ask(f, true), "git metawsm guide run-1 --answer '<the answer>'"),
    ("guidance", |f| ask(f, false), "git metawsm status run-1"),
    (
        "guidance",
        |f| {
            ask(f, true);
            ask(f, true);
        },
        "git metawsm guide run-1 --question fthr-1 --answer '<the answer>'",
    ),
    (
        "run-state",
        |f| f.state = RunState::Running,
        "git metawsm complete run-1 --reason '<why the work is done>'",
    ),
    (
        "run-state",
        |f| f.unfinished_steps.push("worktree of app for T-1".to_owned()),
        "git metawsm resume run-1",
    ),
    ("agents-quiet", |f| f.agents[0].pulse = AgentPulse::Working, "git metawsm stop run-1"),
    (
        "agents-quiet",
        |f| f.agents[0].pulse = AgentPulse::Unknown("tmux did not answer".to_owned()),
        "git metawsm stop run-1",
    ),
    (
        "clean-tree",
        |f| f.worktrees[0].dirty.push(DirtFact::committable("a.txt", "modified")),
        "git metawsm commit run-1",
    ),
    (
        "clean-tree",
        |f| {
            let command = Some("git -C /ws/app restore x".to_owned());
            f.worktrees[0].dirty.push(DirtFact { command, ..DirtFact::committable("x", "modified") });
        },
        "git -C /ws/app restore x",
    ),
    (
        "clean-tree",
        |f| f.worktrees[0].operation = Some(("A rebase".to_owned(), "git rebase --abort".to_owned())),
        "git rebase --abort",
    ),
    (
        "clean-tree",
        |f| f.worktrees[0].missing = Some("the directory is gone".to_owned()),
        "git metawsm resume run-1",
    ),
    (
        "on-branch",
        |f| f.worktrees[0].head = Some(HeadFact::Detached("d".repeat(40))),
        "git -C /ws/app switch task/t-1",
    ),
    (
        "on-branch",
        |f| {
            f.worktrees[0].path = "/ws/it's here".to_owned();
            f.worktrees[0].head = Some(HeadFact::Branch("other".to_owned()));
        },
        r"git -C '/ws/it'\''s here' switch task/t-1",
    ),
    (
        "on-branch",
        |f| {
            f.worktrees[0].branch_exists = false;
            f.worktrees[0].head = Some(HeadFact::Branch("my branch".to_owned()));
        },
        "git -C /ws/app branch -m 'my branch' task/t-1",
    ),
    (
        "on-branch",
        |f| {
            f.worktrees[0].branch_exists = false;
            f.worktrees[0].head = Some(HeadFact::Detached("d".repeat(40)));
        },
        "git -C /ws/app switch -c task/t-1",
    ),
    (
        "records-untouched",
        |f| {
            f.branches[0].merge_base = "abc".to_owned();
            f.branches[0].records.push(".metawsm/policy.json".to_owned());
        },
        "git -C /ws/app restore --source=abc --staged --worktree -- .metawsm && git -C /ws/app commit -m 'Leave .metawsm as it was'",
    ),
    (
        "forbidden-files",
        |f| {
            f.branches[0].merge_base = "abc".to_owned();
            f.branches[0].forbidden.extend([".env".to_owned(), "a b.pem".to_owned()]);
        },
        "git -C /ws/app restore --source=abc --staged --worktree -- ':(literal).env' ':(literal)a b.pem' && git -C /ws/app commit -m 'Leave out what policy forbids'",
    ),
    (
        "checks",
        |f| f.checks[0].standing = CheckStanding::Unknown("it has not been run yet".to_owned()),
        "git metawsm check --run run-1",
    ),
    (
        "checks",
        |f| f.checks[0].standing = CheckStanding::Failed { how: "exit 2".to_owned(), log: "/log".to_owned() },
        "git metawsm check --run run-1",
    ),
    (
        "mergeable",
        |f| outcome(f, Outcome::Conflicts { files: vec!["a.txt".to_owned()] }),
        "git metawsm update run-1",
    ),
    (
        "mergeable",
        |f| outcome(f, Outcome::Unrelated),
        "git -C /ws/app merge main --allow-unrelated-histories",
    ),
    (
        "mergeable",
        |f| {
            let command = "git -C /app revert --no-edit e".to_owned();
            outcome(f, Outcome::Reverted { by: "e".repeat(40), of: "f".repeat(40), command });
        },
        "git -C /app revert --no-edit e",
    ),
    (
        "mergeable",
        |f| {
            let (why, command) = ("Base is gone.".to_owned(), "git branch main e".to_owned());
            f.bases[0].chain = ChainFact::Impossible { why, command };
        },
        "git branch main e",
    ),
    (
        "base-ready",
        |f| f.bases[0].obstacles.push(("A rebase is half done.".to_owned(), "git status".to_owned())),
        "git status",
    ),
    (
        "bypass",
        |f| {
            f.bypasses.push(BypassFact {
                id: "b1".to_owned(),
                repo: "app".to_owned(),
                what: "Somebody merged.".to_owned(),
            });
        },
        "git metawsm hooks ack b1 --reason '<why it may stand>'",
    ),
    // Several of one kind are one matter each.
    (
        "bypass",
        |f| {
            for id in ["b1", "b2"] {
                let (repo, what) = ("app".to_owned(), "Somebody merged.".to_owned());
                f.bypasses.push(BypassFact { id: id.to_owned(), repo, what });
            }
        },
        "git metawsm hooks ack b1 --reason '<why it may stand>'",
    ),
    (
        "run-state",
        |f| f.state = RunState::Stopped,
        "git metawsm complete run-1 --reason '<why the work is done>'",
    ),
    ("run-state", |f| f.state = RunState::Planning, "git metawsm resume run-1"),
    ("run-state", |f| f.state = RunState::Stopping, "git metawsm status run-1"),
    (
        "mergeable",
        |f| {
            outcome(f, Outcome::Unrelated);
            if let ChainFact::Computed { links, .. } = &mut f.bases[0].chain {
                links[0].worktree = "/my ws/app".to_owned();
            }
        },
        "git -C '/my ws/app' merge main --allow-unrelated-histories",
    ),
];

#[test]
fn each_gate_refuses_its_own_case_and_names_the_command_that_clears_it() {
    for (gate, wreck, command) in BROKEN {
        let mut facts = good();
        wreck(&mut facts);
        let verdict = judge(Action::Close, &facts, &defaults, &[]);
        let refusing: Vec<_> = verdict.refusals().map(|line| line.gate).collect();
        assert_eq!(refusing, [gate]);
        let blockers: Vec<_> = verdict.refusals().flat_map(|l| &l.blockers).collect();
        assert_eq!(blockers[0].command, command);
        for blocker in blockers {
            assert!(blocker.what.ends_with('.') && blocker.what.len() > 8, "a sentence: {}", blocker.what);
        }
        assert!(verdict.pass().is_err());
    }
}

#[test]
fn each_action_asks_the_gates_of_its_column() {
    let asked = |action: Action| {
        judge(action, &good(), &defaults, &[]).lines.iter().map(|line| line.gate).collect::<Vec<_>>()
    };
    assert_eq!(
        asked(Action::Hook),
        [
            "run-state",
            "clean-tree",
            "records-untouched",
            "forbidden-files",
            "checks",
            "brief",
            "validation",
            "guidance"
        ]
    );
    assert!(!asked(Action::Merge).contains(&"bypass"));
    assert!(asked(Action::Close).contains(&"bypass"));
}

#[test]
fn a_policy_that_drifted_only_warns() {
    let mut facts = good();
    facts.drift.push("merge.style: merge -> squash".to_owned());
    let verdict = judge(Action::Close, &facts, &defaults, &[]);
    let line = verdict.lines.iter().find(|line| line.gate == "policy-drift").expect("asked");
    assert_eq!(line.standing, Standing::Warn);
    assert_eq!(line.blockers[0].command, "git metawsm policy apply run-1");
    assert!(verdict.pass().is_ok());
}

#[test]
fn long_lists_are_cut() {
    let mut facts = good();
    facts.branches[0].records.extend((0..9).map(|n| format!(".metawsm/{n}")));
    let verdict = judge(Action::Hook, &facts, &defaults, &[]);
    let blockers: Vec<_> = verdict.refusals().flat_map(|line| &line.blockers).collect();
    assert_eq!(
        blockers[0].what,
        "'task/t-1' changes .metawsm/0, .metawsm/1, .metawsm/2, .metawsm/3, .metawsm/4 and 4 more against 'main'."
    );
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
    facts.worktrees[0].dirty.push(DirtFact::committable("a.txt", "modified"));
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
    facts.worktrees[0].dirty.push(DirtFact::committable("a.txt", "modified"));
    facts.agents[0].pulse = AgentPulse::Working;
    assert_eq!(judge(Action::Close, &facts, &defaults, &[]).refusals().count(), 3);
}
