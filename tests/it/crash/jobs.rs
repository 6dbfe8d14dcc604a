//! The commands that are struck, and how each is finished afterwards.

use super::scene::{IDLES, Scene, TICKET, WORKS};
use super::strikes::Job;
use crate::kit::Repo;
use std::path::PathBuf;

pub fn run() -> Job {
    Job {
        name: "run",
        args: &["run", "--ticket", TICKET, "--create", "Do it"],
        scene: Scene::new(WORKS).saved(),
        samples: [32, 8, 8],
        finish: |scene| {
            match scene.find(TICKET) {
                None => scene.metawsm(["run", "--ticket", TICKET, "--create", "Do it"]).ok(),
                Some(run) if run["state"] == "completed" => scene.metawsm(["status"]).ok(),
                Some(_) => scene.metawsm(["resume", TICKET]).ok(),
            };
            scene.wait_for_state(TICKET, "completed");
            let tree = scene.app.seen_from(scene.worktree());
            assert_eq!(tree.git(["status", "--porcelain"]), "", "the worktree is complete and clean");
            assert_eq!(tree.read("WORK.txt"), "work\n", "the agent worked once");
            assert_eq!(tree.read(".env"), "SECRET=1\n", "the ignored file was copied");
            scene.metawsm(["check", TICKET]).ok();
        },
    }
}

pub fn bootstrap() -> Job {
    const WORDS: [&str; 7] =
        ["bootstrap", "--ticket", TICKET, "--goal", "Do it", "--done", "WORK.txt is there"];
    Job {
        name: "bootstrap",
        args: &WORDS,
        scene: Scene::new(WORKS).saved(),
        samples: [16, 4, 4],
        finish: |scene| {
            match scene.find(TICKET) {
                None => scene.metawsm(WORDS).ok(),
                Some(_) => scene.metawsm(["resume", TICKET]).ok(),
            };
            scene.wait_until_quiet();
            let tree = scene.app.seen_from(scene.worktree());
            assert_eq!(tree.git(["status", "--porcelain"]), "", "the worktree is complete and clean");
            assert_eq!(tree.read("WORK.txt"), "work\n", "the agent worked once");
            let briefs = tree.git(["ls-files", "ttmp/*/reference/*"]);
            assert_eq!(briefs.lines().count(), 1, "one brief: {briefs}");
            let before = tree.git(["log", "--format=%s", "--", &briefs]);
            assert_eq!(before.lines().count(), 1, "committed once: {before}");
            let order = tree.git(["log", "--format=%s", "-2"]);
            assert!(order.starts_with("The work of the agent\nAdd 'Bootstrap brief"), "{order}");
        },
    }
}

pub fn complete() -> Job {
    Job {
        name: "complete",
        args: &["complete", TICKET, "--reason", "It is good enough"],
        scene: Scene::new(IDLES).with_run().saved(),
        samples: [8, 3, 3],
        finish: |scene| {
            scene.metawsm(["complete", TICKET, "--reason", "It is good enough"]).ok();
            let run = scene.find(TICKET).expect("it is there");
            assert_eq!((&run["state"], &run["reason"]), (&"completed".into(), &"It is good enough".into()));
            let said = |line: &&serde_json::Value| line["state"] == "completed";
            let id = scene.id(TICKET);
            assert_eq!(scene.journal(&id).iter().filter(said).count(), 1, "the journal says it once");
        },
    }
}

pub fn stop() -> Job {
    Job {
        name: "stop",
        args: &["stop", TICKET],
        scene: Scene::new(IDLES).with_run().saved(),
        samples: [8, 3, 3],
        finish: |scene| {
            scene.metawsm(["stop", TICKET]).ok();
            assert_eq!(scene.state(TICKET), "stopped");
        },
    }
}

pub fn policy_apply() -> Job {
    let scene = Scene::new(IDLES).with_run();
    scene.say_policy(r#""execution":{"step_retries":3},"#);
    scene.metawsm(["policy", "trust"]).ok();
    Job {
        name: "policy-apply",
        args: &["policy", "apply", TICKET],
        scene: scene.saved(),
        samples: [6, 2, 2],
        finish: |scene| {
            scene.metawsm(["policy", "apply", TICKET]).ok();
            let record = scene.live().join("runs").join(scene.id(TICKET)).join("run.toml");
            let record = std::fs::read_to_string(record).expect("the record");
            assert!(record.contains("step_retries = 3"), "{record}");
        },
    }
}

pub fn commit() -> Job {
    let scene = Scene::new(IDLES).with_run();
    let tree = scene.app.seen_from(scene.worktree());
    tree.write("precious.txt", "work of hours\n");
    tree.write("README.md", "changed\n");
    Job {
        name: "commit",
        args: &["commit", TICKET, "-m", "Keep it"],
        scene: scene.saved(),
        samples: [8, 3, 3],
        finish: |scene| {
            scene.metawsm(["commit", TICKET, "-m", "Keep it"]).ok();
            let tree = scene.app.seen_from(scene.worktree());
            assert_eq!(tree.git(["status", "--porcelain"]), "");
            assert_eq!(tree.git(["show", "HEAD:precious.txt"]), "work of hours");
            let count = tree.git(["rev-list", "--count", "--grep=Keep it", "HEAD"]);
            assert_eq!(count, "1", "committed once");
        },
    }
}

pub fn docs_sync() -> Job {
    const LIST: &str = "ttmp/2026/01/02/T-1--it/list.md";
    let scene = Scene::new(IDLES);
    scene.app.write("ttmp/2026/01/02/T-1--it/index.md", "---\nTitle: It\nTicket: T-1\n---\n");
    scene.app.write(LIST, "1\n2\n3\n4\n5\n6\n");
    scene.app.git(["add", "ttmp"]);
    scene.app.git(["commit", "-q", "-m", "Documents"]);
    let scene = scene.with_run();
    let tree = scene.app.seen_from(scene.worktree());
    tree.commit(LIST, "1\nours\n3\n4\n5\n6\n");
    tree.write("precious.txt", "work of hours\n");
    scene.app.commit(LIST, "1\n2\n3\n4\ntheirs\n6\n");
    scene.app.commit("ttmp/2026/01/02/T-1--it/new.md", "new\n");
    Job {
        name: "docs-sync",
        args: &["docs", "sync", TICKET],
        scene: scene.saved(),
        samples: [16, 4, 4],
        finish: |scene| {
            scene.metawsm(["docs", "sync", TICKET]).ok();
            let tree = scene.app.seen_from(scene.worktree());
            assert_eq!(tree.git(["status", "--porcelain"]), "?? precious.txt");
            assert_eq!(tree.read("precious.txt"), "work of hours\n");
            assert_eq!(tree.read(LIST), "1\nours\n3\n4\ntheirs\n6\n");
            let count = tree.git(["rev-list", "--count", "--grep=Take the changes", "HEAD"]);
            assert_eq!(count, "1", "committed once");
            let again = scene.metawsm(["docs", "sync", TICKET, "--json"]).ok().json();
            assert_eq!(again["tickets"][0]["outcome"], "nothing-new", "{again}");
        },
    }
}

pub fn discard() -> Job {
    let scene = Scene::new(WORKS).with_run();
    let tree = scene.app.seen_from(scene.worktree());
    tree.write("precious.txt", "work of hours\n");
    tree.write("WORK.txt", "work\nand an edit\n");
    Job {
        name: "discard",
        args: &["discard", TICKET, "--reason", "Not wanted"],
        scene: scene.saved(),
        samples: [20, 6, 6],
        finish: |scene| {
            let dir = scene.worktree();
            scene.metawsm(["discard", TICKET, "--reason", "Not wanted"]).ok();
            assert_eq!(scene.state(TICKET), "discarded");
            assert!(!dir.exists(), "{} is still there", dir.display());
            require_no_trace(scene);
            require_rescued(&scene.app, "precious.txt", "work of hours");
            require_rescued(&scene.app, "WORK.txt", "work\nand an edit");
            let refs = scene.app.git(["log", "--format=%s", "--glob=refs/metawsm/rescue"]);
            assert!(refs.contains("The work of the agent"), "{refs}");
        },
    }
}

/// Neither worktree, branch nor entry of the run is left in the repository.
fn require_no_trace(scene: &Scene) {
    let worktrees = scene.app.git(["worktree", "list", "--porcelain"]);
    assert!(!worktrees.contains("task/t-1"), "{worktrees}");
    assert_eq!(scene.app.rev("refs/heads/task/t-1"), None, "its branch is gone");
    let id = scene.id(TICKET);
    assert!(!scene.live().join("open").join(&id).exists(), "{id} is still entered");
}

fn require_rescued(repo: &Repo, file: &str, text: &str) {
    let refs = repo.git(["for-each-ref", "--format=%(refname)", "refs/metawsm/rescue"]);
    let holds = |name: &str| repo.try_git(["show", &format!("{name}:{file}")]).stdout.trim_end() == text;
    assert!(refs.lines().any(holds), "no rescue ref holds {file}: {refs:?}");
}

pub fn close() -> Job {
    Job {
        name: "close",
        args: &["close", TICKET],
        scene: Scene::new(WORKS).with_run().saved(),
        samples: [20, 6, 6],
        finish: |scene| {
            if scene.metawsm(["close", TICKET]).status != Some(0) {
                scene.metawsm(["status", TICKET]).ok().says("git metawsm close --continue");
                scene.metawsm(["close", "--continue", TICKET]).ok();
            }
            assert_eq!(scene.state(TICKET), "closed");
            assert_eq!(scene.app.git(["status", "--porcelain"]), "", "nothing foreign is staged");
            assert_eq!(scene.app.read("WORK.txt"), "work\n");
            let log = scene.app.git(["log", "--format=%(trailers:key=Metawsm-Merged,valueonly)", "--merges"]);
            let id = scene.id(TICKET);
            assert_eq!(log.lines().filter(|line| *line == id).count(), 1, "merged once: {log:?}");
            let published = scene.app.git(["ls-tree", "-r", "--name-only", "HEAD", ".metawsm/runs"]);
            assert!(published.contains(&id), "{published}");
            assert!(!scene.live().join("open").join(&id).exists(), "{id} is still entered");
        },
    }
}

pub fn cleanup() -> Job {
    let scene = Scene::new(WORKS).with_run();
    scene.metawsm(["close", TICKET]).ok();
    Job {
        name: "cleanup",
        args: &["cleanup", TICKET],
        scene: scene.saved(),
        samples: [8, 3, 3],
        finish: |scene| {
            let dir = scene.worktree();
            scene.metawsm(["cleanup", TICKET]).ok();
            assert_eq!(scene.state(TICKET), "closed");
            assert!(!dir.exists(), "{} is still there", dir.display());
            require_no_trace(scene);
        },
    }
}

/// A thread in which somebody asked, in the scene of the runs.
fn with_thread(scene: Scene) -> Scene {
    scene.metawsm(["forum", "ask", "--project", "--title", "Kept", "--body", "What must not be lost"]).ok();
    scene
}

pub fn forum_ask() -> Job {
    Job {
        name: "forum-ask",
        args: &["forum", "ask", "--project", "--title", "Asked", "--body", "Which one?"],
        scene: with_thread(Scene::new(IDLES)).saved(),
        samples: [10, 5, 5],
        finish: |scene| {
            scene.metawsm(["forum", "ask", "--project", "--title", "Asked", "--body", "Which one?"]).ok();
            let threads = scene.threads();
            let titled = |title: &str| threads.iter().filter(|t| t["title"] == title).count();
            assert!(titled("Kept") == 1 && titled("Asked") >= 1 && titled("Asked") <= 2, "{threads:?}");
        },
    }
}

pub fn publish_threads() -> Job {
    let scene = Scene::new(IDLES);
    scene.metawsm(["publish"]).ok();
    Job {
        name: "publish-threads",
        args: &["publish"],
        scene: with_thread(scene).saved(),
        samples: [16, 6, 6],
        finish: |scene| {
            scene.metawsm(["publish"]).ok();
            let titled = |t: &serde_json::Value| t["title"] == "Kept" && t["superseded"] == 0;
            assert!(scene.threads().iter().any(titled), "{:?}", scene.threads());
            let published = scene.app.git(["ls-tree", "-r", "--name-only", "HEAD", ".metawsm/forum"]);
            assert_eq!(published.lines().count(), 1, "{published}");
            assert_eq!(scene.app.git(["status", "--porcelain"]), "", "nothing foreign is staged");
            let log = scene.app.git(["log", "--format=%s", "--", ".metawsm/forum"]);
            assert_eq!(log, "Record 1 forum event of 1 thread", "once");
            assert!(!scene.live().join("publication.toml").exists(), "nothing is under way");
        },
    }
}

pub fn forum_answer() -> Job {
    let scene = with_thread(Scene::new(IDLES));
    let id = scene.threads()[0]["id"].as_str().expect("an id").to_owned();
    let args: Vec<&'static str> = vec!["forum", "answer", id.leak(), "--body", "This one."];
    Job {
        name: "forum-answer",
        args: args.leak(),
        scene: scene.saved(),
        samples: [10, 5, 5],
        finish: |scene| {
            let id = scene.threads()[0]["id"].as_str().expect("an id").to_owned();
            scene.metawsm(["forum", "answer", &id, "--body", "This one."]).ok();
            let thread = scene.threads()[0].clone();
            let posts = thread["posts"].as_u64().expect("a number");
            assert_eq!((&thread["state"], &thread["superseded"]), (&"answered".into(), &0.into()));
            assert!((2..=3).contains(&posts), "{thread}");
        },
    }
}

pub fn signals() -> Job {
    let scene = Scene::new(IDLES).with_run();
    let tree = scene.worktree();
    let workspace = tree.parent().expect("a workspace").join(".metawsm");
    std::fs::create_dir_all(tree.join(".metawsm")).expect("a folder");
    let put = |path: PathBuf, text: &str| std::fs::write(path, text).expect("written");
    put(workspace.join("guidance-request.json"), r#"{"question": "Which one?", "context": "Of two."}"#);
    put(tree.join(".metawsm/guidance-request-writer.json"), r#"{"question": "And then?"}"#);
    put(workspace.join("validation-result.json"), r#"{"status": "failed", "summary": "not yet"}"#);
    put(tree.join(".metawsm/implementation-complete.json"), r#"{"summary": "all of it"}"#);
    Job {
        name: "signals",
        args: &["status", TICKET],
        scene: scene.saved(),
        samples: [24, 6, 6],
        finish: |scene| {
            scene.metawsm(["status", TICKET]).ok();
            let asked = |title: &str| scene.threads().iter().filter(|t| t["title"] == title).count();
            assert_eq!((asked("Which one?"), asked("And then?")), (1, 1), "each was asked once");
            let view = scene.metawsm(["status", TICKET, "--json"]).ok().json()["runs"][0].clone();
            assert_eq!(view["state"], "awaiting_guidance", "{view:#}");
            assert_eq!(view["guidance"].as_array().map(Vec::len), Some(2), "{view:#}");
            assert_eq!(view["agents"][0]["completed"], "all of it");
            assert_eq!(view["agents"][0]["validation"]["summary"], "not yet");
            let tree = scene.worktree();
            let mut seen = 0;
            for root in [tree.parent().expect("a workspace").join(".metawsm"), tree.join(".metawsm")] {
                let names = |dir: &std::path::Path| -> Vec<String> {
                    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
                    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
                };
                let live =
                    names(&root).into_iter().filter(|n| git_metawsm::model::SignalKind::of_file(n).is_some());
                assert_eq!(live.collect::<Vec<_>>(), Vec::<String>::new(), "all were put away");
                seen += names(&root.join("seen")).len();
            }
            assert_eq!(seen, 4, "and nothing is lost");
        },
    }
}
