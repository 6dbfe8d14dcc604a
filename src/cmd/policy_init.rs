//! `policy-init`: a policy file with every key at its default.

use super::Outcome;
use crate::render::{self, Screen};
use crate::service::{self, Caller, PolicyInitRequest};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write .metawsm/policy.json with every key at its default.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write policy.toml with comments instead.
    #[arg(long)]
    toml: bool,
    /// Overwrite an existing file, and show the difference.
    #[arg(long)]
    force: bool,
    /// Write to this file instead.
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = PolicyInitRequest { toml: args.toml, force: args.force, path: args.path };
    render::policy_init(screen, &service::policy_init(caller, &request)?);
    Ok(ExitCode::SUCCESS)
}
