//! `import`: what the first metawsm kept.

use super::Outcome;
use super::progress::progress;
use crate::render::{self, Screen};
use crate::service::{self, Caller, ImportRequest};
use crate::sys::signals::Interrupt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Take over the runs, briefs, questions and threads of the first metawsm.
///
/// Its database is read from a private copy; neither it nor anything beside it changes. Open runs become records that
/// 'resume' starts again and 'discard' gives up, closed ones wait for 'publish', and threads keep their ids. An import
/// that was stopped goes on when it is repeated, and another one later adds only what is new.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The database; .metawsm/metawsm.db of the control repository by default.
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Say only what would be imported, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// The same with the database that the first program's `--db` names, where no other is given.
    pub(super) fn or(self, db: Option<PathBuf>) -> Self {
        Self { path: self.path.or(db), ..self }
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = ImportRequest { path: args.path, dry_run: args.dry_run };
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let report = service::import(&caller, &request, &mut progress(screen))?;
    render::imported(screen, &report);
    Ok(ExitCode::SUCCESS)
}
