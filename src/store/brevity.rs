//! What a published record says once only, so that the record of a large run stays small.

use crate::model::Run;

/// Leaves out what the record says elsewhere: where a worktree began, when that is where its repository's base was, and
/// the merges that the receipt names.
pub(super) fn leave_out(run: &mut Run) {
    for tree in &mut run.worktrees {
        let base = run.repos.iter().find(|r| r.name == tree.repo).map(|r| r.base_id.as_str());
        if base.is_some_and(|base| base == tree.base_id) {
            if tree.start == tree.base_id {
                tree.start = String::new();
            }
            tree.base_id = String::new();
        }
    }
    let receipts: Vec<_> = run.receipt.iter().flat_map(|receipt| &receipt.repos).collect();
    run.merges.retain(|done| {
        let names = |r: &&&crate::model::RepoReceipt| r.repo == done.repo && r.base == done.base;
        !receipts.iter().filter(names).any(|r| r.merges.contains(&done.commit))
    });
}

/// Puts back where worktrees began.
pub(super) fn fill_in(mut run: Run) -> Run {
    for tree in run.worktrees.iter_mut().filter(|tree| tree.base_id.is_empty()) {
        if let Some(repo) = run.repos.iter().find(|r| r.name == tree.repo) {
            tree.base_id.clone_from(&repo.base_id);
            if tree.start.is_empty() {
                tree.start.clone_from(&repo.base_id);
            }
        }
    }
    run
}

#[cfg(test)]
mod tests {
    use super::super::testing::full;
    use super::*;

    #[test]
    fn what_is_left_out_of_worktrees_is_there_again_after_reading() {
        let mut run = full("r1");
        let base = run.repos[0].base_id.clone();
        for start in [base.as_str(), "0123456789012345678901234567890123456789"] {
            run.worktrees[0].repo = run.repos[0].name.clone();
            run.worktrees[0].base_id.clone_from(&base);
            start.clone_into(&mut run.worktrees[0].start);
            let mut brief = run.clone();
            leave_out(&mut brief);
            assert_eq!(brief.worktrees[0].base_id, "");
            assert_eq!(fill_in(brief).worktrees[0], run.worktrees[0]);
        }
    }
}
