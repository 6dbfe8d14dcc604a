//! After the lines of the README's chapter nothing of ours is left.

use super::{Block, Reader, UNINSTALL, blocks, readme};
use crate::kit::Snapshot;

#[test]
fn what_the_readme_says_of_uninstalling_leaves_every_byte_as_it_was() {
    let reader = Reader::new();
    reader.world.script("cargo", "test \"$*\" = 'uninstall git-metawsm' && rm \"$HOME/../bin/git-metawsm\"");
    let repo = &reader.shop;
    let before = Snapshot::whole(repo.path());
    let home = Snapshot::whole(&reader.world.home()).without("workspaces");
    // A run that has left a rescue, hooks, a thread, and another that is open.
    reader.sh(repo.path(), "git metawsm setup").ok();
    reader.sh(repo.path(), "git metawsm run 'Add a menu' --run-id menu").ok();
    let tree = reader.world.run(["path", "menu"]).at(repo).ok().stdout;
    std::fs::write(std::path::Path::new(tree.trim()).join("shop/left.txt"), "left\n").expect("a file");
    reader.sh(repo.path(), "git metawsm discard menu").ok();
    assert_ne!(repo.git(["for-each-ref", "refs/metawsm"]), "", "something was rescued");
    reader.sh(repo.path(), "git metawsm forum ask --project --body 'Which port?'").ok();
    reader.sh(repo.path(), "git metawsm run 'Think about it'").ok();
    assert!(repo.file(".git/hooks/pre-push").exists(), "hooks are installed");
    let lines: Vec<Block> = blocks(&readme()).into_iter().filter(|b| b.chapter == UNINSTALL).collect();
    let [of_repository, of_user] = lines.as_slice() else { panic!("{} blocks", lines.len()) };
    for line in of_repository.text.lines().chain(of_user.text.lines()) {
        reader.sh(repo.path(), line).ok();
    }
    before.assert_same(&Snapshot::whole(repo.path()));
    let after = Snapshot::whole(&reader.world.home()).without("workspaces");
    home.assert_same(&after);
    let left = std::fs::read_dir(reader.world.home().join("workspaces")).into_iter().flatten().flatten();
    let left: Vec<_> =
        left.filter(|day| day.path().read_dir().is_ok_and(|mut d| d.next().is_some())).collect();
    assert!(left.is_empty(), "workspaces are left: {left:?}");
}
