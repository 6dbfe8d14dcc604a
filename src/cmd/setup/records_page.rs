//! The page of the records: every file that git metawsm keeps or exchanges, and every field in it.

use super::roff::Page;

type Fields = &'static [(&'static str, &'static str)];

/// A kind of file.
pub(super) struct Record {
    /// What it is.
    pub heading: &'static str,
    /// Where it lies and what it is for.
    pub about: &'static str,
    /// Its fields, dotted; `[]` stands for the entries of a list.
    pub fields: Fields,
}

const ABOUT: &str = "\
Every decision is a small file. Those of open runs are live: they lie in <git common dir>/metawsm of the control repository, \
where no checkout, clean or stash reaches them. Those of closed runs are published: committed below .metawsm/ on base, never \
changed afterwards, without absolute paths. TOML is for people, JSON for programs.

Each record begins with its format and kind. Older formats are read for ever; newer ones are read where possible and never \
written. The index (index.db) holds nothing of its own: it may vanish at any time.";

const RUN: Record = Record {
    heading: "run.toml",
    about: "The run. Live in <git common dir>/metawsm/runs/<run>/run.toml, replaced whole at each step; published in \
            .metawsm/runs/<yyyy-mm>/<run>.toml, without the fields that name places of one machine.",
    fields: &[
        ("format", "Version of the file, 4."),
        ("kind", "Always run."),
        ("id", "The run's id."),
        (
            "state",
            "created, planning, running, awaiting_guidance, paused, stopping, stopped, failed, completed, closing, closed or discarded.",
        ),
        ("reason", "Why it took that state."),
        ("created", "When it was made."),
        ("changed", "When its state last changed."),
        ("actor", "Who made it."),
        ("mode", "standard, or bootstrap: with a brief that the result is validated against."),
        ("strategy", "How workspaces came about: create, fork or reuse."),
        ("from", "The workspace or run that was forked or reused."),
        ("doc_home", "The repository that holds the tickets' documents."),
        ("doc_authority", "Which copy of the documents is the truth."),
        ("doc_seed", "How documents came into the doc home."),
        ("brief.goal", "What is to be done."),
        ("brief.scope", "Where."),
        ("brief.done_criteria", "When it is done."),
        ("brief.constraints", "What must not happen."),
        ("brief.merge_intent", "How it is to come in."),
        ("tickets[].id", "The ticket."),
        ("tickets[].title", "Its title."),
        ("tickets[].workspace", "The name of its workspace."),
        ("tickets[].path", "Where the workspace lies; live only."),
        ("tickets[].docs", "Its directory of documents, from the top of the doc home."),
        ("tickets[].revision", "The git tree id of that directory when the run was decided."),
        ("tickets[].made_by_us", "Whether the run made the ticket."),
        ("repos[].name", "A repository that takes part."),
        ("repos[].path", "A checkout of it; live only."),
        ("repos[].common_dir", "Its git common directory; live only."),
        ("repos[].base", "The branch that work starts from and returns to."),
        ("repos[].base_id", "The commit of it that work started from."),
        ("repos[].base_note", "What was to say about that choice."),
        ("worktrees[].ticket", "The ticket whose workspace the worktree is in."),
        ("worktrees[].repo", "Its repository."),
        ("worktrees[].path", "Where it lies; live only."),
        ("worktrees[].branch", "Its branch."),
        ("worktrees[].base_id", "Where the branch was made; live only."),
        ("worktrees[].start", "Its head once the workspace was ready; later commits are work."),
        ("worktrees[].branch_is_ours", "Whether the run made the branch."),
        ("agents[].ticket", "The ticket that an agent works on."),
        ("agents[].name", "The agent's role."),
        ("agents[].profile", "Its profile."),
        ("agents[].runner", "Its program."),
        ("agents[].session", "The name of its session."),
        ("agents[].starts", "How often it was started."),
        ("agents[].completed", "What it said when it signalled completion."),
        ("agents[].conversation", "Its conversation, to be continued; live only."),
        ("agents[].heard", "How many rounds of feedback it was given; live only."),
        ("agents[].live.backend", "Where it runs: tmux or process; live only."),
        ("agents[].live.id", "The session there."),
        ("agents[].live.pane", "The pane there."),
        ("agents[].live.token", "The token by which its processes are found."),
        ("agents[].live.process.pid", "The wrapper's process."),
        ("agents[].live.process.start", "When that process started, in ticks since boot."),
        ("agents[].validation.status", "passed or failed, by the agent's own word."),
        ("agents[].validation.at", "When it said so."),
        ("agents[].validation.brief_id", "The brief that it named."),
        ("agents[].validation.done_criteria", "The done criteria that it named."),
        ("agents[].validation.summary", "What it said besides."),
        ("guidance[].thread", "The thread of a question."),
        ("guidance[].ticket", "Its ticket."),
        ("guidance[].agent", "Who asked."),
        ("guidance[].question", "What."),
        ("guidance[].asked", "When."),
        ("guidance[].from_doc_home", "Whether the signal lay in the doc home."),
        ("guidance[].file", "The hash of the signal file; live only."),
        ("guidance[].answered", "When it was answered."),
        ("guidance[].delivered", "How the answer reached the agent."),
        ("feedback[].at", "When somebody said what is still to be done."),
        ("feedback[].actor", "Who."),
        ("feedback[].text", "What."),
        ("steps[].kind", "A step of the plan; live only, as are the other fields of steps."),
        ("steps[].ticket", "Its ticket."),
        ("steps[].repo", "Its repository."),
        ("steps[].agent", "Its agent."),
        ("steps[].state", "pending, running, done, failed or skipped."),
        ("steps[].attempts", "How often it was tried."),
        ("steps[].error", "Why it failed."),
        ("steps[].child.pid", "The process that was at it."),
        ("steps[].child.start", "When that process started."),
        ("merges[].at", "When a merge of ours came into base; live only, as are the other fields of merges."),
        ("merges[].ticket", "Its ticket."),
        ("merges[].repo", "Its repository."),
        ("merges[].base", "The branch merged into."),
        ("merges[].head", "The head that was merged."),
        ("merges[].commit", "The merge commit."),
        ("landed[].at", "When somebody said that a commit holds the work already."),
        ("landed[].actor", "Who."),
        ("landed[].repo", "The repository."),
        ("landed[].head", "The head that it holds."),
        ("landed[].commit", "The commit."),
        (
            "checks[].repo",
            "The last result of a check: the repository; live only, as are the other fields of checks.",
        ),
        ("checks[].tree", "The tree that was checked."),
        ("checks[].command", "The command."),
        ("checks[].status", "Its exit status."),
        ("checks[].policy", "The hash of the policy that named it."),
        ("checks[].at", "When it ran."),
        ("bypasses[].id", "A move around the hooks: its id."),
        ("bypasses[].at", "When it was found."),
        ("bypasses[].repo", "The repository."),
        ("bypasses[].base", "The branch that moved."),
        ("bypasses[].old", "Where it was."),
        ("bypasses[].new", "Where it was then."),
        ("bypasses[].what", "What was found."),
        ("bypasses[].reason", "Why it may stand."),
        ("bypasses[].actor", "Who said so."),
        ("receipt.at", "What the close did and why it was allowed: when."),
        ("receipt.actor", "Who closed."),
        ("receipt.policy_hash", "The hash of the policy that was judged by."),
        ("receipt.journal_hash", "The hash of the journal's last line."),
        ("receipt.repos[].repo", "A repository."),
        ("receipt.repos[].base", "Its base."),
        ("receipt.repos[].old", "Where base was."),
        ("receipt.repos[].new", "Where the close brought it."),
        ("receipt.repos[].heads", "The heads that it brought in."),
        ("receipt.repos[].merges", "The merge commits."),
        ("receipt.gates[].gate", "A gate."),
        ("receipt.gates[].verdict", "What it said: pass, warn, waived or off."),
        ("receipt.gates[].judge", "Who judged: git2, git or us."),
        ("receipt.gates[].note", "What it noted, such as the reason of a waiver."),
        ("receipt.checks[].repo", "A check that counted: its repository."),
        ("receipt.checks[].tree", "The tree that was checked."),
        ("receipt.checks[].command", "The command."),
        ("receipt.checks[].status", "Its exit status."),
        ("receipt.checks[].policy", "The hash of the policy that named it."),
        ("receipt.checks[].at", "When it ran."),
        ("policy", "The policy that the run was planned under, see git-metawsm-policy(5); live only."),
    ],
};

const JOURNAL: Record = Record {
    heading: "journal.jsonl",
    about: "What happened in a run, a JSON object a line: <git common dir>/metawsm/runs/<run>/journal.jsonl. Only ever added \
            to; each line carries the hash of the one before, so that a change shows.",
    fields: &[
        ("seq", "The line's number, from 1."),
        ("at", "When it happened."),
        ("actor", "Who did it."),
        ("event", "What happened, one word."),
        ("text", "What a person should know of it."),
        ("state", "The state that the run took, where it took one."),
        ("prev", "SHA-256 of the line before, without its line feed."),
    ],
};

const DOCS: Record = Record {
    heading: "docs/<ticket>.toml",
    about: "What is known of the two copies of a ticket's documents, in the run's live directory.",
    fields: &[
        ("format", "Version of the file, 1."),
        ("kind", "Always docs."),
        ("ticket", "The ticket."),
        ("repo", "The doc home."),
        ("dir", "The ticket's directory there."),
        ("source", "The same in the control repository."),
        ("state", "How the last look or copy ended."),
        ("base", "The tree id that both copies last agreed on."),
        ("revision", "The tree id of the workspace copy then."),
        ("at", "When."),
        ("error", "Why it failed."),
    ],
};

const EVENT: Record = Record {
    heading: "Forum events",
    about: "One immutable file an event: forum/<yyyy-mm>/<thread>/<event>.toml, live and published alike. A thread is what its \
            events come to, ordered by lamport and id; the event's name is made from its content.",
    fields: &[
        ("format", "Version of the file, 1."),
        ("kind", "Always forum-event."),
        ("thread", "The thread."),
        ("event", "opened, posted, answered, assigned, state_changed, priority_changed or closed."),
        ("lamport", "Its number: larger than that of all events its author had seen."),
        ("at", "When, by the author's clock."),
        ("nonce", "What makes two equal events two."),
        ("actor_type", "human, agent, operator or system."),
        ("actor", "Who."),
        ("run", "The run that the thread is about."),
        ("ticket", "The ticket."),
        ("agent", "The agent."),
        ("thread_kind", "What the thread is for."),
        ("priority", "low, normal, high or urgent."),
        ("state", "The thread's new state."),
        ("assignee_type", "What sort of somebody looks after it."),
        ("assignee", "Who looks after it."),
        ("note", "Why."),
        ("title", "The thread's title."),
        ("body", "What is said."),
    ],
};

const OPEN: Record = Record {
    heading: "open/<run>",
    about: "A run's part in a repository, for that repository's hooks: <git common dir>/metawsm/open/<run> of every repository \
            that takes part. Beside it lie roots and bases, one name a line.",
    fields: &[
        ("format", "Version of the file, 1."),
        ("kind", "Always open."),
        ("run", "The run."),
        ("root", "The control repository."),
        ("base", "The branch merged into."),
        ("branches", "The run's branches here."),
        ("worktrees", "Their worktrees, in the same order."),
        ("starts", "Their heads once the workspace was ready, in the same order."),
    ],
};

const SIGNALS: Record = Record {
    heading: "Signal files",
    about: "JSON files by which agents speak, in <workspace>/.metawsm/ or <workspace>/<doc home>/.metawsm/: \
            guidance-request.json, implementation-complete.json and validation-result.json, with -<agent> before .json where \
            several agents share the place. The answer to a question is guidance-response.json. A file that was taken moves to \
            seen/. 'git metawsm signal' writes them correctly.",
    fields: &[
        ("run_id", "The run; without it, the one of the workspace."),
        ("agent", "Who speaks; without it, the only agent of the workspace."),
        ("ticket", "The ticket, where several share the place."),
        ("timestamp, created_at", "Accepted, and not looked at."),
        ("question", "guidance-request: what is asked."),
        ("context", "guidance-request: what helps to answer it."),
        ("summary", "implementation-complete, validation-result: what was done."),
        (
            "status",
            "validation-result: passed or failed. implementation-complete: done, where it stands there.",
        ),
        ("done_criteria", "validation-result: the criteria that were looked at; this or brief_id."),
        ("brief_id", "validation-result: the brief that was looked at."),
        ("guidance_id", "guidance-response: the thread of the question."),
        ("answer", "guidance-response: the answer."),
        ("answered_at", "guidance-response: when."),
    ],
};

/// All of them.
pub(super) const RECORDS: [&Record; 6] = [&RUN, &JOURNAL, &DOCS, &EVENT, &OPEN, &SIGNALS];

/// The page.
pub(super) fn page() -> (String, String) {
    let mut page = Page::new("git-metawsm-records", 5);
    page.name("git-metawsm-records", "the files of git metawsm, and what stands in them");
    page.heading("DESCRIPTION");
    page.paragraphs(ABOUT);
    page.heading("RECORDS");
    for record in RECORDS {
        page.below(record.heading);
        page.paragraphs(record.about);
        record.fields.iter().for_each(|(field, what)| page.item(field, what));
    }
    page.heading("SEE ALSO");
    let others = [
        "git-metawsm(1)",
        "git-metawsm-log(1)",
        "git-metawsm-publish(1)",
        "git-metawsm-doctor(1)",
        "git-metawsm-signal(1)",
        "git-metawsm-policy(5)",
    ];
    page.references(&others.map(str::to_owned));
    ("git-metawsm-records.5".to_owned(), page.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn collect(value: &toml::Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                    // The policy has a page of its own.
                    if at == "policy" {
                        found.insert(at);
                    } else {
                        collect(value, &at, found);
                    }
                }
            }
            toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
                for item in items {
                    collect(item, &format!("{at}[]"), found);
                }
            }
            _ => {
                found.insert(at.to_owned());
            }
        }
    }

    fn in_files(texts: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for text in texts {
            collect(&toml::Value::Table(text.parse().expect("a frozen record")), "", &mut found);
        }
        found
    }

    fn told(record: &Record) -> BTreeSet<String> {
        record.fields.iter().flat_map(|(field, _)| field.split(", ")).map(str::to_owned).collect()
    }

    #[test]
    fn the_run_is_told_as_it_is_frozen() {
        let files = [
            include_str!("../../../fixtures/store/v4/run.toml"),
            include_str!("../../../fixtures/store/v4/published.toml"),
        ];
        assert_eq!(told(&RUN), in_files(&files));
        assert!(files[0].contains(&format!("format = {}\n", crate::model::RECORD_FORMAT)), "a newer format");
        for state in crate::model::RunState::ALL {
            let (_, states) = RUN.fields[3];
            assert!(states.split([',', ' ', '.']).any(|word| word == state.as_str()), "{state}");
        }
    }

    #[test]
    fn entries_and_events_are_told_as_they_are_frozen() {
        assert_eq!(told(&OPEN), in_files(&[include_str!("../../../fixtures/store/v1/open")]));
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store/event-v1");
        let mut texts = Vec::new();
        for kind in dir.read_dir().expect("frozen events").flatten() {
            for event in kind.path().read_dir().expect("a folder").flatten() {
                texts.push(std::fs::read_to_string(event.path()).expect("an event"));
            }
        }
        let frozen = in_files(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let missing: Vec<_> = frozen.difference(&told(&EVENT)).cloned().collect();
        assert!(missing.is_empty(), "{missing:?} are not told");
    }

    /// The public fields of a struct, by its source.
    fn declared(source: &str, name: &str) -> BTreeSet<String> {
        let body = source.split(&format!("pub struct {name} {{\n")).nth(1).expect("it is declared");
        let lines = body.lines().take_while(|line| *line != "}");
        let (mut found, mut renamed) = (BTreeSet::new(), None);
        for line in lines {
            if let Some(name) = line.trim().strip_prefix("#[serde(rename = \"") {
                renamed = name.split('"').next().map(str::to_owned);
            } else if let Some(field) = line.strip_prefix("    pub ") {
                let name = field.split(':').next().unwrap_or_default().to_owned();
                found.insert(renamed.take().unwrap_or(name));
            }
        }
        found
    }

    #[test]
    fn journals_documents_and_events_are_told_as_they_are_declared() {
        let rows = [
            (&JOURNAL, include_str!("../../store/journal.rs"), "JournalEntry"),
            (&DOCS, include_str!("../../model/doc_sync.rs"), "DocSync"),
            (&EVENT, include_str!("../../model/thread_event.rs"), "ForumEvent"),
        ];
        for (record, source, name) in rows {
            assert_eq!(told(record), declared(source, name), "{name}");
        }
    }

    #[test]
    fn signals_are_told_as_they_are_read_and_answered() {
        let source = include_str!("../../service/signals/parse.rs");
        let lists = source.lines().filter(|line| line.contains("const COMMON") || line.contains(" => &[\""));
        let read = lists.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned);
        let answer =
            ["guidance_id", "run_id", "agent", "question", "answer", "answered_at"].map(str::to_owned);
        let known: BTreeSet<_> = read.chain(answer).collect();
        assert!(known.len() > 10, "the lists are not found any more");
        assert_eq!(told(&SIGNALS), known);
    }
}
