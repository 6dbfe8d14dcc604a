//! Random edits on both sides: a sync gives what `git merge` gives on real branches, loses no line that only one side
//! changed, and a second one changes nothing.

use super::scene::{DIR, Home, Scene};
use crate::kit::{Repo, all, seed};
use std::collections::BTreeSet;
use std::path::Path;

/// Numbers that look random and repeat.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(count).expect("small")).expect("small")
    }
}

const FILES: [&str; 6] = ["list.md", "index.md", "a/b.md", "a/c.md", "d.md", "e/f/g.md"];

/// Changes a few files below a directory; each line that is written is like no other.
fn edit(dice: &mut Dice, top: &Path, tag: &str) {
    for number in 0..=dice.below(3) {
        let path = top.join(DIR).join(FILES[dice.below(FILES.len())]);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let at = dice.below(lines.len() + 1);
        match dice.below(10) {
            0 if !path.ends_with("index.md") => {
                let _ = std::fs::remove_file(&path);
                continue;
            }
            1..=3 if at < lines.len() => drop(lines.remove(at)),
            4..=6 if at < lines.len() => lines[at] = format!("{tag} {number} changed"),
            _ => lines.insert(at, format!("{tag} {number} added")),
        }
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    }
}

fn save(repo: &Repo) {
    repo.git(["add", "--all", "."]);
    repo.git(["commit", "-q", "--allow-empty", "-m", "Edits"]);
}

/// All lines of all documents.
fn lines(top: &Path) -> BTreeSet<String> {
    let text = |file: &&str| std::fs::read_to_string(top.join(DIR).join(file)).unwrap_or_default();
    FILES.iter().flat_map(|file| text(file).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Puts the documents of another place into a branch of the oracle.
fn take(oracle: &Repo, branch: &str, from: &Path) {
    oracle.git(["switch", "-q", "-C", branch, "base"]);
    let _ = std::fs::remove_dir_all(oracle.file(DIR));
    std::fs::create_dir_all(oracle.file(DIR)).expect("made");
    let status = std::process::Command::new("cp")
        .arg("-a")
        .arg(from.join(DIR).join("."))
        .arg(oracle.file(DIR))
        .status();
    assert!(status.expect("cp runs").success());
    save(oracle);
}

fn tree(repo: &Repo) -> String {
    repo.git(["rev-parse", &format!("HEAD:{DIR}")])
}

#[test]
fn random_edits_come_together_as_git_merges_branches() {
    let rounds = if all() { 100 } else { 14 };
    let scene = Scene::new(Home::Other);
    let oracle = scene.stage.world.repo("oracle");
    let mut dice = Dice(seed());
    let (mut clean, mut stopped) = (0, 0);
    for round in 0..rounds {
        oracle.git(["switch", "-q", "--orphan", &format!("base-{round}")]);
        oracle.git(["commit", "-q", "--allow-empty", "-m", "Base"]);
        oracle.git(["branch", "-f", "base"]);
        take(&oracle, "start", scene.source.path());
        oracle.git(["branch", "-f", "base"]);
        let before = lines(scene.source.path());
        edit(&mut dice, scene.copy.path(), &format!("ours {round}"));
        edit(&mut dice, scene.source.path(), &format!("theirs {round}"));
        save(&scene.copy);
        save(&scene.source);
        let (ours, theirs) = (lines(scene.copy.path()), lines(scene.source.path()));
        take(&oracle, "theirs", scene.source.path());
        take(&oracle, "ours", scene.copy.path());
        let merged = oracle.try_git(["merge", "-q", "--no-edit", "theirs"]).status == Some(0);
        let answer = scene.sync(&["one"]);
        if merged {
            clean += 1;
            assert_eq!(tree(&oracle), tree(&scene.copy), "round {round}: {answer:#}");
            let now = lines(scene.copy.path());
            let new = |side: &BTreeSet<String>| side.difference(&before).cloned().collect::<BTreeSet<_>>();
            let lost: Vec<_> =
                new(&ours).union(&new(&theirs)).filter(|line| !now.contains(*line)).cloned().collect();
            assert!(lost.is_empty(), "round {round} lost {lost:?}");
        } else {
            stopped += 1;
            oracle.git(["merge", "--abort"]);
            assert_eq!(answer["outcome"], "conflict", "round {round}: {answer:#}");
            assert_eq!(lines(scene.copy.path()), ours, "round {round}");
            let side = ["workspace", "source"][dice.below(2)];
            assert_eq!(scene.sync(&["one", "--keep", side])["outcome"], "taken", "round {round}");
        }
        let head = scene.copy.git(["rev-parse", "HEAD"]);
        let again = scene.sync(&["one"]);
        assert!(
            ["in-sync", "nothing-new"].iter().any(|word| again["outcome"] == *word),
            "round {round}: {again:#}"
        );
        assert_eq!(scene.copy.git(["rev-parse", "HEAD"]), head, "round {round}");
        scene.is_tidy();
        // Both begin the next round alike.
        std::fs::remove_dir_all(scene.source.file(DIR)).expect("removed");
        let status = std::process::Command::new("cp")
            .arg("-a")
            .arg(scene.copy.file(DIR))
            .arg(scene.source.file(DIR))
            .status();
        assert!(status.expect("cp runs").success());
        save(&scene.source);
        assert_eq!(scene.sync(&["one"])["outcome"], "in-sync", "round {round}");
    }
    assert!(clean > 0 && stopped > 0, "{clean} clean, {stopped} in conflict");
}
