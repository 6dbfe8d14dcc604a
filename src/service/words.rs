//! Words that a command line can go on with: names of what is here. Asked at every press of a key, so nothing is taken
//! in, locked, written or started, and what cannot be read is left out.

use super::{Caller, Control, find_control, forum, policies};
use crate::git::RESCUES;
use crate::model::Run;
use crate::policy::{self, Policy};
use crate::store::Entry;
use crate::tickets::{self, Provider};
use std::collections::BTreeSet;

/// What the word is to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// A run by id or ticket, open.
    OpenRun,
    /// A run by id or ticket, decided and still here.
    DecidedRun,
    /// Either.
    AnyRun,
    /// A run by id only.
    RunId,
    /// A run, or one of its agents as `RUN:agent`.
    RunAgent,
    /// A ticket, of documents and of runs.
    Ticket,
    /// An agent's role or profile.
    Agent,
    /// A repository.
    Repo,
    /// A thread in which somebody waits.
    Thread,
    /// A question of an agent.
    Question,
    /// A gate, followed by `=`.
    Gate,
    /// A branch of the control repository.
    Branch,
    /// A rescue.
    Rescue,
    /// A bypass that nobody has answered for.
    Bypass,
    /// A server of documents.
    Endpoint,
}

/// A word, and what it is; the latter is foreign text.
pub type Word = (String, String);

/// How many rescues are worth showing.
const MOST_RESCUES: usize = 100;

/// The words of this kind, likeliest first. `begun` is what stands there already.
pub fn words(caller: &Caller, kind: WordKind, begun: &str) -> Vec<Word> {
    if kind == WordKind::Gate {
        return gates();
    }
    let Ok(Some(control)) = find_control(caller) else { return Vec::new() };
    let here = Here { caller, control: control.frozen() };
    match kind {
        WordKind::OpenRun => by_ticket_and_id(&here.runs(true)),
        WordKind::AnyRun => by_ticket_and_id(&here.runs(false)),
        WordKind::DecidedRun => {
            let decided: Vec<_> = here.runs(false).into_iter().filter(|run| !run.state.is_open()).collect();
            by_ticket_and_id(&decided)
        }
        WordKind::RunId => here.runs(false).iter().map(by_id).collect(),
        WordKind::RunAgent => run_agents(&here.runs(true), begun),
        WordKind::Ticket => here.tickets(),
        WordKind::Agent => here.agents(),
        WordKind::Repo => here.repos(),
        WordKind::Thread => here.threads(),
        WordKind::Question => questions(&here.runs(true)),
        WordKind::Branch => here.branches(),
        WordKind::Rescue => here.rescues(),
        WordKind::Bypass => bypasses(&here.runs(true)),
        WordKind::Endpoint => here.endpoints(),
        WordKind::Gate => gates(),
    }
}

struct Here<'a> {
    caller: &'a Caller,
    control: Control,
}

impl Here<'_> {
    /// Runs, newest first.
    fn runs(&self, open: bool) -> Vec<Run> {
        let store = &self.control.store;
        let entries = if open { store.open_runs() } else { store.live_runs() };
        let mut runs: Vec<Run> =
            entries.unwrap_or_default().into_iter().filter_map(Entry::into_run).collect();
        runs.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        runs
    }

    fn policy(&self) -> Policy {
        policies::present(self.caller, &self.control).map(|rules| rules.policy).unwrap_or_default()
    }

    fn tickets(&self) -> Vec<Word> {
        let mut words = Vec::new();
        for run in self.runs(false) {
            words.extend(run.tickets.iter().map(|ticket| (ticket.id.to_string(), ticket.title.clone())));
        }
        let root = self.control.repo.worktree().and_then(|top| tickets::docs_root(top).ok().flatten());
        // The outside program would have to be started for the same names.
        let listed = root.and_then(|root| Provider::Builtin.list(&root).ok()).unwrap_or_default();
        words.extend(
            listed.tickets.into_iter().filter(|t| !t.is_closed()).map(|t| (t.id.clone(), t.title.clone())),
        );
        once(words)
    }

    fn agents(&self) -> Vec<Word> {
        let policy = self.policy();
        let roles =
            policy.agents.iter().map(|role| (role.name.to_string(), format!("role, {}", role.profile)));
        let profiles =
            policy.agent_profiles.iter().map(|p| (p.name.clone(), format!("profile, {}", p.runner)));
        once(roles.chain(profiles).collect())
    }

    fn repos(&self) -> Vec<Word> {
        let mut words = Vec::new();
        for run in self.runs(true) {
            let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.display().to_string());
            words.extend(run.repos.iter().map(|r| (r.name.to_string(), path(&r.path).unwrap_or_default())));
        }
        words.extend(
            self.policy().workspace.repos.iter().map(|(name, path)| (name.to_string(), path.clone())),
        );
        once(words)
    }

    fn threads(&self) -> Vec<Word> {
        let threads = forum::all_waiting(&self.control).unwrap_or_default();
        let word = |thread: crate::model::Thread| {
            (thread.id.to_string(), format!("{} {}: {}", thread.priority, thread.state, thread.title))
        };
        threads.into_iter().map(word).collect()
    }

    fn branches(&self) -> Vec<Word> {
        let heads = self.control.repo.refs_below("refs/heads/").unwrap_or_default();
        let short = |name: String| name.strip_prefix("refs/heads/").map(str::to_owned);
        heads.into_iter().filter_map(|(name, _)| Some((short(name)?, String::new()))).collect()
    }

    fn rescues(&self) -> Vec<Word> {
        let mut saved = self.control.repo.refs_below(RESCUES).unwrap_or_default();
        // The last part of a name is the time.
        saved.sort_by(|(a, _), (b, _)| b.rsplit('/').next().cmp(&a.rsplit('/').next()));
        saved.truncate(MOST_RESCUES);
        let word = |(name, id): (String, String)| {
            let what = name.strip_prefix(RESCUES).unwrap_or_default().trim_matches('/').replace('/', " ");
            (id.get(..10).unwrap_or(&id).to_owned(), what)
        };
        saved.into_iter().map(word).collect()
    }

    fn endpoints(&self) -> Vec<Word> {
        let api = self.policy().docs.api;
        let all = api.workspace_endpoints.into_iter().chain(api.repo_endpoints);
        all.map(|endpoint| (endpoint.name, policy::without_user(&endpoint.base_url))).collect()
    }
}

/// Each word with the first of its meanings.
fn once(words: Vec<Word>) -> Vec<Word> {
    let mut seen = BTreeSet::new();
    words.into_iter().filter(|(word, _)| seen.insert(word.clone())).collect()
}

fn told(run: &Run) -> String {
    format!("{} {}", run.state, run.title())
}

fn by_id(run: &Run) -> Word {
    (run.id.to_string(), told(run))
}

/// Tickets are easier to type: they come first, each for its newest run.
fn by_ticket_and_id(runs: &[Run]) -> Vec<Word> {
    let tickets = runs.iter().flat_map(|run| run.tickets.iter().map(|t| (t.id.to_string(), told(run))));
    once(tickets.chain(runs.iter().map(by_id)).collect())
}

fn run_agents(runs: &[Run], begun: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for run in runs {
        let names = run.tickets.iter().map(|t| t.id.as_str()).chain([run.id.as_str()]);
        for name in names {
            let agents = run.agents.iter().map(|agent| format!("{name}:{}", agent.name));
            let is_one = run.agents.len() < 2;
            if begun.contains(':') || !is_one {
                words.extend(agents.map(|word| (word, told(run))));
            }
            if is_one || begun.is_empty() {
                words.push((name.to_owned(), told(run)));
            }
        }
    }
    once(words)
}

fn questions(runs: &[Run]) -> Vec<Word> {
    let open = runs.iter().flat_map(|run| run.guidance.iter().filter(|g| g.answered.is_none()));
    open.map(|asked| (asked.thread.to_string(), asked.question.clone())).collect()
}

fn bypasses(runs: &[Run]) -> Vec<Word> {
    let open = runs.iter().flat_map(|run| run.bypasses.iter().filter(|b| b.reason.is_none()));
    open.map(|bypass| (bypass.id.clone(), bypass.what.clone())).collect()
}

fn gates() -> Vec<Word> {
    policy::GATES.iter().map(|(id, level)| (format!("{id}="), format!("usually {level}"))).collect()
}

/// A caller for words: whoever types waits for nothing.
pub fn word_caller(cwd: std::path::PathBuf, root: Option<std::path::PathBuf>) -> Caller {
    Caller {
        cwd,
        root,
        policy: None,
        wait: std::time::Duration::ZERO,
        interrupt: crate::sys::signals::Interrupt::default(),
        below_agent: None,
        run_hint: None,
    }
}
