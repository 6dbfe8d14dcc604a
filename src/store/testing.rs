//! What the tests of this room share: a store in a temporary directory, and runs to put in it.

use super::{
    Entry, Hold, PublishedTree, Store, StoreResult, Summary, TakeRecord, published_form, published_path,
};
use crate::model::{
    AgentName, Brief, Bypass, CheckResult, Child, Delivery, Feedback, GateLine, Guidance, LandedMark,
    MergeDone, Mode, Receipt, RepoName, RepoReceipt, Run, RunAgent, RunId, RunRepo, RunState, RunTicket,
    RunWorktree, Session, SessionBackend, Step, StepKind, StepState, Strategy, ThreadId, TicketId,
    Validation, ValidationStatus, WorkspaceName, sha256_hex,
};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Long enough for sixteen threads on two busy processors.
pub(super) const LONG: Duration = Duration::from_secs(120);

pub(super) struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir_all(dir.path().join("repo/.git/info")).expect("a common directory");
        Self { dir }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn common(&self) -> PathBuf {
        self.path().join("repo/.git")
    }

    pub(super) fn store(&self) -> Store {
        Store::at(&self.common(), Some(&self.path().join("repo")))
    }

    pub(super) fn made(&self, id: &str) -> Hold {
        self.store().create_run(&plain(id), "run", LONG).expect("a new run")
    }

    pub(super) fn held(&self, id: &str) -> Hold {
        self.store().hold(&run_id(id), "test", LONG).expect("the hold")
    }
}

/// The decided runs that are kept here.
pub(super) fn closed_runs(store: &Store) -> StoreResult<Vec<Entry>> {
    let mut entries = Vec::new();
    store.each_closed(&mut |entry| entries.push(entry))?;
    Entry::newest_first(&mut entries);
    Ok(entries)
}

pub(super) fn run_id(text: &str) -> RunId {
    RunId::parse(text).expect("a run id")
}

pub(super) fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

/// A small run.
pub(super) fn plain(id: &str) -> Run {
    let (made, actor) = (at("2025-03-04T05:06:07Z"), "A Person <person@example.org>");
    Run {
        brief: Brief { goal: "Add a login page".to_owned(), ..Brief::default() },
        ..Run::blank(run_id(id), RepoName::parse("app").expect("name"), made, actor.to_owned())
    }
}

/// A run with every field filled, some of them with texts that are hard to write down.
#[expect(clippy::too_many_lines, reason = "one record with every field set")]
pub(super) fn full(id: &str) -> Run {
    let ticket = TicketId::parse("MW-1").expect("name");
    let repo = RepoName::parse("app").expect("name");
    let agent = AgentName::parse("coder").expect("name");
    let place = |text: &str| Some(PathBuf::from(text));
    let child = Child { pid: 4242, start: 987_654_321 };
    Run {
        state: RunState::Closed,
        reason: "closed by hand; see /var/log/metawsm/close.log".to_owned(),
        changed: at("2025-03-05T00:00:00Z"),
        mode: Mode::Bootstrap,
        strategy: Strategy::Fork,
        from: Some("/srv/spaces/2025-03-01/older".to_owned()),
        doc_authority: "workspace_active".to_owned(),
        doc_seed: "copy_from_repo_on_start".to_owned(),
        brief: Brief {
            goal: "Add a login page.\nIt says \"hello\" and '''bye'''.\n\tWith the route /api/login."
                .to_owned(),
            scope: "app only, not /srv/spaces/2025-03-04/mw-1/app/vendor".to_owned(),
            done_criteria: "tests pass".to_owned(),
            constraints: "none stated".to_owned(),
            merge_intent: "after review".to_owned(),
        },
        tickets: vec![RunTicket {
            id: ticket.clone(),
            title: "Login".to_owned(),
            workspace: WorkspaceName::parse("mw-1").expect("name"),
            path: place("/srv/spaces/2025-03-04/mw-1"),
            docs: Some("ttmp/2025/03/04/MW-1--login".to_owned()),
            revision: "7".repeat(40),
            made_by_us: true,
        }],
        repos: vec![RunRepo {
            name: repo.clone(),
            path: place("/home/somebody/code/app"),
            common_dir: place("/home/somebody/code/app/.git"),
            base: "main".to_owned(),
            base_id: "a".repeat(40),
            base_note: "main has diverged from origin/main".to_owned(),
        }],
        worktrees: vec![RunWorktree {
            ticket: ticket.clone(),
            repo: repo.clone(),
            path: place("/srv/spaces/2025-03-04/mw-1/app"),
            branch: "task/mw-1".to_owned(),
            base_id: "a".repeat(40),
            start: "b".repeat(40),
            branch_is_ours: true,
        }],
        agents: vec![RunAgent {
            ticket: ticket.clone(),
            name: agent.clone(),
            profile: "default".to_owned(),
            runner: "claude".to_owned(),
            session: "coder-mw-1".to_owned(),
            starts: 2,
            live: Some(Session {
                backend: SessionBackend::Tmux,
                id: "$3".to_owned(),
                pane: "%5".to_owned(),
                process: child,
                token: "tokentokentoken".to_owned(),
            }),
            completed: Some("done, see /tmp/notes.txt".to_owned()),
            conversation: Some("0c0ffee0".to_owned()),
            heard: 1,
            validation: Some(Validation {
                status: ValidationStatus::Passed,
                at: at("2025-03-04T21:00:00Z"),
                brief_id: "brief-0123456789ab".to_owned(),
                done_criteria: "tests pass".to_owned(),
                summary: "all 12 tests pass, see /tmp/out".to_owned(),
            }),
        }],
        guidance: vec![Guidance {
            thread: ThreadId::parse("fthr-20250304-060000-abcdefgh").expect("name"),
            ticket: ticket.clone(),
            agent: AgentName::parse("coder").expect("name"),
            question: "Which colour?".to_owned(),
            asked: at("2025-03-04T06:00:00Z"),
            from_doc_home: true,
            file: "f".repeat(64),
            answered: Some(at("2025-03-04T06:30:00Z")),
            delivered: Some(Delivery::Continued),
        }],
        feedback: vec![Feedback {
            at: at("2025-03-04T20:00:00Z"),
            actor: "A Person <person@example.org>".to_owned(),
            text: "The button is too small.\nMake it \"large\".".to_owned(),
        }],
        steps: vec![Step {
            repo: Some(repo.clone()),
            agent: Some(agent),
            state: StepState::Failed,
            attempts: 3,
            error: "Could not write /home/somebody/x: No space left on device".to_owned(),
            child: Some(child),
            ..Step::new(StepKind::EnsureWorktree, ticket.clone())
        }],
        merges: vec![MergeDone {
            at: at("2025-03-04T23:00:00Z"),
            ticket: ticket.clone(),
            repo: repo.clone(),
            base: "main".to_owned(),
            head: "e".repeat(40),
            commit: "d".repeat(40),
        }],
        landed: vec![LandedMark {
            at: at("2025-03-04T23:30:00Z"),
            actor: "A Person <person@example.org>".to_owned(),
            repo: repo.clone(),
            head: "e".repeat(40),
            commit: "c".repeat(40),
        }],
        checks: vec![check(&repo)],
        bypasses: vec![Bypass {
            id: "b-2345abcd".to_owned(),
            at: at("2025-03-04T22:00:00Z"),
            repo: repo.clone(),
            base: "main".to_owned(),
            old: "a".repeat(40),
            new: "9".repeat(40),
            what: "'main' took the head of MW-1 by a cherry-pick in /home/somebody/code/app.".to_owned(),
            reason: Some("a hot fix".to_owned()),
            actor: "A Person <person@example.org>".to_owned(),
        }],
        receipt: Some(receipt(&repo)),
        policy: toml::toml! {
            version = 2
            [close]
            require_clean_git = true
            [close.gates]
            forum-quiet = "warn"
        }
        .into(),
        ..plain(id)
    }
}

fn receipt(repo: &RepoName) -> Receipt {
    Receipt {
        at: Some(at("2025-03-05T00:00:00Z")),
        actor: "A Person <person@example.org>".to_owned(),
        policy_hash: format!("sha256:{}", "1".repeat(64)),
        journal_hash: "2".repeat(64),
        repos: vec![RepoReceipt {
            repo: repo.clone(),
            base: "main".to_owned(),
            old: "a".repeat(40),
            new: "d".repeat(40),
            heads: vec!["e".repeat(40)],
            merges: vec!["d".repeat(40)],
        }],
        gates: vec![GateLine {
            gate: "clean-tree".to_owned(),
            verdict: "waived".to_owned(),
            judge: "git".to_owned(),
            note: "only /srv/spaces/2025-03-04/mw-1/app/notes is untracked".to_owned(),
        }],
        checks: vec![check(repo)],
    }
}

fn check(repo: &RepoName) -> CheckResult {
    CheckResult {
        repo: repo.clone(),
        tree: "f".repeat(40),
        command: "/usr/bin/make test".to_owned(),
        status: 0,
        policy: format!("sha256:{}", "1".repeat(64)),
        at: Some(at("2025-03-04T22:30:00Z")),
    }
}

/// A tree whose blobs are named by their content, and how often one was read.
pub(super) struct Tree {
    pub files: Vec<(String, Vec<u8>)>,
    pub reads: Cell<usize>,
}

impl Tree {
    pub(super) fn of(count: usize) -> Self {
        Self {
            files: (0..count).map(|n| published(&full(&format!("p{n:02}")))).collect(),
            reads: Cell::new(0),
        }
    }

    pub(super) fn with<T>(
        &self,
        id: &str,
        ask: impl FnOnce(&PublishedTree<'_>) -> StoreResult<T>,
    ) -> StoreResult<T> {
        let list = |take: &mut TakeRecord<'_>| {
            let _ = self.files.iter().all(|(path, bytes)| take(path, &sha256_hex(bytes)));
            Ok(())
        };
        let read = |blob: &str| {
            self.reads.set(self.reads.get() + 1);
            let found = self.files.iter().find(|(_, bytes)| sha256_hex(bytes) == blob);
            found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| format!("no blob {blob}"))
        };
        ask(&PublishedTree { id, list: &list, read: &read })
    }

    /// The decided runs, whole; that they are read whole is not counted.
    pub(super) fn all(&self, store: &Store, id: &str) -> StoreResult<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut take = |entry: Entry<Summary>, load: &dyn Fn() -> StoreResult<Option<Entry>>| {
            let reads = self.reads.get();
            let whole = load().expect("loaded").expect("a record");
            self.reads.set(reads);
            assert_eq!(Summary::of_entry(&whole), entry, "what is told in short is what the record says");
            entries.push(whole);
        };
        self.with(id, |tree| store.each_decided(Some(tree), &mut take))?;
        Ok(entries)
    }
}

/// The path and the bytes of a published record.
pub(super) fn published(run: &Run) -> (String, Vec<u8>) {
    (published_path(run), published_form(run).into_bytes())
}
