//! The ways in which a base can move.

/// A way.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Its name.
    pub name: &'static str,
    /// What happens before and is nobody's business.
    pub before: &'static str,
    /// What moves base. `$TASK` is the branch of the run, `$WORK` its commit.
    pub act: &'static str,
    /// Whether base is checked out where it happens; else nowhere.
    pub on_base: bool,
    /// Whether base has gone on since the run began.
    pub more: bool,
    /// What somebody has in hand there that has nothing to do with it.
    pub in_hand: InHand,
    /// What is known of it when it happens.
    pub seen: Seen,
}

/// Unrelated edits; some commands of git want none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InHand {
    /// None.
    Nothing,
    /// An edit that is not staged.
    Edit,
    /// That, and one that is staged.
    Staged,
}

/// Who sees a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A hook that is always there.
    ByHook,
    /// Only `reference-transaction`.
    ByRefs,
    /// A hook, at the push to a remote.
    ByPush,
    /// Nobody: it is found by the next command.
    Later,
}

const fn on_base(name: &'static str, act: &'static str, seen: Seen) -> Route {
    Route { name, before: "", act, on_base: true, more: false, in_hand: InHand::Edit, seen }
}

const fn elsewhere(name: &'static str, act: &'static str, seen: Seen) -> Route {
    Route { on_base: false, ..on_base(name, act, seen) }
}

const fn diverged(route: Route) -> Route {
    Route { more: true, ..route }
}

const fn with(in_hand: InHand, route: Route) -> Route {
    Route { in_hand, ..route }
}

const fn after(before: &'static str, route: Route) -> Route {
    Route { before, ..route }
}

use InHand::{Nothing, Staged};
use Seen::{ByHook, ByPush, ByRefs, Later};

/// All of them.
pub const ROUTES: [Route; 48] = [
    on_base("merge --no-ff", "git merge --no-ff -m Merge $TASK", ByHook),
    diverged(on_base("merge", "git merge -m Merge $TASK", ByHook)),
    diverged(on_base("merge of the id", "git merge --no-edit $WORK", ByHook)),
    diverged(with(Nothing, on_base("merge of several", "git merge -m Both $TASK side", ByHook))),
    diverged(on_base(
        "merge --no-commit, then commit",
        "git merge --no-commit $TASK; git commit -q -m Merge",
        ByHook,
    )),
    with(Staged, on_base("fast-forward", "git merge $TASK", ByRefs)),
    with(Staged, on_base("merge --ff-only", "git merge --ff-only $TASK", ByRefs)),
    after(
        "git merge --squash $TASK",
        on_base("merge --squash, then commit -m", "git commit -q -m Squash", ByHook),
    ),
    after("git merge --squash $TASK", on_base("merge --squash, then commit", "git commit -q", ByHook)),
    after(
        "git merge --squash $TASK && rm -f \"$(git rev-parse --git-path SQUASH_MSG)\"",
        on_base("a squash that nobody calls so", "git commit -q -m Mine", ByRefs),
    ),
    diverged(on_base("cherry-pick", "git cherry-pick $TASK~1", ByRefs)),
    diverged(on_base("cherry-pick of all", "git cherry-pick main..$TASK", ByRefs)),
    on_base("cherry-pick --ff", "git cherry-pick --ff $TASK~1", ByRefs),
    after(
        "git cherry-pick -n $TASK~1 $TASK",
        on_base("cherry-pick -n, then commit", "git commit -q -m Mine", ByRefs),
    ),
    after(
        "git checkout $TASK -- .",
        on_base("checkout of files, then commit", "git commit -q -m Mine", ByRefs),
    ),
    after(
        "git diff main...$TASK | git apply --index",
        on_base("apply of a patch, then commit", "git commit -q -m Mine", ByRefs),
    ),
    diverged(on_base("format-patch and am", "git format-patch --stdout main..$TASK | git am -q", ByRefs)),
    diverged(with(Nothing, on_base("rebase", "git rebase $TASK", ByRefs))),
    with(Nothing, on_base("rebase that only goes forward", "git rebase $TASK", ByRefs)),
    diverged(with(Nothing, on_base("rebase --apply", "git rebase --apply $TASK", ByRefs))),
    diverged(with(
        Nothing,
        after(
            "git switch -q -C elsewhere main && git commit -q --allow-empty -m Top",
            elsewhere("rebase --update-refs", "git rebase --update-refs $TASK", ByRefs),
        ),
    )),
    with(Nothing, on_base("reset --hard", "git reset --hard $TASK", ByRefs)),
    on_base("reset --keep", "git reset --keep $TASK", ByRefs),
    on_base("reset --merge", "git reset --merge $TASK", ByRefs),
    with(Staged, on_base("checkout -B on base", "git checkout -B main $TASK", ByRefs)),
    on_base("switch -C on base", "git switch -C main $TASK", ByRefs),
    elsewhere("checkout -B from elsewhere", "git checkout -B main $TASK", ByRefs),
    elsewhere("branch -f", "git branch -f main $TASK", ByRefs),
    elsewhere("worktree add -B", "git worktree add -B main \"$REPOS/new\" $TASK", ByRefs),
    elsewhere("update-ref", "git update-ref refs/heads/main $WORK", ByRefs),
    on_base("update-ref below a worktree", "git update-ref refs/heads/main $WORK", ByRefs),
    elsewhere(
        "update-ref --stdin",
        "echo \"update refs/heads/main $WORK $BASE\" | git update-ref --stdin",
        ByRefs,
    ),
    elsewhere(
        "a squash by commit-tree",
        "git update-ref refs/heads/main $(git commit-tree -p main -m Mine $TASK^{tree})",
        ByRefs,
    ),
    elsewhere("push .", "git push -q . $TASK:main", ByHook),
    elsewhere("push . --no-verify", "git push -q --no-verify . $TASK:main", ByRefs),
    elsewhere("fetch .:base", "git fetch -q . $TASK:main", ByRefs),
    on_base("pull, fast-forward", "git pull -q . $TASK", ByRefs),
    diverged(on_base("pull, merging", "git pull -q --no-rebase --no-edit . $TASK", ByHook)),
    diverged(with(Nothing, on_base("pull --rebase", "git pull -q --rebase . $TASK", ByRefs))),
    on_base("push to a remote", "git push -q origin $TASK:main", ByPush),
    on_base("merge --no-verify", "git merge --no-ff --no-verify -m Merge $TASK", ByRefs),
    after(
        "git merge --squash $TASK",
        on_base("squash, commit --no-verify", "git commit -q --no-verify -m Mine", ByRefs),
    ),
    on_base("core.hooksPath", "git -c core.hooksPath=/dev/null merge -q --no-ff -m Merge $TASK", Later),
    on_base("core.hooksPath, fast-forward", "git -c core.hooksPath=/dev/null merge -q $TASK", Later),
    diverged(on_base(
        "core.hooksPath, cherry-pick",
        "git -c core.hooksPath=/dev/null cherry-pick $TASK~1",
        Later,
    )),
    elsewhere("a direct write", "echo $WORK > \"$(git rev-parse --git-common-dir)/refs/heads/main\"", Later),
    elsewhere("libgit2", "(libgit2)", Later),
    elsewhere("branch -M", "git branch -M $TASK main", Later),
];
