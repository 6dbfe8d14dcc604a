//! `policy-init`: the policy file with every key at its default.

use super::policies::{FILES, policy_file, text_of};
use super::{Caller, ServiceError, ServiceResult, control, hidden};
use crate::policy::{self, Format};
use crate::sys::files;
use std::path::PathBuf;

/// What `policy-init` was asked.
#[derive(Debug, Clone, Default)]
pub struct PolicyInitRequest {
    /// TOML with comments instead of JSON.
    pub toml: bool,
    /// Overwrite.
    pub force: bool,
    /// Elsewhere than in the control repository.
    pub path: Option<PathBuf>,
}

/// What `policy-init` wrote.
#[derive(Debug, Clone)]
pub struct PolicyInitReport {
    /// The file.
    pub path: PathBuf,
    /// The unified difference to the file that it replaced; empty where there was none.
    pub diff: String,
    /// Whether it is the file that the control repository's policy is read from.
    pub in_force: bool,
    /// What keeps git from taking it, as a sentence.
    pub hidden: Option<String>,
}

/// Writes the policy file; an existing one is only replaced with `force`, and then the difference is shown.
pub fn policy_init(caller: &Caller, request: &PolicyInitRequest) -> ServiceResult<PolicyInitReport> {
    let control = control(caller)?;
    let format = if request.toml { Format::Toml } else { Format::Json };
    let existing = policy_file(&control)?;
    let path = if let Some(path) = &request.path {
        caller.cwd.join(path)
    } else {
        let Some(top) = control.repo.worktree() else {
            let hint = "git metawsm policy-init --path <file>";
            return Err(ServiceError::failed(
                "A bare repository has no worktree to write a policy into.",
                &[hint],
            ));
        };
        top.join(".metawsm").join(if request.toml { FILES[1] } else { FILES[0] })
    };
    if let Some(other) = existing.filter(|other| request.path.is_none() && *other != path) {
        let message = format!("{} holds the policy already, and only one file can.", other.display());
        return Err(ServiceError::failed(message, &[&format!("git rm {}", other.display())]));
    }
    let text = policy::template(format);
    let old = if path.exists() { text_of(&path)? } else { String::new() };
    if !old.is_empty() && !request.force {
        let message = format!("{} exists and is not overwritten.", path.display());
        return Err(ServiceError::failed(
            message,
            &["git metawsm policy show", "git metawsm policy-init --force"],
        ));
    }
    files::write_atomic(&path, text.as_bytes())?;
    let diff = if old.is_empty() { String::new() } else { unified(&old, &text) };
    let in_force = request.path.is_none();
    let hidden = if in_force { hidden::warning(&control) } else { None };
    Ok(PolicyInitReport { path, diff, in_force, hidden })
}

/// The unified difference of two texts.
pub(super) fn unified(old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header("before", "after")
        .to_string()
}
