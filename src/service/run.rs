//! `run`: from a request to a recorded run, and its plan carried out.

use super::agents::choose_agents;
use super::event::{Event, Progress};
use super::policies::{self, Rules};
use super::repos::{Chosen, choose, expand_home, is_path};
use super::tickets::{KnownTicket, TicketMeant};
use super::tickets::{TicketPlan, choose_tickets};
use super::{
    Caller, Control, ServiceError, ServiceResult, control, execute, hidden, participate, provision, settle,
    setup_scripts, skills, source,
};
use crate::git::{self, Repository};
use crate::model::{
    Brief, Mode, RepoName, Run, RunId, RunRepo, RunState, RunTicket, RunWorktree, Strategy, plain_line,
};
use crate::plan::{self, Wants};
use crate::policy::{self, AuthorityMode, Policy, SeedMode};
use crate::sessions;
use crate::store::{self, Hold};
use crate::sys::process::quoted;
use crate::sys::{clock, random};
use crate::workspaces;
use std::path::PathBuf;

/// What `run` was asked.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// Standard, or bootstrap.
    pub mode: Mode,
    /// The goal in free text.
    pub text: Option<String>,
    /// What else was said of the work; its goal counts for a bootstrap only.
    pub brief: Brief,
    /// Whether the tickets are to be there, for a bootstrap.
    pub meant: TicketMeant,
    /// Ticket ids.
    pub tickets: Vec<String>,
    /// Repositories: names, paths, `repo:base`.
    pub repos: Vec<String>,
    /// Agent roles or profiles.
    pub agents: Vec<String>,
    /// Make missing tickets.
    pub create: bool,
    /// The repository that holds the documents.
    pub doc_home: Option<String>,
    /// The same under its old name.
    pub doc_repo: Option<String>,
    /// `--doc-authority-mode`.
    pub doc_authority: Option<String>,
    /// `--doc-seed-mode`.
    pub doc_seed: Option<String>,
    /// `--workspace-strategy`.
    pub strategy: Option<Strategy>,
    /// `--from`.
    pub from: Option<String>,
    /// `--base-branch`.
    pub base_branch: Option<String>,
    /// `--run-id`.
    pub run_id: Option<String>,
    /// Start another run although one is open for the ticket.
    pub again: bool,
    /// Plan only.
    pub dry_run: bool,
}

/// What `run` came to.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The run as it stands.
    pub run: Run,
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Sentences that a person should know.
    pub notes: Vec<String>,
    /// Those that the progress has told already.
    pub told: Vec<String>,
}

/// Plans a run, records it, and carries the plan out.
pub fn run(caller: &Caller, request: &RunRequest, progress: Progress<'_>) -> ServiceResult<RunReport> {
    let (control, rules, draft) = begin(caller, request, request.dry_run)?;
    let mut notes = draft.notes.clone();
    notes.extend(hidden::warning(&control));
    if request.dry_run {
        notes.extend(draft.foretold(&control)?);
        let run = name_workspaces(&control, draft, request, &rules)?;
        return Ok(RunReport { run, dry_run: true, notes, told: Vec::new() });
    }
    policies::require_trust(&rules)?;
    let mut hold = record(caller, &control, draft, request, &rules)?;
    notes.extend(
        hold.run()
            .repos
            .iter()
            .filter(|r| !r.base_note.is_empty())
            .map(|r| format!("{}: {}", r.name, r.base_note)),
    );
    let mut told = Vec::new();
    let mut listen = |event: Event| {
        if let Event::Note(text) = &event {
            told.extend(text.strip_prefix("note: ").map(str::to_owned));
        }
        progress(event);
    };
    carry_out(caller, &control, &mut hold, &mut listen)?;
    Ok(RunReport { run: hold.run().clone(), dry_run: false, notes, told })
}

/// Plans a run and forgets the plan: whatever keeps it from being made is said before anybody is asked anything.
/// Returns the ticket if it is there already.
pub(super) fn look(caller: &Caller, request: &RunRequest) -> ServiceResult<Option<KnownTicket>> {
    let (control, rules, draft) = begin(caller, request, true)?;
    let known = draft.known.clone();
    if !request.dry_run {
        policies::require_trust(&rules)?;
    }
    name_workspaces(&control, draft, request, &rules)?;
    Ok(known)
}

/// The control repository, the rules, and the run as far as it can be known without changing anything.
fn begin(caller: &Caller, request: &RunRequest, only_looks: bool) -> ServiceResult<(Control, Rules, Draft)> {
    git::require_version()?;
    let mut control = control(caller)?;
    let mut rules = policies::present(caller, &control)?;
    if only_looks {
        control = control.frozen();
        // A fetch would move the remote-tracking branches.
        rules.policy.workspace.fetch_seconds = 0;
    }
    // A backend that is not there is better known before anything is made.
    sessions::backend(rules.policy.sessions.backend.as_str())?;
    let draft = draft(caller, &control, &rules, request)?;
    Ok((control, rules, draft))
}

/// Enters the run in every repository, then executes what is not done.
pub(super) fn carry_out(
    caller: &Caller,
    control: &Control,
    hold: &mut Hold,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    // What killed commands left; whether it goes now or the next time is of no account for this run.
    let _ = control.store.sweep_temps();
    participate::enter(caller, control, hold, &mut *progress)?;
    let planned = hold.run().tickets.clone();
    execute::execute(caller, control, hold, &mut *progress)?;
    if planned.iter().zip(&hold.run().tickets).any(|(planned, made)| planned.path != made.path) {
        // Several steps may each have known only of the workspace that they moved.
        participate::enter(caller, control, hold, progress)?;
    }
    // An agent may have ended while we held the run, and its wrapper gave up waiting for us.
    settle::settle(control, hold)?;
    Ok(())
}

/// A run before its workspaces have names.
struct Draft {
    run: Run,
    repos: Vec<Chosen>,
    source: Option<source::Source>,
    notes: Vec<String>,
    /// The ticket of a bootstrap, where it is there already.
    known: Option<KnownTicket>,
}

impl Draft {
    /// What a plan says of the workspaces that it would make.
    fn foretold(&self, control: &Control) -> ServiceResult<Vec<String>> {
        match self.run.strategy {
            Strategy::Reuse => Ok(Vec::new()),
            Strategy::Create | Strategy::Fork => {
                Ok(setup_scripts::foretold(&setup_scripts::of_chosen(control, &self.repos)?))
            }
        }
    }
}

fn draft(caller: &Caller, control: &Control, rules: &Rules, request: &RunRequest) -> ServiceResult<Draft> {
    let strategy = request.strategy.unwrap_or(rules.policy.workspace.default_strategy);
    let source = source::find(caller, control, strategy, request.from.as_deref())?;
    let (given, base) = (request.repos.as_slice(), request.base_branch.as_deref());
    let repos = match &source {
        Some(source) => source.choose_repos(caller, given, base, &rules.policy)?,
        None => choose(caller, control, given, base, &rules.policy)?,
    };
    provision::require_possible(control, rules, strategy, &repos)?;
    let doc_home = doc_home(caller, request, &repos)?;
    let (doc_authority, doc_seed) = doc_modes(&rules.policy, request)?;
    let home = repos.iter().find(|r| r.name == doc_home).unwrap_or(&repos[0]);
    let TicketPlan { tickets, goal, mut notes, known } =
        choose_tickets(control, home, &rules.policy, request)?;
    notes.extend(source.iter().flat_map(source::Source::notes));
    if strategy == Strategy::Reuse && tickets.len() > 1 {
        return Err(ServiceError::wrong(
            "One workspace can be reused for one ticket only.",
            &["git metawsm run --workspace-strategy reuse --from <workspace> --ticket <id>"],
        ));
    }
    let now = clock::now();
    let id = match &request.run_id {
        Some(id) => RunId::parse(id)?,
        None => RunId::parse(&format!("run-{}-{}", clock::compact(now), random::base32(4)))?,
    };
    let agents = choose_agents(&rules.policy, &request.agents, &tickets)?;
    let profiles: Vec<_> =
        rules.policy.agent_profiles.iter().filter(|p| agents.iter().any(|a| a.profile == p.name)).collect();
    skills::require_all(control, &profiles)?;
    let run = Run {
        mode: request.mode,
        strategy,
        from: request.from.clone(),
        doc_authority,
        doc_seed,
        brief: Brief { goal, ..request.brief.clone() },
        tickets,
        repos: repos.iter().map(run_repo).collect(),
        agents,
        policy: policy::to_table(&rules.policy).into(),
        ..Run::blank(id, doc_home, now, control.repo.identity())
    };
    Ok(Draft { run, repos, source, notes, known })
}

/// Which copy of the documents is the truth, and how they come into the doc home.
fn doc_modes(policy: &Policy, request: &RunRequest) -> ServiceResult<(String, String)> {
    let docs = &policy.docs;
    let (asked, habit) = (request.doc_authority.as_deref(), docs.authority_mode.as_str());
    let authority = mode("--doc-authority-mode", asked, habit, AuthorityMode::WORDS)?;
    let (asked, habit) = (request.doc_seed.as_deref(), docs.seed_mode.as_str());
    Ok((authority, mode("--doc-seed-mode", asked, habit, SeedMode::WORDS)?))
}

fn run_repo(chosen: &Chosen) -> RunRepo {
    RunRepo {
        name: chosen.name.clone(),
        path: Some(chosen.repo.dir().to_owned()),
        common_dir: Some(chosen.repo.common_dir().to_owned()),
        base: chosen.base.branch.clone(),
        base_id: chosen.base.id.clone(),
        base_note: chosen.base.note.clone(),
    }
}

/// The doc home by its name, or by a path as `--repos` takes it.
fn doc_home(caller: &Caller, request: &RunRequest, repos: &[Chosen]) -> ServiceResult<RepoName> {
    if let (Some(home), Some(old)) = (&request.doc_home, &request.doc_repo)
        && !home.eq_ignore_ascii_case(old)
    {
        return Err(ServiceError::wrong(
            format!("--doc-home-repo says '{home}', and --doc-repo, its old name, says '{old}'."),
            &[&format!("git metawsm run --doc-home-repo {} ...", quoted(home))],
        ));
    }
    let wanted = request.doc_home.as_ref().or(request.doc_repo.as_ref());
    let Some(wanted) = wanted else { return Ok(repos[0].name.clone()) };
    let mut found = repos.iter().find(|r| r.name.as_str().eq_ignore_ascii_case(wanted));
    if found.is_none() && is_path(wanted) {
        let there = Repository::discover(&caller.cwd.join(wanted))?;
        found = there.and_then(|there| repos.iter().find(|r| r.repo.common_dir() == there.common_dir()));
    }
    found.map(|r| r.name.clone()).ok_or_else(|| {
        let names: Vec<_> = repos.iter().map(|r| r.name.as_str()).collect();
        ServiceError::wrong(
            format!(
                "The doc home '{wanted}' is not one of the repositories of this run ({}).",
                names.join(", ")
            ),
            &[&format!("git metawsm run --doc-home-repo {} ...", names[0])],
        )
    })
}

/// A word of documents: as asked, else as policy says; one that is not known is refused.
fn mode(flag: &str, asked: Option<&str>, policy: &str, words: &[&str]) -> ServiceResult<String> {
    let word = asked.unwrap_or(policy);
    if words.contains(&word) {
        return Ok(word.to_owned());
    }
    let message = format!("'{}' is no value of {flag}; it takes {}.", plain_line(word), words.join(" or "));
    Err(ServiceError::wrong(message, &[&format!("git metawsm run {flag} {} ...", words[0])]))
}

/// Gives every ticket its workspace, branch and directory, and the run its steps.
fn name_workspaces(
    control: &Control,
    draft: Draft,
    request: &RunRequest,
    rules: &Rules,
) -> ServiceResult<Run> {
    let Draft { mut run, repos, source, .. } = draft;
    refuse_open_tickets(control, &run, request)?;
    let root = expand_home(&rules.policy.workspace.root);
    let branch_of = |name: &str| rules.policy.workspace.branch_of(name);
    let date = clock::local_date(run.created);
    let mut used = names_in_use(control)?;
    let mut tickets = Vec::new();
    for ticket in run.tickets.clone() {
        if let (Strategy::Reuse, Some(source)) = (run.strategy, &source) {
            let (ticket, worktrees) = source.adopt(&ticket, &repos)?;
            run.worktrees.extend(worktrees);
            tickets.push(ticket);
            continue;
        }
        let stem = crate::model::workspace_stem(ticket.id.as_str());
        let name = workspaces::free_name(&stem, &|name| {
            Ok(used.iter().any(|u| u == name)
                || workspaces::dir_taken(&root, name)?
                || repos.iter().any(|r| {
                    let branch = branch_of(name);
                    branch_taken(r, &branch)
                        || provision::is_taken_for_wsm(&rules.policy, run.strategy, r, &branch)
                }))
        })?;
        used.push(name.to_string());
        let branch = branch_of(name.as_str());
        let dir = workspaces::place(&root, &date, &name).dir;
        for chosen in &repos {
            chosen.repo.require_branch_name(&branch)?;
            run.worktrees.push(RunWorktree {
                ticket: ticket.id.clone(),
                repo: chosen.name.clone(),
                path: Some(dir.join(chosen.name.as_str())),
                branch: branch.clone(),
                base_id: chosen.base.id.clone(),
                start: String::new(),
                branch_is_ours: true,
            });
        }
        tickets.push(RunTicket { workspace: name, path: Some(dir), ..ticket });
    }
    run.tickets = tickets;
    super::agents::name_sessions(&mut run, &rules.policy);
    run.steps = plan::run_steps(
        &run,
        Wants { tickets: run.tickets.iter().any(|t| t.docs.is_some() || t.made_by_us) },
    );
    Ok(run)
}

fn branch_taken(chosen: &Chosen, branch: &str) -> bool {
    !matches!(chosen.repo.branch_id(branch), Ok(None))
        || !matches!(chosen.repo.find_ref_conflict(branch), Ok(None))
}

fn names_in_use(control: &Control) -> ServiceResult<Vec<String>> {
    let runs = control.store.open_runs()?;
    let names =
        runs.iter().filter_map(store::Entry::run).flat_map(|r| &r.tickets).map(|t| t.workspace.to_string());
    Ok(names.collect())
}

fn refuse_open_tickets(control: &Control, run: &Run, request: &RunRequest) -> ServiceResult<()> {
    if request.again {
        return Ok(());
    }
    for entry in control.store.open_runs()? {
        let Some(other) = entry.run() else { continue };
        // The same text is the same work, also where no id could be made from its letters.
        let same_text = request.tickets.is_empty() && run.brief.goal == other.brief.goal;
        let same =
            |a: &RunTicket| run.tickets.iter().any(|b| a.id.as_str().eq_ignore_ascii_case(b.id.as_str()));
        if let Some(ticket) = other.tickets.iter().find(|t| same_text || same(t)) {
            return Err(ServiceError::failed(
                format!("The ticket {} has an open run already: {} ({}).", ticket.id, other.id, other.state),
                &[
                    &format!("git metawsm resume {}", other.id),
                    &format!("git metawsm status {}", other.id),
                    &format!("git metawsm {} --again {}", verb(request), meant(request)),
                ],
            ));
        }
    }
    Ok(())
}

fn verb(request: &RunRequest) -> &'static str {
    if request.mode == Mode::Bootstrap { "bootstrap" } else { "run" }
}

/// The words of a request that say what is to be done, to be pasted.
fn meant(request: &RunRequest) -> String {
    let quoted = |word: &String| quoted(word);
    let tickets = request.tickets.iter().map(|ticket| format!("--ticket {}", quoted(ticket)));
    let text = request.text.as_ref().filter(|_| request.mode == Mode::Standard);
    tickets.chain(text.map(quoted)).collect::<Vec<_>>().join(" ")
}

/// Names the workspaces and writes the record, under the control repository's lock: two `run` at once never
/// take the same name or the same ticket.
fn record(
    caller: &Caller,
    control: &Control,
    draft: Draft,
    request: &RunRequest,
    rules: &Rules,
) -> ServiceResult<Hold> {
    let lock = store::lock_repo(control.repo.common_dir(), "run", caller.wait)?;
    let run = name_workspaces(control, draft, request, rules)?;
    control.store.ensure_link()?;
    let mut hold = control.store.create_run(&run, "run", caller.wait)?;
    drop(lock);
    remember(control);
    hold.go(RunState::Planning, "planned")?;
    hold.go(RunState::Running, "started")?;
    Ok(hold)
}

/// The user's list serves `status -A` only: a state directory that cannot be written must not stop a run.
fn remember(control: &Control) {
    let _ = store::remember_root(&PathBuf::from(control.root()));
}
