//! The habits of the first metawsm's users: every command with every option that it had, in both spellings, is taken or
//! answered by a sentence that says what it means now. Each row is one line as somebody would have typed it.

use super::stage::{Stage, WORKS, plain};
use crate::kit::World;
use serde_json::json;
use std::os::unix::fs::symlink;

/// What an old line comes to.
#[derive(Debug, Clone, Copy)]
enum Now {
    /// It does what it did.
    Works,
    /// It is understood and refused for this reason, which is not how it was typed.
    Refused(&'static str),
    /// It works, and says what an option means now.
    Notes(&'static str),
    /// It is no more; the sentence says so.
    Gone(&'static str),
}

use Now::{Gone, Notes, Refused, Works};

/// Lines for a run `old-1` of the ticket `T-1` that is completed.
const LINES: [(&str, Now); 54] = [
    ("status --run-id old-1", Works),
    ("status -ticket T-1 -db .metawsm/metawsm.db", Notes("--db is not needed")),
    ("list", Works),
    ("run --ticket T-9 --repos api --dry-run --policy .metawsm/policy.json", Works),
    ("run -ticket T-9 -repos api -agent agent -base-branch main -workspace-strategy create -run-id r-9 -dry-run", Works),
    ("run --ticket T-9 --repos api --doc-repo api --doc-seed-mode none --dry-run=true", Works),
    ("run --ticket T-9 --repos api --doc-home-repo api --doc-repo api --dry-run", Works),
    ("run --ticket T-9 --repos api --doc-authority-mode workspace_active --dry-run", Works),
    ("bootstrap --ticket T-9 --repos api --goal g --scope s --done-criteria d --constraints c --merge-intent default --dry-run", Works),
    ("guide --run-id old-1 --answer yes", Refused("waits for an answer")),
    ("resume --ticket T-1", Works),
    ("stop --ticket T-1", Works),
    ("restart --ticket T-1 --dry-run", Works),
    ("iterate --ticket T-1 --feedback better --dry-run", Works),
    ("cleanup --ticket T-1 --dry-run --keep-workspaces", Works),
    ("commit --run-id old-1 --message m --actor me", Notes("--actor")),
    ("merge --ticket T-1 --dry-run --human", Notes("--human is not needed")),
    ("merge --ticket T-1 --dry-run=true --human=false", Works),
    ("close --ticket T-1 --dry-run --changelog-entry done", Works),
    ("pr --ticket T-1 --title t --body b --actor me", Gone("'pr' is no more")),
    ("auth check --ticket T-1", Gone("'auth check' is no more")),
    ("auth --run-id old-1 check", Gone("'auth check' is no more")),
    ("review sync --ticket T-1 --max-items 5 --dispatch --dry-run", Gone("'review sync' is no more")),
    ("operator --all --interval 15 --llm-mode assist --notify-cmd x", Gone("'operator' is no more")),
    ("serve --addr :3001 --worker-interval 500ms", Gone("'serve' is no more")),
    ("watch --all --interval 15 --bell=false --notify-cmd x", Gone("'watch' is not built yet")),
    ("watch --ticket T-1", Gone("'watch' is not built yet")),
    ("tui --interval 2", Gone("'tui' is not built yet")),
    ("tui --run-id old-1", Gone("'tui' is not built yet")),
    ("docs", Refused("endpoint")),
    ("docs --refresh --ticket T-1 --endpoint x", Refused("endpoint")),
    ("policy-init", Refused("exists and is not overwritten")),
    ("policy-init --path elsewhere.json", Works),
    ("policy-init -path=other.json", Works),
    ("forum ask --ticket T-1 --run-id old-1 --agent agent --title t --body b --priority high --actor-type human --actor-name kim", Works),
    ("forum ask -ticket T-1 -title t -body b", Works),
    ("forum list --ticket T-1 --run-id old-1 --state new --priority high --assignee kim --limit 5", Works),
    ("forum thread --thread-id THREAD", Works),
    ("forum assign --thread-id THREAD --assignee-type operator --assignee kim --note n --actor-type human --actor-name kim", Works),
    ("forum state --thread-id THREAD --state triaged", Works),
    ("forum priority --thread-id THREAD --priority urgent", Works),
    ("forum answer --thread-id THREAD --body 8080 --actor-type operator --actor-name kim", Works),
    ("forum close --thread-id THREAD --actor-type operator --actor-name kim", Works),
    ("forum watch --ticket T-1 --cursor 0 --limit 50", Works),
    ("forum search --query port", Notes("")),
    ("forum signal --run-id old-1 --agent-name agent --type completion --summary s", Gone("'forum signal' is no more")),
    ("forum debug --ticket T-1 --limit 5", Gone("'forum debug' is no more")),
    ("forum list --server http://127.0.0.1:3001", Notes("--server")),
    ("help", Works),
    ("--help", Works),
    ("-h", Works),
    ("close -h", Works),
    ("nonsense", Refused("Unrecognized subcommand 'nonsense'")),
    ("import --db .metawsm/metawsm.db", Refused("cannot be imported: it does not exist")),
];
