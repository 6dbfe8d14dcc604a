//! Floor 7. What the user types: arguments to a request, a service, render, an exit code.
//!
//! Lives here: one file per command with its flags (their doc comments are the help and the man page), the global
//! options, and the one place that maps errors to exit codes. Does not live here: anything that decides or looks.
//! `main` calls [`run`]; nobody else does. One rule: a command file parses, calls one service and renders.

mod agent;
mod args;
mod attach;
mod bootstrap;
mod check;
mod cleanup;
mod close;
mod commit;
mod complete;
mod completions;
mod demo;
mod diff;
mod discard;
mod docs;
mod docs_diff;
mod docs_sync;
mod doctor;
mod failure;
mod former;
mod forum;
mod guide;
mod help;
mod hooks;
mod import;
mod iterate;
mod list;
mod log;
mod logs;
mod merge;
mod path;
mod policy;
mod policy_init;
mod progress;
mod publish;
mod rescue;
mod restart;
mod resume;
mod run;
mod setup;
mod signal;
mod status;
mod stop;
mod tell;
mod tui;
mod update;
mod verbose;
mod watch;

pub use args::Cli;
pub use help::program;
pub use setup::manual;

use crate::render::Screen;
use crate::service::ServiceError;
use args::{Command, Reach};
use clap::Parser;
use failure::Asked;
use std::ffi::OsString;
use std::process::ExitCode;

/// What a command ends with: an exit code, or an error that maps to one.
type Outcome = Result<ExitCode, ServiceError>;

/// Runs the program on these arguments, the program's own name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    failure::of_bug(&args, || enter(&args))
}

fn enter(args: &[OsString]) -> ExitCode {
    // The wrapper stands above every agent: it must start fast and outlive everything.
    if args.get(1).is_some_and(|word| word == "agent") {
        return agent::run(&args[2..]);
    }
    // A hook is felt in every git command.
    if args.get(1).is_some_and(|word| word == "hooks") {
        match args.get(2).and_then(|word| word.to_str()) {
            Some("run") => return hooks::enter(&args[3..]),
            Some("probe") => return hooks::probe(&args[3..]),
            _ => {}
        }
    }
    if args.get(1).is_some_and(|word| word == "completions")
        && let Some(asked) = completions::Asked::of(&args[2..])
    {
        return completions::enter(asked);
    }
    let args = former::spelled(args.to_vec());
    match Cli::try_parse_from(&args) {
        Ok(cli) => dispatch(cli, &args),
        Err(error) => match former::gone(&args).filter(|_| error.use_stderr()) {
            Some(gone) => {
                let screen = plain_screen(args.iter().any(|word| word == "--json"));
                failure::of(&screen, &gone, &Asked { command: "", words: &args })
            }
            None => failure::of_usage(&taught(error, &args), &args),
        },
    }
}

/// Help with its groups and examples, which parsing needs not know.
fn taught(error: clap::Error, args: &[OsString]) -> clap::Error {
    match error.kind() {
        clap::error::ErrorKind::DisplayHelp => program().try_get_matches_from(args).err().unwrap_or(error),
        _ => error,
    }
}

fn dispatch(cli: Cli, args: &[OsString]) -> ExitCode {
    let takes_database = matches!(cli.command, Some(Command::Import(_)));
    let screen = cli.global.screen(takes_database);
    let db = cli.global.db.clone();
    let command = cli.command.unwrap_or_else(Command::bare_status);
    let asked = Asked { command: command.name(), words: args.get(1..).unwrap_or_default() };
    let outcome = cli.global.caller().and_then(|caller| {
        guard(&caller, &command)?;
        if cli.global.verbose {
            verbose::places(&caller, &screen)?;
        }
        match command {
            Command::Run(args) => run::run(&caller, &screen, args),
            Command::Bootstrap(args) => bootstrap::run(&caller, &screen, args),
            Command::Status(args) => status::run(&caller, &screen, args),
            Command::Watch(args) => watch::run(&caller, &screen, args),
            Command::List(args) => list::run(&caller, &screen, args),
            Command::Log(args) => log::run(&caller, &screen, args),
            Command::Diff(args) => diff::run(&caller, &screen, args),
            Command::Path(args) => path::run(&caller, &screen, args),
            Command::Attach(args) => attach::run(&caller, &screen, args),
            Command::Logs(args) => logs::run(&caller, &screen, args),
            Command::Tell(args) => tell::run(&caller, &screen, args),
            Command::Guide(args) => guide::run(&caller, &screen, args),
            Command::Signal(args) => signal::run(&caller, &screen, args),
            Command::Resume(args) => resume::run(&caller, &screen, args),
            Command::Stop(args) => stop::run(&caller, &screen, args),
            Command::Restart(args) => restart::run(&caller, &screen, args),
            Command::Iterate(args) => iterate::run(&caller, &screen, args),
            Command::Complete(args) => complete::run(&caller, &screen, args),
            Command::Discard(args) => discard::run(&caller, &screen, args),
            Command::Docs(args) => docs::run(&caller, &screen, args),
            Command::Commit(args) => commit::run(&caller, &screen, args),
            Command::Forum(args) => forum::run(&caller, &screen, args),
            Command::Check(args) => check::run(&caller, &screen, args),
            Command::Merge(args) => merge::run(&caller, &screen, args),
            Command::Close(args) => close::run(&caller, &screen, args),
            Command::Update(args) => update::run(&caller, &screen, args),
            Command::Publish(args) => publish::run(&caller, &screen, &args),
            Command::Cleanup(args) => cleanup::run(&caller, &screen, args),
            Command::Rescue(args) => rescue::run(&caller, &screen, args),
            Command::PolicyInit(args) => policy_init::run(&caller, &screen, args),
            Command::Policy(args) => policy::run(&caller, &screen, args),
            Command::Hooks(args) => hooks::run(&caller, &screen, args),
            Command::Setup(args) => setup::run(&caller, &screen, args),
            Command::Doctor(args) => doctor::run(&caller, &screen, &args),
            Command::Tui(args) => tui::run(&caller, &screen, args),
            Command::Import(args) => import::run(&caller, &screen, args.or(db)),
            Command::Demo(args) => demo::run(&screen, &args),
            Command::Pr(_)
            | Command::Auth(_)
            | Command::Review(_)
            | Command::Operator(_)
            | Command::Serve(_) => former::run(asked.command),
        }
    });
    let code = match outcome {
        Ok(code) => code,
        Err(error) => failure::of(&screen, &error, &asked),
    };
    screen.exit(code)
}

/// Below an agent's wrapper only reading is allowed: an agent cannot vouch for itself.
fn guard(caller: &crate::service::Caller, command: &Command) -> Result<(), ServiceError> {
    match (&caller.below_agent, command.reach()) {
        (Some(agent), Reach::Act) => Err(ServiceError::forbidden(
            format!("'{}' is for people; the agent '{agent}' cannot do it.", command.name()),
            &["git metawsm status"],
        )),
        _ => Ok(()),
    }
}

/// The screen of an answer that came before the options were known.
fn plain_screen(json: bool) -> Screen {
    Screen::new(json, false, crate::render::ColorChoice::Auto)
}
