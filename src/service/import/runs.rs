//! From an old run to a record.

use super::names::{self, shown, time};
use super::places::{self, Found, Site};
use super::spec::{Spec, spec};
use super::{Import, MAKER, control_posts, past, talk};
use crate::model::{
    AgentName, Brief, ForumEvent, Mode, RepoName, Run, RunAgent, RunId, RunState, RunTicket, Step, StepKind,
    StepState, Strategy, TicketId, WorkspaceName, plain_line, title_of,
};
use crate::plan::{self, Wants};
use crate::policy::{self, AgentProfile, Command, Format, Policy, Runner, RunnerOptions};
use crate::service::ServiceResult;
use crate::service::agents::{choose_agents, name_sessions};
use crate::store::{OldBrief, OldRun, PastLine};
use crate::sys::clock;
use crate::tickets;
use jiff::Timestamp;

/// A record that is ready to be made.
pub(super) struct Draft {
    pub run: Run,
    /// What the journal tells of the time before.
    pub past: Vec<PastLine>,
    pub notes: Vec<String>,
    /// The threads of its questions.
    pub threads: Vec<Vec<ForumEvent>>,
}

/// The state that a run has here, and why.
fn state(old: &OldRun, is_bootstrap: bool) -> (RunState, String) {
    let said = title_of(&plain_line(&old.said), 200);
    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
    let was = shown(&old.status);
    match old.status.trim() {
        "closed" => (RunState::Closed, format!("imported as closed{said}")),
        "failed" => (RunState::Failed, format!("imported as failed{said}")),
        "completed" if is_bootstrap => (RunState::Completed, format!("imported as completed{said}")),
        "completed" => (
            RunState::Stopped,
            format!("imported: it was called completed when its agents had started{said}"),
        ),
        "closing" => (RunState::Stopped, format!("imported: its close had not come to an end{said}")),
        _ => (RunState::Stopped, format!("imported: it was {was}, and its agents are not ours{said}")),
    }
}

/// Makes the record of a run; `None` for a dry run, which never was one.
pub(super) fn draft(import: &mut Import<'_>, old: &OldRun, id: RunId) -> ServiceResult<Option<Draft>> {
    let mut notes: Vec<String> = old.odd.iter().map(|odd| format!("{odd}.")).collect();
    let spec = spec(old, &mut notes);
    if spec.is_dry {
        return Ok(None);
    }
    let (state, reason) = state(old, spec.is_bootstrap);
    let created = time(&old.created).or_else(|| time(&old.updated)).unwrap_or_else(|| {
        notes.push("It does not say when it was made.".to_owned());
        Timestamp::UNIX_EPOCH
    });
    // A decided record is the same in every clone; an open one moves now.
    let decided = time(&old.updated).unwrap_or(created);
    let changed = if state.is_open() { clock::now() } else { decided };
    let policy = stored_policy(import, old, &spec, &mut notes);
    let named = tickets(old, &spec, &mut notes);
    let mut run = Run {
        state,
        reason,
        changed,
        mode: if spec.is_bootstrap { Mode::Bootstrap } else { Mode::Standard },
        strategy: strategy(&spec),
        doc_authority: "workspace_active".to_owned(),
        doc_seed: if spec.doc_seed == "none" { "none" } else { "copy_from_repo_on_start" }.to_owned(),
        brief: old.brief.as_ref().map(brief).unwrap_or_default(),
        policy: policy::to_table(&policy).into(),
        ..Run::blank(id, doc_home(&spec, &mut notes), created, MAKER.to_owned())
    };
    if state.is_open() {
        settle_in(import, (old, &spec), &named, &mut run, &mut notes)?;
    } else {
        run.tickets =
            named.iter().filter_map(|(ticket, name)| decided_ticket(ticket, name, &mut notes)).collect();
    }
    run.agents = agents(&spec, &run, &policy, &mut notes);
    name_sessions(&mut run, &policy);
    run.steps = if state.is_open() { plan::run_steps(&run, Wants::default()) } else { Vec::new() };
    if state == RunState::Completed {
        // Its agents have done their work, and it wrote its brief down itself.
        let is_over = |step: &&mut Step| matches!(step.kind, StepKind::StartAgent | StepKind::EnsureDocs);
        run.steps.iter_mut().filter(is_over).for_each(|step| step.state = StepState::Done);
    }
    let mut questions = old.questions.clone();
    questions.extend(control_posts::questions(import, old)?);
    if state == RunState::Completed {
        control_posts::take_words(import, old, &mut run)?;
    }
    let threads = talk::take(&mut run, &questions, &mut notes);
    let past = past::lines(old, decided);
    Ok(Some(Draft { run, past, notes, threads }))
}

/// The tickets with the name of each one's workspace.
fn tickets(old: &OldRun, spec: &Spec, notes: &mut Vec<String>) -> Vec<(TicketId, String)> {
    let mut found: Vec<(TicketId, String)> = Vec::new();
    for written in &spec.tickets {
        let Some(ticket) = names::name(TicketId::parse, written, "ticket", notes) else { continue };
        if found.iter().any(|(known, _)| known.as_str().eq_ignore_ascii_case(ticket.as_str())) {
            continue;
        }
        let step = old.steps.iter().find(|step| step.ticket.trim() == written && !step.workspace.is_empty());
        let name = step.map_or_else(|| usual_workspace(written, &old.id), |step| step.workspace.clone());
        found.push((ticket, name));
    }
    found
}

/// How the first program named a workspace: the ticket, and the end of the run's id.
fn usual_workspace(ticket: &str, run: &str) -> String {
    let ticket = ticket.to_lowercase().replace(['/', ' '], "-");
    let id: Vec<char> = run.strip_prefix("run-").unwrap_or(run).chars().collect();
    let tail: String = id[id.len().saturating_sub(14)..].iter().collect();
    format!("{ticket}-{tail}")
}

fn strategy(spec: &Spec) -> Strategy {
    match spec.strategy.as_str() {
        "reuse" => Strategy::Reuse,
        _ => Strategy::Create,
    }
}

fn doc_home(spec: &Spec, notes: &mut Vec<String>) -> RepoName {
    let written = [spec.doc_home.as_str(), spec.repos.first().map_or("", String::as_str), "unknown"];
    let written = written.into_iter().find(|word| !word.is_empty()).unwrap_or("unknown");
    // What the list of repositories says already need not be said twice.
    let known = if spec.repos.iter().any(|repo| repo == written) { &mut Vec::new() } else { notes };
    names::name(RepoName::parse, written, "doc home", known)
        .or_else(|| RepoName::parse("unknown").ok())
        .unwrap_or_else(|| unreachable!("'unknown' is a name"))
}

fn brief(old: &OldBrief) -> Brief {
    Brief {
        goal: old.goal.clone(),
        scope: old.scope.clone(),
        done_criteria: old.done_criteria.clone(),
        constraints: old.constraints.clone(),
        merge_intent: old.merge_intent.clone(),
    }
}

fn ticket(id: TicketId, workspace: WorkspaceName) -> RunTicket {
    RunTicket {
        id,
        title: String::new(),
        workspace,
        path: None,
        docs: None,
        revision: String::new(),
        made_by_us: false,
    }
}

fn decided_ticket(id: &TicketId, name: &str, notes: &mut Vec<String>) -> Option<RunTicket> {
    Some(ticket(id.clone(), names::name(WorkspaceName::parse, name, "workspace", notes)?))
}

/// Finds what an open run works on.
fn settle_in(
    import: &mut Import<'_>,
    (old, spec): (&OldRun, &Spec),
    named: &[(TicketId, String)],
    run: &mut Run,
    notes: &mut Vec<String>,
) -> ServiceResult<()> {
    let mut sites = Vec::new();
    for (ticket, name) in named {
        sites.extend(Site::of(import, (ticket.clone(), name), run.created, notes));
    }
    let Found { repos, worktrees, missing } = places::find(import, (old, spec), &sites, notes)?;
    if !missing.is_empty() {
        let then = if repos.is_empty() { "it can only be discarded" } else { "it goes on without" };
        notes.push(format!("Nothing is known of what it calls {}: {then}.", missing.join(", ")));
    }
    let dirs: Vec<_> =
        worktrees.iter().filter_map(|tree| tree.path.clone()).filter(|dir| dir.exists()).collect();
    if dirs.iter().any(|dir| import.places.taken.contains(dir)) {
        notes.push("It shares its workspace with another run, so it does not remove it.".to_owned());
        run.strategy = Strategy::Reuse;
    } else {
        import.places.taken.extend(dirs);
    }
    if !repos.is_empty() && !repos.iter().any(|repo| repo.name == run.doc_home) {
        notes.push(format!("Its doc home '{}' was not found; it is '{}' now.", run.doc_home, repos[0].name));
        run.doc_home = repos[0].name.clone();
    }
    (run.repos, run.worktrees) = (repos, worktrees);
    if run.strategy == Strategy::Reuse && spec.strategy != "reuse" {
        run.worktrees.iter_mut().for_each(|tree| tree.branch_is_ours = false);
    }
    for site in sites {
        let home = run.worktrees_for(&site.ticket).find(|tree| tree.repo == run.doc_home);
        let found =
            home.and_then(|tree| tree.path.as_deref()).filter(|path| path.is_dir()).and_then(|path| {
                let root = tickets::docs_root(path).ok().flatten()?;
                match tickets::find(&root, site.ticket.as_str()) {
                    Ok(tickets::Found::One(found)) => Some(found),
                    _ => None,
                }
            });
        let (title, docs) = found.map(|found| (found.title, found.dir)).unzip();
        let bare = ticket(site.ticket, site.workspace);
        run.tickets.push(RunTicket { title: title.unwrap_or_default(), docs, path: Some(site.dir), ..bare });
    }
    Ok(())
}

/// The policy that the run was planned under, where it is one of ours, else the present one; with a profile for every
/// agent of the spec.
fn stored_policy(import: &Import<'_>, old: &OldRun, spec: &Spec, notes: &mut Vec<String>) -> Policy {
    let mut policy = policy::parse(&old.policy, Format::Json).unwrap_or_else(|problems| {
        let why = problems.first().map(|problem| plain_line(&problem.to_string())).unwrap_or_default();
        notes.push(format!("Its policy is none that holds here, so the present one does: {why}"));
        import.rules.policy.clone()
    });
    for agent in &spec.agents {
        let is_shell = agent.runner == "shell" && !agent.command.is_empty() && !agent.profile.is_empty();
        if is_shell && policy.profile(&agent.profile).is_none() {
            policy.agent_profiles.push(AgentProfile {
                name: agent.profile.clone(),
                runner: Runner::Shell,
                base_prompt: String::new(),
                skills: Vec::new(),
                runner_options: RunnerOptions {
                    command: Command::Shell(agent.command.clone()),
                    ..RunnerOptions::default()
                },
            });
        }
    }
    policy
}

/// The agents of the spec for each ticket; those of the policy where it names none that can be had.
fn agents(spec: &Spec, run: &Run, policy: &Policy, notes: &mut Vec<String>) -> Vec<RunAgent> {
    let mut roles: Vec<(AgentName, String, String)> = Vec::new();
    for agent in &spec.agents {
        let Some(name) = names::name(AgentName::parse, &agent.name, "agent", notes) else { continue };
        let role = policy.agents.iter().find(|role| role.name == name).map(|role| role.profile.as_str());
        let mut wanted = [Some(agent.profile.as_str()), role].into_iter().flatten();
        let profile = wanted.find_map(|name| policy.profile(name));
        let Some(profile) = profile.filter(|_| !roles.iter().any(|(known, ..)| *known == name)) else {
            continue;
        };
        roles.push((name, profile.name.clone(), profile.runner.as_str().to_owned()));
    }
    if roles.is_empty() {
        if run.state.is_open() {
            notes.push("None of its agents is known here, so it has those of the policy.".to_owned());
        }
        return choose_agents(policy, &[], &run.tickets).unwrap_or_default();
    }
    let agent = |ticket: &RunTicket, (name, profile, runner): &(AgentName, String, String)| RunAgent {
        ticket: ticket.id.clone(),
        name: name.clone(),
        profile: profile.clone(),
        runner: runner.clone(),
        session: String::new(),
        starts: 0,
        live: None,
        completed: None,
        conversation: None,
        heard: 0,
        validation: None,
    };
    run.tickets.iter().flat_map(|ticket| roles.iter().map(move |role| agent(ticket, role))).collect()
}
