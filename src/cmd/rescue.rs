//! `rescue list|show|restore|drop`.

use super::Outcome;
use super::args::{Reach, RunArgs};
use crate::render::{self, Screen};
use crate::service::{self, Caller, RescueRequest};
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;

/// See and bring back what was saved before something was removed.
///
/// cleanup, discard and the like save what is nowhere else first; nothing of that goes by itself.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what was saved, newest first.
    List {
        #[command(flatten)]
        run: RunArgs,
        /// All of them, however many there are.
        #[arg(long)]
        all: bool,
    },
    /// Show what one rescue holds, or print one file of it.
    Show {
        /// Its id or the beginning of it, or its ref.
        #[arg(value_name = "RESCUE")]
        rescue: String,
        /// Print this file of it.
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,
    },
    /// Bring files back into a directory, a branch as a branch; nothing is ever written over.
    Restore {
        /// Its id or the beginning of it, or its ref.
        #[arg(value_name = "RESCUE")]
        rescue: String,
        /// The directory that files come back into; by default a new one here.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Only these files and directories of it.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Give up what one rescue holds.
    Drop {
        /// Its id or the beginning of it, or its ref.
        #[arg(value_name = "RESCUE")]
        rescue: String,
        /// Really: nothing brings it back.
        #[arg(long)]
        force: bool,
    },
}

impl Args {
    /// Looking is for everybody.
    pub(super) fn reach(&self) -> Reach {
        match self.verb {
            Verb::List { .. } | Verb::Show { .. } => Reach::Read,
            Verb::Restore { .. } | Verb::Drop { .. } => Reach::Act,
        }
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    match args.verb {
        Verb::List { run, all } => {
            render::rescues(screen, &service::rescue_list(caller, &run.into())?, all);
        }
        Verb::Show { rescue, path: Some(path) } => {
            render::rescued_file(screen, &path, &service::rescue_file(caller, &rescue, &path)?);
        }
        Verb::Show { rescue, path: None } => {
            let (view, files) = service::rescue_show(caller, &rescue)?;
            render::rescue(screen, &view, &files);
        }
        Verb::Restore { rescue, to, paths } => {
            let request = RescueRequest { rescue, to, paths };
            render::restored(screen, &service::rescue_restore(caller, &request)?);
        }
        Verb::Drop { rescue, force } => {
            render::rescue_dropped(screen, &service::rescue_drop(caller, &rescue, force)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}
