//! The page of the policy's keys, from the schema.

use super::roff::Page;
use crate::policy::{GATES, KeyWords, explained};

const ABOUT: &str = "\
The policy says how runs are laid out, what a close demands, and which programs are started. It is .metawsm/policy.json or \
.metawsm/policy.toml in the control repository, and nothing else: both at once are an error. Without a file the defaults \
hold. An unknown key is an error that names the nearest known one.

Later layers win: the defaults, the file, this user's git config (metawsm.agent, metawsm.workspace.root, \
metawsm.sessions.backend, metawsm.notify.command, metawsm.color), the flags of a command.

A run keeps the policy that it was planned under. Its gates are judged under the stricter of that one and the one in base's \
tree, so that no branch can loosen its own rules; 'git metawsm policy apply' gives a run the present one. Keys that start \
programs are asked for once per content and user, by 'git metawsm policy trust'.";

const EXAMPLE: &str = "\
version = 2

[close.gates]
docs-fresh = \"block\"

[git_pr]
test_commands = { \"*\" = [[\"make\", \"check\"]] }";

/// The page.
pub(super) fn page() -> (String, String) {
    let mut page = Page::new("git-metawsm-policy", 5);
    page.name("git-metawsm-policy", "what runs may do, and what a close demands");
    page.heading("DESCRIPTION");
    page.paragraphs(ABOUT);
    page.heading("KEYS");
    let mut section = String::new();
    for key in explained() {
        let (above, name) = split(&key.key);
        if above != section {
            section = above;
            page.below(if section.is_empty() { "At the top" } else { &section });
        }
        item(&mut page, &key, &name);
    }
    page.heading("GATES");
    page.paragraphs("What close.gates and close.never_waive know, each with its usual level; 'git metawsm check' judges them all.");
    for (gate, level) in GATES {
        page.item(gate, level.as_str());
    }
    page.heading("EXAMPLES");
    page.verbatim(EXAMPLE);
    page.heading("SEE ALSO");
    let others =
        ["git-metawsm(1)", "git-metawsm-policy(1)", "git-metawsm-policy-init(1)", "git-metawsm-records(5)"];
    page.references(&others.map(str::to_owned));
    ("git-metawsm-policy.5".to_owned(), page.text())
}

/// The table that a key stands in, and its name there.
fn split(key: &str) -> (String, String) {
    let (above, name) = key.rsplit_once('.').unwrap_or(("", key));
    (above.to_owned(), name.to_owned())
}

fn item(page: &mut Page, key: &KeyWords, name: &str) {
    page.item(name, &key.what);
    let mut kind = format!("Takes {}", key.kind);
    if !key.allowed.is_empty() {
        kind = format!("{kind}: {}", key.allowed);
    }
    page.aside(&format!("{kind}."), "");
    if let Some(default) = &key.default {
        page.aside("Default: ", default);
    }
    if let Some(example) = &key.example {
        page.aside("Example: ", &format!("{name} = {example}"));
    }
    if !key.is_used {
        page.aside("Accepted, and without effect so far.", "");
    }
}
