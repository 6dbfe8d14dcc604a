//! Repositories of formats that libgit2, or an older git, does not know.

use super::clean::{beside, dirt, seen_by_git, text};
use super::git;
use crate::kit::World;
use git_metawsm::git::Repository;
use std::collections::BTreeSet;

#[test]
fn a_repository_by_sha256_is_judged() {
    let world = World::new();
    let repo = world.repo("plain");
    let top = beside(&repo, "sha256");
    repo.git(["init", "-q", "-b", "main", "--object-format=sha256", &text(&top)]);
    let repo = repo.seen_from(&top);
    repo.git(["config", "user.name", "T"]);
    repo.git(["config", "user.email", "t@e"]);
    for file in ["a.txt", "dir/b.txt", "c.txt"] {
        repo.commit(file, "x\n");
    }
    dirt(&repo);
    let state = Repository::require(&top).expect("found").clean_state(&top).expect("judged");
    let found: BTreeSet<_> = state.dirty.iter().map(|dirty| dirty.path.to_string()).collect();
    assert_eq!(found, seen_by_git(&top));
}

#[test]
fn formats_that_git_does_not_know_are_refused_as_git_refuses_them() {
    // Tables of refs came with a git that is younger than ours may be; there it must answer, here it must not guess.
    for (key, value) in [("extensions.refStorage", "reftable"), ("extensions.fromTheFuture", "true")] {
        let world = World::new();
        let repo = world.repo("odd");
        repo.git(["config", "core.repositoryFormatVersion", "1"]);
        repo.git(["config", key, value]);
        let ours = Repository::require(repo.path()).and_then(|found| found.clean_state(repo.path()));
        let theirs = git(repo.path(), &["status"]);
        assert_eq!(ours.is_ok(), theirs.status == Some(0), "{key}: {ours:?} {theirs}");
    }
    let world = World::new();
    let repo = world.repo("plain");
    let top = beside(&repo, "tables");
    let made = repo.try_git(["init", "-q", "-b", "main", "--ref-format=reftable", &text(&top)]);
    if made.status != Some(0) {
        eprintln!("skipped: this git keeps no refs in tables");
        return;
    }
    let repo = repo.seen_from(&top);
    repo.git(["config", "user.name", "T"]);
    repo.git(["config", "user.email", "t@e"]);
    repo.commit("a.txt", "a\n");
    repo.write("a.txt", "edited\n");
    let state = Repository::require(&top).expect("found").clean_state(&top).expect("judged");
    assert_eq!(state.dirty.len(), 1);
}
