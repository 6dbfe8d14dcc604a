//! What a server lets into its main branch.

use super::super::ServiceResult;
use super::{HookAnswer, HookCall};
use crate::git::Repository;

/// Judges `update <ref> <old id> <new id>`.
#[expect(clippy::unnecessary_wraps, reason = "the rule for ranges is not here yet")]
pub(super) fn update(_call: &HookCall, _repo: &Repository) -> ServiceResult<HookAnswer> {
    Ok(HookAnswer::default())
}
