//! Random merges: two sides that edit, add, remove, rename and re-mode files at will, merged by us and for real.

use super::{Real, git, our_merge, plain_git, really_merge, require_same};
use crate::kit::{World, all, seed};
use git_metawsm::git::Repository;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

/// How many merges a quick run takes, and how many a whole one.
const QUICK: u64 = 100;
const WHOLE: u64 = 500;

/// A random sequence that repeats by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(count).expect("small")).expect("small")
    }
}

/// Paths to mode and lines.
type Tree = BTreeMap<String, (&'static str, Vec<String>)>;

const FOLDERS: [&str; 4] = ["", "src/", "src/deep/", "doc/"];
const NAMES: [&str; 6] = ["a", "b.txt", "c d", "\u{e4}", "e.bin", "f"];

fn some_path(dice: &mut Dice) -> String {
    format!("{}{}", FOLDERS[dice.below(FOLDERS.len())], NAMES[dice.below(NAMES.len())])
}

fn some_lines(dice: &mut Dice) -> Vec<String> {
    let count = 3 + dice.below(9);
    // Few words, so that files resemble each other and renames are found.
    (0..count).map(|_| format!("word {}", dice.below(30))).collect()
}

/// Whether a path can stand beside the others: no file lies where another needs a folder.
fn fits(tree: &Tree, path: &str) -> bool {
    let below = format!("{path}/");
    let is_above = |other: &String| path.starts_with(&format!("{other}/"));
    !tree.keys().any(|other| other.starts_with(&below) || is_above(other))
}

fn start(dice: &mut Dice) -> Tree {
    let mut tree = Tree::new();
    for _ in 0..4 + dice.below(8) {
        let path = some_path(dice);
        if fits(&tree, &path) {
            tree.insert(path, ("100644", some_lines(dice)));
        }
    }
    tree.insert("always".to_owned(), ("100644", vec!["here".to_owned()]));
    tree
}

fn edited(dice: &mut Dice, from: &Tree) -> Tree {
    let mut tree = from.clone();
    for _ in 0..=dice.below(5) {
        let paths: Vec<_> = tree.keys().cloned().collect();
        let path = paths[dice.below(paths.len())].clone();
        match dice.below(9) {
            0..=3 => {
                let lines = &mut tree.get_mut(&path).expect("it is there").1;
                let at = dice.below(lines.len() + 1);
                let line = format!("word {}", dice.below(30));
                if at < lines.len() && dice.below(2) == 0 { lines[at] = line } else { lines.insert(at, line) }
            }
            4 => drop(tree.remove(&path).filter(|_| tree.len() > 1)),
            5 => {
                let (to, file) = (some_path(dice), tree[&path].clone());
                tree.remove(&path);
                let to = if fits(&tree, &to) { to } else { path };
                tree.insert(to, file);
            }
            6 => {
                let path = some_path(dice);
                if fits(&tree, &path) {
                    let lines = some_lines(dice);
                    tree.insert(path, ("100644", lines));
                }
            }
            7 => tree.get_mut(&path).expect("it is there").0 = "100755",
            _ => {
                // A whole folder moves.
                let below: Vec<_> = tree.keys().filter(|p| p.starts_with("src/")).cloned().collect();
                for path in below {
                    let file = tree.remove(&path).expect("it is there");
                    tree.insert(path.replacen("src/", "lib/", 1), file);
                }
            }
        }
        if tree.is_empty() {
            tree = from.clone();
        }
    }
    tree
}

fn commit(stream: &mut Vec<u8>, name: &str, from: Option<&str>, tree: &Tree) {
    let mut head =
        format!("commit refs/heads/{name}\ncommitter T <t@example.org> 1767323045 +0000\ndata 1\nx\n");
    if let Some(from) = from {
        let _ = writeln!(head, "from refs/heads/{from}");
    }
    head.push_str("deleteall\n");
    stream.extend_from_slice(head.as_bytes());
    for (path, (mode, lines)) in tree {
        let text = lines.join("\n") + "\n";
        let _ = writeln!(stream, "M {mode} inline \"{path}\"\ndata {}\n{text}", text.len());
    }
}

#[test]
fn random_merges_come_to_what_git_comes_to() {
    let count = if all() { WHOLE } else { QUICK };
    let mut dice = Dice(seed() | 1);
    let mut stream = Vec::new();
    for number in 0..count {
        let base = start(&mut dice);
        let (ours, theirs) = (edited(&mut dice, &base), edited(&mut dice, &base));
        commit(&mut stream, &format!("start{number}"), None, &base);
        commit(&mut stream, &format!("ours{number}"), Some(&format!("start{number}")), &ours);
        commit(&mut stream, &format!("theirs{number}"), Some(&format!("start{number}")), &theirs);
    }
    let world = World::new();
    let repo = world.repo("random");
    let mut import = plain_git(repo.path());
    let mut import = import.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git");
    import.stdin.take().expect("a pipe").write_all(&stream).expect("taken");
    assert!(import.wait().expect("it ends").success());
    let scratch = repo.path().with_file_name("scratch");
    git(repo.path(), &["worktree", "add", "-q", "--detach", &scratch.display().to_string(), "main"]).ok();
    let repository = Repository::require(repo.path()).expect("found");
    let (mut clean, mut conflicts) = (0, 0);
    for number in 0..count {
        let id = |name: &str| repo.rev(&format!("refs/heads/{name}{number}")).expect("a commit");
        let (base, head) = (id("ours"), id("theirs"));
        let (real, ours) = (really_merge(&scratch, &base, &head), our_merge(&repository, &base, &head));
        require_same(&ours, &real, &format!("merge {number} of seed {}", seed()));
        match real {
            Real::Tree(_) => clean += 1,
            _ => conflicts += 1,
        }
    }
    eprintln!("{clean} merges were clean and {conflicts} conflicted, seed {}", seed());
    assert!(clean * 10 > count && conflicts * 10 > count, "the dice are loaded: {clean} and {conflicts}");
}
