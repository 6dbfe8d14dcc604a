//! `policy show|check|trust|apply`.

use super::Outcome;
use super::args::{Reach, RunArgs};
use crate::render::{self, Screen};
use crate::service::{self, Caller};
use clap::Subcommand;
use std::process::ExitCode;

/// Show, check, trust or apply the policy.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the policy in force, defaults and personal keys included.
    Show,
    /// Check the policy file; every problem is named at once.
    Check {
        /// Rename unknown keys to the nearest known one, or remove them.
        #[arg(long)]
        fix: bool,
    },
    /// Trust the programs that the policy starts and the set-up scripts that repositories bring along, for this user
    /// and this content.
    ///
    /// With a RUN those of its own policy, the one that it was planned under.
    Trust {
        #[command(flatten)]
        run: RunArgs,
        /// Repositories whose set-up scripts are meant too: names or paths, with commas or repeated.
        #[arg(long, value_name = "REPOS", value_delimiter = ',')]
        repos: Vec<String>,
    },
    /// Give a run the present policy of base; the difference is shown.
    Apply {
        #[command(flatten)]
        run: RunArgs,
        /// Show the difference and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

impl Args {
    /// Looking at the policy is reading; what changes it, or what it may start, is not.
    pub(super) fn reach(&self) -> Reach {
        match self.verb {
            Verb::Show | Verb::Check { fix: false } | Verb::Apply { dry_run: true, .. } => Reach::Read,
            Verb::Check { fix: true } | Verb::Trust { .. } | Verb::Apply { dry_run: false, .. } => Reach::Act,
        }
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    match args.verb {
        Verb::Show => render::policy_shown(screen, &service::policy_show(caller)?),
        Verb::Check { fix } => render::policy_checked(screen, &service::policy_check(caller, fix)?),
        Verb::Trust { run, repos } => {
            render::policy_trusted(screen, &service::policy_trust(caller, &run.into(), &repos)?);
        }
        Verb::Apply { run, dry_run } => {
            render::policy_applied(screen, &service::policy_apply(caller, &run.into(), dry_run)?, dry_run);
        }
    }
    Ok(ExitCode::SUCCESS)
}
