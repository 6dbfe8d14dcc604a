//! A ticket with documents in the control repository, and a run whose doc home has a copy.

use crate::cmd::stage::Stage;
use crate::kit::{Repo, World, wait_for};
use serde_json::Value;
use std::time::Duration;

/// The ticket's directory, in the source and in the doc home.
pub const DIR: &str = "ttmp/2026/01/02/ONE--the-first";

/// A list whose ends can be changed apart from each other.
pub const TEN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

/// The index document of a ticket.
pub fn index(ticket: &str) -> String {
    format!(
        "---\nTitle: The first\nTicket: {ticket}\nStatus: active\nTopics: []\nDocType: index\nIntent: long-term\n\
         Owners: []\nRelatedFiles: []\nExternalSources: []\nSummary: \"\"\nLastUpdated: 2026-01-02T03:04:05Z\n---\n\n\
         # The first\n\nBody.\n"
    )
}

/// Which repository is the doc home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The control repository itself.
    Control,
    /// Another repository.
    Other,
}

/// The run `one` on the ticket `ONE`, whose documents are an index and a list.
pub struct Scene {
    pub stage: Stage,
    /// The control repository, on `main`.
    pub source: Repo,
    /// The doc home's worktree of the run.
    pub copy: Repo,
}

impl Scene {
    pub fn new(home: Home) -> Self {
        Self::of(World::new(), home, &|_| {})
    }

    /// A scene in a world of one's own; `prepare` is done in the control repository before the run.
    pub fn of(world: World, home: Home, prepare: &dyn Fn(&Repo)) -> Self {
        let stage = Stage::of(world, "true");
        let source = stage.repo.clone();
        source.write(&format!("{DIR}/index.md"), &index("ONE"));
        source.write(&format!("{DIR}/list.md"), TEN);
        source.git(["add", "ttmp"]);
        source.git(["commit", "-q", "-m", "Documents"]);
        prepare(&source);
        let web = stage.world.repo("web");
        let path = web.path().to_str().expect("text").to_owned();
        let home = if home == Home::Other { "web" } else { "api" };
        let repos = format!("{},{path}", source.path().display());
        stage
            .run(&["run", "--ticket", "ONE", "--repos", &repos, "--doc-home-repo", home, "--run-id", "one"])
            .ok();
        stage.wait_for_end("one");
        let copy = source.seen_from(tree_of(&stage, "one", "ONE", home));
        assert_eq!(copy.read(&format!("{DIR}/list.md")), TEN, "the documents were seeded");
        Self { stage, source, copy }
    }

    /// Commits a file of the source's documents.
    pub fn edit_source(&self, file: &str, text: &str) {
        self.source.commit(&format!("{DIR}/{file}"), text);
    }

    /// Commits a file of the workspace copy.
    pub fn edit_copy(&self, file: &str, text: &str) {
        self.copy.commit(&format!("{DIR}/{file}"), text);
    }

    /// A file of the workspace copy; `None` where it is not there.
    pub fn in_copy(&self, file: &str) -> Option<String> {
        std::fs::read(self.copy.file(&format!("{DIR}/{file}")))
            .ok()
            .map(|b| String::from_utf8_lossy(&b).into_owned())
    }

    /// `docs sync` with these words, as JSON: what came of the only ticket.
    #[track_caller]
    pub fn sync(&self, words: &[&str]) -> Value {
        let output = self.stage.run(&[&["docs", "sync", "--json"], words].concat()).output();
        let answer = crate::cmd::stage::answer(&output);
        let ticket = answer["tickets"][0].clone();
        assert!(!ticket.is_null(), "no ticket: {output}");
        let bad = ["conflict", "refused"].iter().any(|word| ticket["outcome"] == *word);
        assert_eq!(output.status, Some(i32::from(bad)), "{output}");
        ticket
    }

    /// Requires that `docs sync` comes to this.
    #[track_caller]
    pub fn syncs_to(&self, outcome: &str) -> Value {
        let ticket = self.sync(&["one"]);
        assert_eq!(ticket["outcome"], outcome, "{ticket:#}");
        ticket
    }

    /// What is known of the ticket: the record's fields by name.
    pub fn record(&self) -> toml::Table {
        let path = self.stage.repo.common_dir().join("metawsm/runs/one/docs/ONE.toml");
        std::fs::read_to_string(path).expect("a record").parse().expect("TOML")
    }

    /// Requires that nothing of the copy is uncommitted, and that nothing of a sync is left over.
    #[track_caller]
    pub fn is_tidy(&self) {
        assert_eq!(self.copy.git(["status", "--porcelain"]), "");
        assert_eq!(self.copy.git(["stash", "list"]), "");
        let orders = self.stage.repo.common_dir().join("metawsm/runs/one/docs-orders/ONE.toml");
        assert!(!orders.exists(), "an order is left");
    }
}

/// The worktree of a repository in the workspace of a run's ticket.
pub fn tree_of(stage: &Stage, run: &str, ticket: &str, repo: &str) -> String {
    wait_for("the run has worktrees", Duration::from_secs(20), || {
        let answer = stage.json(&["status", "--no-ingest", run]);
        let trees = answer["runs"][0]["worktrees"].as_array().cloned().unwrap_or_default();
        let tree = trees.into_iter().find(|tree| tree["repo"] == repo && tree["ticket"] == ticket)?;
        tree["path"].as_str().map(str::to_owned)
    })
}

/// Where the documents of a ticket lie in [`run_on_three_tickets`].
pub fn dir_of(ticket: &str) -> String {
    format!("ttmp/2026/01/02/{ticket}--x")
}

/// The ended run `one` on the tickets A-1, B-2 and C-3, whose documents its only repository keeps.
pub fn run_on_three_tickets() -> Stage {
    let stage = Stage::with("true");
    for ticket in ["A-1", "B-2", "C-3"] {
        stage.repo.write(&format!("{}/index.md", dir_of(ticket)), &index(ticket));
        stage.repo.write(&format!("{}/list.md", dir_of(ticket)), TEN);
    }
    stage.repo.git(["add", "ttmp"]);
    stage.repo.git(["commit", "-q", "-m", "Documents"]);
    stage.run(&["run", "--ticket", "A-1,B-2,C-3", "--run-id", "one"]).ok();
    stage.wait_for_end("one");
    stage
}
