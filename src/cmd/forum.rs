//! `forum`: people and agents talk.

use super::Outcome;
use super::args::Reach;
use super::progress::progress;
use crate::model::{Actor, ActorKind, Priority, ThreadKind, ThreadState};
use crate::render::{self, Screen};
use crate::service::forum::{self, About, AskRequest, BodySource, Deed, Speaker, ThreadFilter, WatchRequest};
use crate::service::{self, Caller, ServiceError};
use crate::sys::signals::Interrupt;
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Ask, answer and look after threads between people and agents.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open a thread; inside a session it is about its run, ticket and agent.
    Ask(AskArgs),
    /// Answer in a thread.
    ///
    /// What an agent says in a thread that it opened itself, or that waits for a person, is a post and no answer.
    Answer {
        #[command(flatten)]
        thread: ThreadArgs,
        #[command(flatten)]
        body: BodyArgs,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Give a thread to somebody.
    Assign {
        #[command(flatten)]
        thread: ThreadArgs,
        /// Who is to look after it.
        #[arg(long, value_name = "NAME")]
        assignee: String,
        /// What sort of somebody that is.
        #[arg(long, value_name = "TYPE", default_value = "operator", value_parser = actor_kind)]
        assignee_type: ActorKind,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Move a thread to another state.
    State {
        #[command(flatten)]
        thread: ThreadArgs,
        /// The state: triaged, waiting_operator, waiting_human, answered or closed.
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: ThreadState,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Make a thread press more or less.
    Priority {
        #[command(flatten)]
        thread: ThreadArgs,
        /// The priority: low, normal, high or urgent.
        #[arg(long, value_name = "PRIORITY", value_parser = priority)]
        priority: Priority,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Close a thread for good.
    Close {
        #[command(flatten)]
        thread: ThreadArgs,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// List threads: what is not closed first, by priority, then the oldest first.
    List {
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// Show a thread with all its posts.
    Thread {
        #[command(flatten)]
        thread: ThreadArgs,
    },
    /// Show what happened, oldest first, after a cursor.
    ///
    /// Each line begins with the cursor that goes on after it.
    Watch {
        /// Only threads about this run.
        #[arg(long, value_name = "ID")]
        run_id: Option<String>,
        /// Only threads about this ticket.
        #[arg(long, value_name = "TICKET")]
        ticket: Option<String>,
        /// After this place; 0 is the beginning, which is also where a watch without --follow begins.
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
        /// At most this many; with --follow all of them.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
        /// Go on as events arrive, from the cursor or from now on.
        #[arg(short, long)]
        follow: bool,
    },
    /// Search titles and posts for threads that hold every word.
    Search {
        /// The words.
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// Carry events to and from the Redis server of the policy, until it is interrupted.
    ///
    /// Whoever asks or answers sends by itself where the server answers at once, and list, thread and status take in
    /// what came; a relay does both as it happens, and when the server was away.
    Relay {
        /// Carry what there is now, and end.
        #[arg(long)]
        once: bool,
    },
    /// Accepted for the first program's sake, to say what it means now.
    #[command(hide = true)]
    Signal {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// What `--wait` of `ask` gives to the option that it shares with the global one: no number that anybody types.
const FOR_EVER: &str = "18446744073709551615";

#[derive(Debug, clap::Args)]
struct AskArgs {
    /// The run that it is about: its id, or a unique prefix of it.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// The ticket that it is about.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// The agent that it is about.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// It is about the project, not about a run.
    #[arg(long, conflicts_with = "run_id")]
    project: bool,
    /// One line; made from the body where it is not given.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    body: BodyArgs,
    /// How much it presses: low, normal, high or urgent.
    #[arg(long, value_name = "PRIORITY", default_value = "normal", value_parser = priority)]
    priority: Priority,
    /// What it is for: a question, or guidance that an agent cannot go on without.
    #[arg(long, value_name = "KIND", default_value = "question", value_parser = kind)]
    kind: ThreadKind,
    /// Wait until it is answered, and print the answer; exit 1 where it was closed or the time is up.
    // The global --wait is for locks, of which this command takes none. It has the same id, else the parser would
    // see two options of one name, and so the same type.
    #[arg(id = "wait", long = "wait", num_args = 0, default_missing_value = FOR_EVER)]
    wait: Option<u64>,
    /// Wait for the answer at most this long.
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    timeout: Option<u64>,
    #[command(flatten)]
    speaker: SpeakerArgs,
}

#[derive(Debug, clap::Args)]
struct ThreadArgs {
    /// A thread: its id, or a unique beginning of the id or of its last part.
    #[arg(value_name = "THREAD", required_unless_present = "thread_id", conflicts_with = "thread_id")]
    thread: Option<String>,
    /// The same as THREAD.
    #[arg(long, value_name = "ID")]
    thread_id: Option<String>,
}

impl ThreadArgs {
    fn name(&self) -> &str {
        self.thread.as_deref().or(self.thread_id.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, clap::Args)]
struct BodyArgs {
    /// The words; otherwise they are read from --body-file or standard input.
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file", allow_hyphen_values = true)]
    body: Option<String>,
    /// The file with the words; - is standard input.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
}

impl BodyArgs {
    fn read(self, caller: &Caller) -> Result<String, ServiceError> {
        body_of(caller, "post", "forum ask", (self.body, self.body_file))
    }
}

/// Words from an option, a file, or standard input, that `command` takes and people call `what`.
pub(super) fn body_of(
    caller: &Caller,
    what: &str,
    command: &str,
    (text, file): (Option<String>, Option<PathBuf>),
) -> Result<String, ServiceError> {
    let source = match (text, file) {
        (Some(text), _) => BodySource::Text(text),
        (None, Some(path)) if path.as_os_str() == "-" => BodySource::Stdin,
        (None, Some(path)) => BodySource::File(caller.cwd.join(path)),
        (None, None) => BodySource::Stdin,
    };
    forum::words(source, what, &format!("git metawsm {command} -h"))
}

#[derive(Debug, clap::Args)]
pub(super) struct SpeakerArgs {
    /// What sort of somebody speaks; an operator, or the agent whose session it is.
    #[arg(long, value_name = "TYPE", value_parser = actor_kind)]
    actor_type: Option<ActorKind>,
    /// Who speaks; by default the author of your commits, or the agent.
    #[arg(long, value_name = "NAME")]
    actor_name: Option<String>,
}

impl From<SpeakerArgs> for Speaker {
    fn from(args: SpeakerArgs) -> Self {
        Self { kind: args.actor_type, name: args.actor_name }
    }
}

#[derive(Debug, clap::Args)]
struct FilterArgs {
    /// Only threads about this run.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Only threads about this ticket.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Only threads in this state: new, triaged, waiting_operator, waiting_human, answered or closed.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<ThreadState>,
    /// Only threads of this priority: low, normal, high or urgent.
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    priority: Option<Priority>,
    /// Only threads assigned to somebody of this name.
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    /// Only threads that should have been answered by now.
    #[arg(long)]
    escalated: bool,
    /// At most this many.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
}

impl FilterArgs {
    fn split(self) -> (ThreadFilter, usize) {
        let Self { run_id, ticket, state, priority, assignee, escalated, limit } = self;
        (ThreadFilter { run: run_id, ticket, state, priority, assignee, escalated }, limit)
    }
}

fn word<T: Copy>(found: Option<T>, what: &str, words: &[&str]) -> Result<T, String> {
    found.ok_or_else(|| format!("the {what} are {}", words.join(", ")))
}

fn state(text: &str) -> Result<ThreadState, String> {
    let words: Vec<_> = ThreadState::ALL.iter().map(|s| s.as_str()).collect();
    word(ThreadState::parse(text), "states", &words)
}

fn priority(text: &str) -> Result<Priority, String> {
    let words: Vec<_> = Priority::ALL.iter().map(|p| p.as_str()).collect();
    word(Priority::parse(text), "priorities", &words)
}

fn actor_kind(text: &str) -> Result<ActorKind, String> {
    let words: Vec<_> = ActorKind::ALL.iter().map(|k| k.as_str()).collect();
    word(ActorKind::parse(text), "types", &words)
}

fn kind(text: &str) -> Result<ThreadKind, String> {
    let words: Vec<_> = ThreadKind::ALL.iter().map(|k| k.as_str()).collect();
    word(ThreadKind::parse(text), "kinds", &words)
}

impl Args {
    /// An agent may look, ask and answer; what happens to a thread, people decide.
    pub(super) fn reach(&self) -> Reach {
        match self.verb {
            Verb::Ask(_) | Verb::Answer { .. } => Reach::Speak,
            Verb::List { .. }
            | Verb::Thread { .. }
            | Verb::Watch { .. }
            | Verb::Search { .. }
            | Verb::Signal { .. } => Reach::Read,
            Verb::Assign { .. }
            | Verb::State { .. }
            | Verb::Priority { .. }
            | Verb::Close { .. }
            | Verb::Relay { .. } => Reach::Act,
        }
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let act = |thread: &ThreadArgs, speaker: SpeakerArgs, deed: Deed| -> Outcome {
        let progress = &mut progress(screen);
        let done = service::act_in_thread(caller, thread.name(), &speaker.into(), &deed, progress)?;
        render::forum_acted(screen, &done);
        Ok(ExitCode::SUCCESS)
    };
    match args.verb {
        Verb::Ask(args) => ask(caller, screen, args),
        Verb::Answer { thread, body, speaker } => {
            let words = body.read(caller)?;
            act(&thread, speaker, Deed::Answer(words))
        }
        Verb::Assign { thread, assignee, assignee_type, note, speaker } => {
            act(&thread, speaker, Deed::Assign(Actor { kind: assignee_type, name: assignee }, note))
        }
        Verb::State { thread, state, speaker } => act(&thread, speaker, Deed::Move(state)),
        Verb::Priority { thread, priority, speaker } => act(&thread, speaker, Deed::Press(priority)),
        Verb::Close { thread, speaker } => act(&thread, speaker, Deed::Close),
        Verb::List { filter } => {
            let (filter, limit) = filter.split();
            render::threads(screen, &forum::list(caller, &filter, limit)?);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Search { words, filter } => {
            let (filter, limit) = filter.split();
            render::threads(screen, &forum::search(caller, &words, &filter, limit)?);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Thread { thread } => {
            render::thread(screen, &forum::thread(caller, thread.name())?);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Watch { run_id, ticket, cursor, limit, follow } => {
            let filter = ThreadFilter { run: run_id, ticket, ..ThreadFilter::default() };
            watch(caller, screen, &WatchRequest { filter, cursor, limit, follow })
        }
        Verb::Relay { once } => {
            let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
            forum::relay(&caller, once, &mut |news| render::relayed(screen, &news))?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Signal { .. } => Err(ServiceError::wrong(
            "'forum signal' is no more: an agent says by 'git metawsm signal' that it asks, is done or has validated, \
             and a person answers by 'git metawsm guide' or in the thread.",
            &[
                "git metawsm signal question --question '<the question>'",
                "git metawsm signal complete --summary '<what was done>'",
                "git metawsm signal validate --status passed",
                "git metawsm forum answer <thread>",
            ],
        )),
    }
}

fn ask(caller: &Caller, screen: &Screen, args: AskArgs) -> Outcome {
    let request = AskRequest {
        about: About { run: args.run_id, ticket: args.ticket, agent: args.agent, project: args.project },
        title: args.title,
        body: args.body.read(caller)?,
        priority: args.priority,
        kind: args.kind,
        speaker: args.speaker.into(),
    };
    let thread = service::ask_in_thread(caller, &request)?;
    if args.wait != Some(u64::MAX) {
        render::opened(screen, &thread);
        return Ok(ExitCode::SUCCESS);
    }
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    screen.story(&format!("{} is open; waiting for an answer", thread.id));
    let asked = forum::wait_for_answer(&caller, &thread.id, args.timeout.map(Duration::from_secs))?;
    render::answered(screen, &asked);
    Ok(if asked.answer.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn watch(caller: &Caller, screen: &Screen, request: &WatchRequest) -> Outcome {
    let interrupt = if request.follow { Interrupt::install()? } else { Interrupt::default() };
    let caller = Caller { interrupt, ..caller.clone() };
    let odd = forum::watch(&caller, request, &mut |heard| {
        render::heard(screen, heard);
        !screen.is_closed()
    })?;
    render::unreadable(screen, &odd);
    Ok(ExitCode::SUCCESS)
}
