//! The command line: global options and the table of commands.

use super::{
    attach, bootstrap, check, cleanup, close, commit, complete, demo, diff, discard, docs, doctor, former,
    forum, guide, hooks, import, iterate, list, log, logs, merge, path, policy, policy_init, publish, rescue,
    restart, resume, run, setup, signal, status, stop, tell, tui, update, watch,
};
use crate::render::{ColorChoice, Screen};
use crate::service::{Caller, Selector, ServiceError};
use crate::sys::{env, procs, signals::Interrupt};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const FIRST_STEPS: &str = "\
First steps:
  git metawsm demo                  see the main job, on throwaway repositories
  git metawsm run '<what to do>'    start an agent in a workspace of its own
  git metawsm status                what needs you
  git metawsm setup                 man pages, and completions for your shell

'git metawsm <command> -h' tells more, 'git metawsm help <command>' all.
'git metawsm --help' is git's own: it shows the man page that setup installs.";

/// Runs coding agents on tickets across several repositories, and lets nothing merge before git says it is safe.
#[derive(Debug, Parser)]
#[command(
    name = "git-metawsm",
    bin_name = "git metawsm",
    version,
    max_term_width = 100,
    after_help = FIRST_STEPS
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Run as if started in this directory.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// The control repository, which holds the records.
    #[arg(long, value_name = "DIR", global = true)]
    root: Option<PathBuf>,
    /// The policy file; by default .metawsm/policy.json or policy.toml of the control repository.
    #[arg(long, value_name = "FILE", global = true)]
    policy: Option<PathBuf>,
    /// Answer with one JSON object; errors too.
    #[arg(long, global = true)]
    json: bool,
    /// Colour the output.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    color: Color,
    /// Say only the answer, without the story on standard error.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say also where things are looked up.
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Wait at most this long for a lock that somebody else holds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, global = true)]
    wait: u64,
    /// Accepted for the first program's sake: there is no database any more.
    #[arg(long, value_name = "FILE", global = true, hide = true)]
    pub(super) db: Option<PathBuf>,
}

impl Global {
    /// How output looks; of the old database is told what it is for, unless the command takes it.
    pub(super) fn screen(&self, takes_database: bool) -> Screen {
        let color = match self.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let screen = Screen::new(self.json, self.quiet, color);
        if self.db.is_some() && !takes_database {
            screen.story(
                "note: --db is not needed: records lie in the git directory, and 'git metawsm import' takes over old ones",
            );
        }
        screen
    }

    /// Who asks, and from where.
    pub(super) fn caller(&self) -> Result<Caller, ServiceError> {
        let here =
            || env::cwd().ok_or_else(|| ServiceError::failed("The current directory is gone.", &["cd"]));
        let cwd = match &self.directory {
            Some(dir) if dir.is_absolute() => dir.clone(),
            Some(dir) => here()?.join(dir),
            None => here()?,
        };
        if !cwd.is_dir() {
            let message = format!("{} is not a directory.", cwd.display());
            return Err(ServiceError::wrong(message, &["git metawsm -C <directory> status"]));
        }
        Ok(Caller {
            cwd: crate::sys::files::real_path(&cwd),
            root: self.root.clone().or_else(|| env::text(env::ROOT).map(PathBuf::from)),
            policy: self.policy.clone(),
            wait: Duration::from_secs(self.wait),
            interrupt: Interrupt::default(),
            below_agent: below_agent(),
            run_hint: env::text(env::RUN),
        })
    }
}

/// The agent that we run below: `METAWSM_AGENT`, or an agent's wrapper among our ancestors.
pub(super) fn below_agent() -> Option<String> {
    env::text(env::AGENT).or_else(|| {
        let own = env::own_program()?;
        let is_wrapper = |pid: &i32| procs::is_running(*pid, &own, &["agent", "exec"]);
        procs::ancestors(procs::own().pid).iter().find(|pid| is_wrapper(pid)).map(|_| "an agent".to_owned())
    })
}

/// Which run is meant.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RunArgs {
    /// A run id, a unique prefix of one, or a ticket.
    #[arg(value_name = "RUN")]
    word: Option<String>,
    #[command(flatten)]
    named: NamedRun,
}

/// Which run is meant, by flags.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct NamedRun {
    /// The run's id, or a unique prefix of it.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// The ticket: its newest open run, else its newest run.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
}

impl From<RunArgs> for Selector {
    fn from(args: RunArgs) -> Self {
        Self { word: args.word, ..Self::from(args.named) }
    }
}

impl From<NamedRun> for Selector {
    fn from(named: NamedRun) -> Self {
        Self { word: None, run_id: named.run_id, ticket: named.ticket }
    }
}

/// What a command may do, for those below an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It only looks.
    Read,
    /// It speaks for whoever runs it, and moves nothing else.
    Speak,
    /// It changes something.
    Act,
}

macro_rules! commands {
    ($($variant:ident($module:ident) = $name:literal, $reach:ident;)*) => {
        /// The commands; what each is for stands on its arguments.
        #[derive(Debug, Subcommand)]
        pub(super) enum Command { $($variant($module::Args),)* }

        impl Command {
            /// The command's word.
            pub(super) fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            fn usual_reach(&self) -> Reach {
                match self { $(Self::$variant(_) => Reach::$reach,)* }
            }
        }
    };
}

commands! {
    Run(run) = "run", Act;
    Bootstrap(bootstrap) = "bootstrap", Act;
    Status(status) = "status", Read;
    Watch(watch) = "watch", Read;
    Tui(tui) = "tui", Read;
    List(list) = "list", Read;
    Log(log) = "log", Read;
    Diff(diff) = "diff", Read;
    Path(path) = "path", Read;
    Attach(attach) = "attach", Act;
    Logs(logs) = "logs", Read;
    Tell(tell) = "tell", Act;
    Guide(guide) = "guide", Act;
    Signal(signal) = "signal", Speak;
    Resume(resume) = "resume", Act;
    Stop(stop) = "stop", Act;
    Restart(restart) = "restart", Act;
    Iterate(iterate) = "iterate", Act;
    Complete(complete) = "complete", Act;
    Discard(discard) = "discard", Act;
    Commit(commit) = "commit", Act;
    Docs(docs) = "docs", Read;
    Forum(forum) = "forum", Act;
    Check(check) = "check", Read;
    Merge(merge) = "merge", Act;
    Close(close) = "close", Act;
    Update(update) = "update", Act;
    Publish(publish) = "publish", Act;
    Cleanup(cleanup) = "cleanup", Act;
    Rescue(rescue) = "rescue", Act;
    PolicyInit(policy_init) = "policy-init", Act;
    Policy(policy) = "policy", Act;
    Hooks(hooks) = "hooks", Act;
    Setup(setup) = "setup", Act;
    Doctor(doctor) = "doctor", Read;
    Import(import) = "import", Act;
    Demo(demo) = "demo", Act;
    Pr(former) = "pr", Act;
    Auth(former) = "auth", Act;
    Review(former) = "review", Act;
    Operator(former) = "operator", Act;
    Serve(former) = "serve", Act;
}

impl Command {
    /// What it may do; of some it depends on their words.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Policy(args) => args.reach(),
            Self::Rescue(args) => args.reach(),
            // An agent's word for its own tests counts for nothing.
            Self::Check(args) if args.runs() => Reach::Act,
            Self::Watch(args) if args.starts_programs() => Reach::Act,
            Self::Docs(args) => args.reach(),
            Self::Doctor(args) if args.acts() => Reach::Act,
            Self::Forum(args) => args.reach(),
            other => other.usual_reach(),
        }
    }

    /// What `git metawsm` alone means.
    pub(super) fn bare_status() -> Self {
        Self::Status(status::Args::default())
    }
}
