//! What a server lets into its main branch.

use super::super::ServiceResult;
use super::super::range::{self, RangeVerdict};
use super::{HookAnswer, HookCall, HookRefusal};
use crate::git::{Head, Repository};

/// How many commits a refusal names.
const NAMED: usize = 10;

/// Judges `update <ref> <old id> <new id>`: what comes into the main branch came in through merges that the gates of
/// their runs let pass. Every other ref, and the end of a branch, is nobody's business here.
pub(super) fn update(call: &HookCall, repo: &Repository) -> ServiceResult<HookAnswer> {
    let words: Vec<_> = call.args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let [reference, old, new] = &words[..] else { return Ok(HookAnswer::default()) };
    let repo = repo.in_quarantine();
    let main = match repo.head()? {
        Head::Branch { name, .. } => format!("refs/heads/{name}"),
        Head::Detached(_) => return Ok(HookAnswer::default()),
    };
    if *reference != main || range::is_zero(new) {
        return Ok(HookAnswer::default());
    }
    let report = range::judge(&repo, Some(old.as_str()).filter(|old| !range::is_zero(old)), new)?;
    if report.verdict() == RangeVerdict::Passes {
        return Ok(HookAnswer::default());
    }
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    let refused = report.refused.iter().take(NAMED);
    let mut notes: Vec<_> =
        refused.map(|found| format!("{} {}: {}", short(&found.commit), found.subject, found.why)).collect();
    notes.extend(report.unknown.iter().cloned());
    let branch = main.strip_prefix("refs/heads/").unwrap_or(&main);
    let runs = report.refused.iter().map(|found| &found.run).filter(|run| !run.is_empty());
    let mut next: Vec<_> = runs.map(|run| format!("git metawsm close {run} --push")).collect();
    next.sort();
    next.dedup();
    let refusal = HookRefusal {
        what: format!("This push would bring into '{branch}' what no run has let in."),
        left: "Nothing was changed on the server.".to_owned(),
        next,
        ..HookRefusal::default()
    };
    Ok(HookAnswer { notes, refusal: Some(refusal) })
}
