//! Whether git has been told to ignore `.metawsm/`, as the first metawsm's users were told to.
//!
//! Records are committed all the same: they are written into trees, not added. What a person writes there, the policy
//! above all, is not, and gates know only a policy that is committed.

use super::Control;
use crate::git::IgnoreRule;

/// What a person commits there, and what we do.
const WATCHED: [&str; 3] = [".metawsm/policy.json", ".metawsm/policy.toml", ".metawsm/runs/0000-00/run.toml"];

/// A sentence that names the line, and what it does; `None` where nothing is hidden. A question that cannot be
/// answered keeps nobody from working.
pub(super) fn warning(control: &Control) -> Option<String> {
    let hidden: Vec<(&str, IgnoreRule)> = WATCHED
        .iter()
        .filter_map(|path| Some((*path, control.repo.ignore_rule(path).ok().flatten()?)))
        .collect();
    let (_, rule) = hidden.first()?;
    let hides_policy = hidden.iter().any(|(path, _)| path.contains("policy"));
    let place = format!("{}:{} '{}'", rule.source, rule.line, crate::model::plain_line(&rule.pattern));
    let then = if hides_policy {
        "'git add' takes no policy from there, and gates know only a policy that is committed; records are committed all \
         the same"
    } else {
        "records are committed all the same, but git shows no change to them"
    };
    Some(format!(
        "{place} makes git ignore .metawsm/: {then}. Take the line out, or narrow it to '.metawsm/metawsm.db*'."
    ))
}
