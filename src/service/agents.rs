//! The agents of a run: chosen, named, briefed and made ready to start.

use super::briefing::{ProfileWords, Talk, is_shared, prompt_of};
use super::steps::{Work, damaged, open_repo};
use super::{Control, ServiceError, ServiceResult, policies, signals};
use crate::git::Repository;
use crate::model::{Run, RunAgent, RunId, RunTicket, SessionBackend, TicketId};
use crate::policy::{AgentProfile, Command, Policy, Problem, Runner};
use crate::sessions::{self, Launch, RunnerInput, SessionFiles};
use crate::sys::{env, random};
use crate::{store, workspaces};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Chooses the agents of a run: those asked for, else the policy's; one per ticket and role.
pub(super) fn choose_agents(
    policy: &Policy,
    names: &[String],
    tickets: &[RunTicket],
) -> ServiceResult<Vec<RunAgent>> {
    let unknown = |problems: Vec<Problem>| {
        let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
        ServiceError::wrong(text.join(" "), &["git metawsm policy show"])
    };
    let roles = policy.choose_agents(names, "--agent").map_err(unknown)?;
    let mut agents = Vec::new();
    for ticket in tickets {
        for role in &roles {
            let profile = policy.profile(&role.profile).ok_or_else(|| {
                ServiceError::wrong(
                    format!("The agent '{}' names no known profile.", role.name),
                    &["git metawsm policy check"],
                )
            })?;
            agents.push(RunAgent {
                ticket: ticket.id.clone(),
                name: role.name.clone(),
                profile: profile.name.clone(),
                runner: runner_of(profile)?.to_owned(),
                session: String::new(),
                starts: 0,
                live: None,
                completed: None,
                conversation: None,
                heard: 0,
                validation: None,
            });
        }
    }
    Ok(agents)
}

/// The runner of a profile; `auto` is the agent program that is installed.
fn runner_of(profile: &AgentProfile) -> ServiceResult<&'static str> {
    Ok(match profile.runner {
        Runner::Auto => sessions::default_runner()?,
        runner => runner.as_str(),
    })
}

/// Gives every agent its session name, once its workspace has one.
pub(super) fn name_sessions(run: &mut Run, policy: &Policy) {
    let workspaces: Vec<_> = run.tickets.iter().map(|t| (t.id.clone(), t.workspace.clone())).collect();
    let id = run.id.to_string();
    let mut taken: Vec<String> = Vec::new();
    for agent in &mut run.agents {
        let workspace =
            workspaces.iter().find(|(ticket, _)| *ticket == agent.ticket).map(|(_, w)| w.as_str());
        let stem = sessions::session_name(
            &policy.tmux.session_pattern,
            agent.name.as_str(),
            workspace.unwrap_or_default(),
            &id,
        );
        let mut name = stem.clone();
        let mut number = 2;
        while taken.contains(&name) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        taken.push(name.clone());
        agent.session = name;
    }
}

/// Where the files of an agent's session lie; those of a decided run have moved with it.
pub(super) fn session_files(control: &Control, run: &Run, agent: &RunAgent) -> SessionFiles {
    let (agents, logs) = control.store.session_dirs(&run.id);
    SessionFiles::of(&agents, &logs, &agent.key())
}

/// The text of `.metawsm/brief.md`: the prompt of the ticket's first agent, without the profile's own words.
pub(super) fn brief_text(run: &Run, ticket: &TicketId) -> ServiceResult<String> {
    let agent = run.agents.iter().find(|a| a.ticket == *ticket);
    let agent = agent.ok_or_else(|| damaged(run, "a ticket has no agent"))?;
    prompt_of(run, agent, ProfileWords::default(), &Talk::default())
}

/// An agent's working directory: the doc home's worktree.
pub(super) fn cwd_of(run: &Run, agent: &RunAgent) -> ServiceResult<PathBuf> {
    let home = run.worktrees_for(&agent.ticket).find(|w| w.repo == run.doc_home);
    let path = home.or_else(|| run.worktrees_for(&agent.ticket).next()).and_then(|w| w.path.clone());
    path.ok_or_else(|| damaged(run, "an agent has no worktree to work in"))
}

/// The environment of set-up commands: what a session gets, without an agent.
pub(super) fn environment(work: &Work<'_>, workspace: &Path) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    vec![
        (env::ROOT.to_owned(), text(work.control.root())),
        (env::RUN.to_owned(), work.run.id.to_string()),
        (env::TICKET.to_owned(), work.step.ticket.to_string()),
        (env::WORKSPACE.to_owned(), text(workspace)),
    ]
}

/// Everything that starting an agent needs.
#[derive(Debug)]
pub(super) struct Start {
    /// tmux or process.
    pub backend: SessionBackend,
    /// For the wrapper.
    pub launch: Launch,
}

/// Makes an agent ready: prompt file, command line, launch. Refuses a headless agent that could not commit.
pub(super) fn prepare(work: &Work<'_>, agent: &RunAgent, workspace: &Path) -> ServiceResult<Start> {
    let run = &work.run;
    let policy = policies::stored(run)?;
    let profile =
        policy.profile(&agent.profile).ok_or_else(|| damaged(run, "an agent's profile is missing"))?;
    let files = session_files(work.control, run, agent);
    let conversation = conversation(run, agent, &files);
    let skills = super::skills::for_agent(work.control, &profile.skills, workspace, &cwd_of(run, agent)?)?;
    let words = ProfileWords { base_prompt: &profile.base_prompt, skills: &skills };
    let talk = Talk::with(work.control, run, agent, conversation.is_some())?;
    let prompt = prompt_of(run, agent, words, &talk)?;
    if agent.starts > 0 {
        renew_brief(work, agent, workspace)?;
    }
    let backend = sessions::backend(policy.sessions.backend.as_str())?;
    let prompt_file = workspace.join(".metawsm").join(format!("prompt-{}.md", agent.name));
    crate::sys::files::write_atomic(&prompt_file, prompt.as_bytes())?;
    let writable = writable(run, agent, workspace)?;
    let options = &profile.runner_options;
    let (shell, template) = match &options.command {
        Command::Shell(line) => (Some(line.as_str()).filter(|l| !l.is_empty()), Vec::new()),
        Command::Argv(argv) => (None, argv.clone()),
    };
    let program = program_of(agent, &options.command);
    let input = RunnerInput {
        runner: &agent.runner,
        command: shell,
        argv_template: &template,
        mode: Some(options.mode.as_str()),
        permissions: Some(options.permissions.as_str()),
        prompt_file: &prompt_file,
        prompt: &prompt,
        writable: &writable,
        backend,
        conversation: conversation.as_deref(),
        program: program.as_deref(),
    };
    sessions::could_commit(&input).map_err(|why| {
        let message = format!("The agent {} cannot be started like this: {why}.", agent.key());
        ServiceError::failed(
            message,
            &["git metawsm policy show", "git config metawsm.sessions.backend tmux"],
        )
    })?;
    let command = sessions::command_line(&input)?;
    let roots = run.ticket(&agent.ticket).map(|t| signals::roots(run, t)).unwrap_or_default();
    for root in &roots {
        crate::sys::files::ensure_dir(root)?;
    }
    let launch = Launch {
        run: run.id.to_string(),
        ticket: agent.ticket.to_string(),
        agent: agent.name.to_string(),
        name: agent.session.clone(),
        token: random::base32(24),
        root: work.control.root().to_owned(),
        workspace: workspace.to_owned(),
        cwd: cwd_of(run, agent)?,
        argv: command.argv,
        path_var: std::env::var("PATH").ok(),
        keep_shell: backend == SessionBackend::Tmux,
        signal_roots: roots,
        notify: policy.notify.command.clone(),
        conversation: command.conversation,
        given: talk.given,
        program: None,
        files,
    };
    Ok(Start { backend, launch })
}

/// The conversation that a start goes on with. One that its program did not know the last time is given up: a new
/// one begins, with the whole prompt.
fn conversation(run: &Run, agent: &RunAgent, files: &SessionFiles) -> Option<String> {
    if agent.starts == 0 || Launch::last(files).is_some_and(|last| last.failed_to_continue()) {
        return None;
    }
    agent.conversation.clone().or_else(|| find_conversation(run, agent, files))
}

/// The id of the conversation that an agent's program began by itself. Two agents in one directory would be taken for
/// each other, unless their programs say it in their own logs.
pub(super) fn find_conversation(run: &Run, agent: &RunAgent, files: &SessionFiles) -> Option<String> {
    let session = agent.live.as_ref().filter(|_| agent.runner == "codex")?;
    let begun = sessions::began(session, files)?;
    let twins = run.agents.iter().filter(|a| a.ticket == agent.ticket && a.runner == agent.runner).count();
    if twins > 1 && session.backend == SessionBackend::Tmux {
        return None;
    }
    let found = sessions::find_conversation(&agent.runner, &cwd_of(run, agent).ok()?, begun, &files.log)?;
    let is_anothers = run.agents.iter().any(|a| a.conversation.as_deref() == Some(&found));
    if is_anothers { None } else { Some(found) }
}

/// The brief in the workspace with what was said since: who goes on with an old conversation finds all of it there.
fn renew_brief(work: &Work<'_>, agent: &RunAgent, workspace: &Path) -> ServiceResult<()> {
    let talk = Talk::with(work.control, &work.run, agent, false)?;
    let text = prompt_of(&work.run, agent, ProfileWords::default(), &talk)?;
    let name = is_shared(&work.run, agent).then(|| agent.name.as_str());
    Ok(workspaces::save_brief(workspace, name, &text)?)
}

/// claude and codex by their absolute path, so that what was found at `run` is what starts.
fn program_of(agent: &RunAgent, command: &Command) -> Option<PathBuf> {
    match (agent.runner.as_str(), command) {
        ("claude" | "codex", Command::Argv(argv)) => env::find_program(argv.first()?),
        ("claude" | "codex", Command::Shell(line)) if !line.is_empty() => env::find_program(line),
        ("claude" | "codex", _) => env::find_program(&agent.runner),
        _ => None,
    }
}

/// Where an agent may write: every worktree of its workspace with what git needs to commit there, and the places
/// of signal files.
fn writable(run: &Run, agent: &RunAgent, workspace: &Path) -> ServiceResult<Vec<PathBuf>> {
    let mut places = vec![workspace.join(".metawsm")];
    for tree in run.worktrees_for(&agent.ticket) {
        let path = tree.path.as_deref().ok_or_else(|| damaged(run, "a worktree has no path"))?;
        let repository = open_repo(run, &tree.repo)?;
        places.extend(workspaces::sandbox_paths(&repository, path)?);
    }
    places.dedup();
    Ok(places)
}

/// What an agent's wrapper calls when a signal root changed: signals are taken, if there are any. `false` where
/// somebody holds the run, who need not take them.
pub fn agent_signals(root: &Path, run: &str) -> ServiceResult<bool> {
    let Some((control, id)) = run_at(root, run)? else { return Ok(true) };
    let Some(record) = control.store.find_run(&id)? else { return Ok(true) };
    // An agent that asks in a thread wakes us too.
    let asks = || {
        let threads = super::forum::questions(&control, &id).unwrap_or_default();
        super::guidance::asks_more(&record, &threads)
    };
    if !signals::look(&record).is_any() && !asks() {
        return Ok(true);
    }
    match control.hold_to_settle(&id, Duration::ZERO) {
        Ok(mut hold) => super::settle::settle(&control, &mut hold).map(|_| true),
        Err(error) if error.is_busy() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What an agent's wrapper calls when the agent has ended by itself: the run is settled. Who holds it for longer
/// than a moment settles it too.
pub fn agent_ended(root: &Path, run: &str) -> ServiceResult<()> {
    let Some((control, id)) = run_at(root, run)? else { return Ok(()) };
    let mut hold = control.hold_to_settle(&id, Duration::from_secs(5))?;
    super::settle::settle(&control, &mut hold)?;
    Ok(())
}

fn run_at(root: &Path, run: &str) -> ServiceResult<Option<(Control, RunId)>> {
    let Some(repo) = Repository::discover(root)? else { return Ok(None) };
    let control = Control { store: store::Store::at(repo.common_dir(), repo.worktree()), repo };
    Ok(Some((control, RunId::parse(run)?)))
}
