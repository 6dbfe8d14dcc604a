//! The prompt: what is to be done, where, and how to say that it is done. Plain text.

use crate::model::Brief;
use std::fmt::Write as _;
use std::path::Path;

/// One worktree as the prompt names it.
#[derive(Debug, Clone, Copy)]
pub struct PromptTree<'a> {
    /// The repository.
    pub repo: &'a str,
    /// The worktree.
    pub path: &'a Path,
    /// Its branch.
    pub branch: &'a str,
    /// The branch that it will be merged into.
    pub base: &'a str,
}

/// What a prompt is made from.
#[derive(Debug, Clone, Copy)]
pub struct PromptInput<'a> {
    /// The run.
    pub run: &'a str,
    /// The ticket.
    pub ticket: &'a str,
    /// The ticket's title.
    pub title: &'a str,
    /// The agent.
    pub agent: &'a str,
    /// Whether other agents work in the same workspace; signal files carry the agent's name then.
    pub shared: bool,
    /// Goal, scope, done criteria and so on.
    pub brief: &'a Brief,
    /// Whether the run closes only with a validation.
    pub bootstrap: bool,
    /// The workspace.
    pub workspace: &'a Path,
    /// The agent's working directory.
    pub cwd: &'a Path,
    /// All worktrees of the workspace.
    pub worktrees: &'a [PromptTree<'a>],
    /// The ticket's documents.
    pub docs: Option<&'a Path>,
    /// `base_prompt` of the profile.
    pub base_prompt: &'a str,
    /// The files of the profile's skills.
    pub skills: &'a [String],
    /// The id of the brief.
    pub brief_id: &'a str,
    /// Feedback on earlier work, oldest first.
    pub feedback: &'a [String],
    /// What the agent has asked, oldest first.
    pub answers: &'a [PromptAnswer],
}

/// A question of an agent, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptAnswer {
    /// The question.
    pub question: String,
    /// The answer; `None` where it has none yet.
    pub answer: Option<String>,
}

/// The text of the prompt; the same text is the workspace's `.metawsm/brief.md`.
pub fn prompt(input: &PromptInput) -> String {
    let mut text = String::new();
    let base = input.base_prompt.trim();
    if !base.is_empty() {
        let _ = writeln!(text, "{base}\n");
    }
    task(&mut text, input);
    answers(&mut text, input.answers);
    feedback(&mut text, input.feedback);
    places(&mut text, input);
    signals(&mut text, input);
    text
}

/// What a conversation goes on with: only what is new to it. `input` holds the answers and the feedback that it has
/// not been given.
pub fn continuation(input: &PromptInput) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "You go on with ticket {} (run {}).", input.ticket, input.run);
    answers(&mut text, input.answers);
    feedback(&mut text, input.feedback);
    if input.feedback.is_empty() && input.answers.iter().all(|asked| asked.answer.is_none()) {
        text.push_str("\nYour session had ended. Look at where you were, and go on.\n");
    }
    let _ = writeln!(
        text,
        "\nEverything else is as before; {}/brief{}.md has it once more, with how to ask and how to say that the work is \
         done.",
        input.workspace.join(".metawsm").display(),
        mark(input)
    );
    text
}

fn answers(text: &mut String, answers: &[PromptAnswer]) {
    if answers.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Your questions");
    for PromptAnswer { question, answer } in answers {
        let _ = writeln!(text, "You asked: {}", question.trim());
        match answer {
            Some(answer) => {
                let _ = writeln!(text, "The answer: {}", answer.trim());
            }
            None => text.push_str("There is no answer yet; it will come.\n"),
        }
    }
}

fn task(text: &mut String, input: &PromptInput) {
    let title = input.title.trim();
    let title = if title.is_empty() { String::new() } else { format!(": {title}") };
    let _ = writeln!(text, "# Ticket {}{title}\n", input.ticket);
    let _ = writeln!(text, "You are the agent '{}' of run {}.", input.agent, input.run);
    let brief = input.brief;
    let parts = [
        ("Goal", &brief.goal),
        ("Scope", &brief.scope),
        ("Done when", &brief.done_criteria),
        ("Constraints", &brief.constraints),
        ("Merge intent", &brief.merge_intent),
    ];
    for (name, part) in parts.iter().filter(|(_, part)| !part.trim().is_empty()) {
        let _ = writeln!(text, "\n## {name}\n{}", part.trim());
    }
    if input.bootstrap {
        let _ = writeln!(text, "\nThis brief has the id {}.", input.brief_id);
    }
    if brief.goal.trim().is_empty() {
        let _ = writeln!(text, "\nThe ticket says what is to be done; read its documents first.");
    }
    if !input.skills.is_empty() {
        let _ = writeln!(text, "\n## Skills\nRead these files whole before you begin, and work as they say:");
        for file in input.skills {
            let _ = writeln!(text, "- {file}");
        }
    }
}

fn feedback(text: &mut String, feedback: &[String]) {
    for (at, words) in feedback.iter().enumerate() {
        let number = if feedback.len() == 1 { String::new() } else { format!(" {}", at + 1) };
        let _ = writeln!(text, "\n## Feedback{number} on your earlier work\n{}", words.trim());
    }
    if !feedback.is_empty() {
        let _ = writeln!(text, "\nTake the feedback in, then signal completion again.");
    }
}

fn places(text: &mut String, input: &PromptInput) {
    let _ = writeln!(text, "\n## Where\nWorkspace: {}", input.workspace.display());
    let _ = writeln!(text, "You start in: {}", input.cwd.display());
    for tree in input.worktrees {
        let PromptTree { repo, path, branch, base } = tree;
        let path = path.display();
        let _ = writeln!(text, "- {repo}: {path} (branch {branch}, to be merged into {base})");
    }
    if let Some(docs) = input.docs {
        let _ = writeln!(text, "Documents of the ticket: {}", docs.display());
    }
    text.push_str(
        "\nWork in these directories only. Commit your work on the branches that are checked out there, in every \
         repository that you changed (from outside of one: git -C <its path> commit). Do not switch, merge, rebase \
         or push branches, do not change anything below .metawsm/ other than the signals named here, and do not \
         bypass hooks. Files that you leave uncommitted do not count as done.\n",
    );
}

/// What files carry that belong to one of several agents.
fn mark(input: &PromptInput) -> String {
    if input.shared { format!("-{}", input.agent) } else { String::new() }
}

fn signals(text: &mut String, input: &PromptInput) {
    let mark = mark(input);
    let dir = input.workspace.join(".metawsm");
    let dir = dir.display();
    let who = format!("\"run_id\": \"{}\", \"agent\": \"{}\"", input.run, input.agent);
    let _ = writeln!(
        text,
        "\n## How to speak to us\nBy the command 'git metawsm signal', which is on your PATH ('-h' tells its words), or \
         by writing the file that is named. Where you may not write there, write it into {}; the answer comes there \
         then.",
        input.cwd.join(".metawsm").display()
    );
    let _ = writeln!(
        text,
        "- When you need a decision, ask and stop there: git metawsm signal question --question '...', or write\n  \
         {dir}/guidance-request{mark}.json: {{\"question\": \"...\", \"context\": \"...\", {who}}}\n  The answer comes \
         as your next message. It also lies in {dir}/guidance-response{mark}.json (the last one; each one in \
         guidance-response-{agent}-<its guidance_id>.json beside it).",
        agent = input.agent
    );
    if input.bootstrap {
        let _ = writeln!(
            text,
            "- When all work is committed, check the result against 'Done when': git metawsm signal validate --status passed \
             --brief-id {id} --summary '...', or write\n  {dir}/validation-result{mark}.json: {{\"status\": \"passed\", \
             \"brief_id\": \"{id}\", \"summary\": \"...\", {who}}}\n  Where it does not hold, say \"failed\" as the status \
             and in the summary why.",
            id = input.brief_id
        );
    }
    let after =
        if input.bootstrap { "committed, and you have said what your check came to" } else { "committed" };
    let _ = writeln!(
        text,
        "- When all work is done and {after}: git metawsm signal complete --summary '...', or write\n  \
         {dir}/implementation-complete{mark}.json: {{\"summary\": \"...\", {who}}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shared: bool, bootstrap: bool, feedback: &[String]) -> String {
        let brief = Brief {
            goal: "Add a login page".to_owned(),
            done_criteria: "all \"tests\" pass".to_owned(),
            ..Brief::default()
        };
        let tree =
            PromptTree { repo: "web", path: Path::new("/w/t-1/web"), branch: "task/t-1", base: "main" };
        prompt(&PromptInput {
            run: "run-1",
            ticket: "T-1",
            title: "Login",
            agent: "coder",
            shared,
            brief: &brief,
            bootstrap,
            workspace: Path::new("/w/t-1"),
            cwd: Path::new("/w/t-1/web"),
            worktrees: &[tree],
            docs: Some(Path::new("/w/t-1/web/ttmp/T-1")),
            base_prompt: "Be brief.",
            skills: &["/w/t-1/.metawsm/skills/diary/SKILL.md".to_owned()],
            brief_id: "brief-0123",
            feedback,
            answers: &[PromptAnswer { question: "Which?".to_owned(), answer: Some("Blue.".to_owned()) }],
        })
    }

    #[test]
    fn a_prompt_names_all_that_an_agent_has_to_know() {
        let text = text(false, true, &[]);
        let wanted = [
            "Be brief.",
            "# Ticket T-1: Login",
            "## Goal\nAdd a login page",
            "## Done when\nall \"tests\" pass",
            "- web: /w/t-1/web (branch task/t-1, to be merged into main)",
            "/w/t-1/web/ttmp/T-1",
            "- /w/t-1/.metawsm/skills/diary/SKILL.md\n",
            "/w/t-1/.metawsm/guidance-request.json",
            "write it into /w/t-1/web/.metawsm; the answer comes there",
            "/w/t-1/.metawsm/implementation-complete.json",
            r#""brief_id": "brief-0123", "summary": "...", "run_id": "run-1", "agent": "coder""#,
            "id brief-0123",
            "You asked: Which?\nThe answer: Blue.",
        ];
        for words in wanted {
            assert!(text.contains(words), "{words:?} is missing in:\n{text}");
        }
        assert!(!text.contains("Scope") && !text.contains("Feedback"));
        let at = |words: &str| text.find(words).expect("both are named");
        assert!(at("signal validate") < at("signal complete"), "in the order in which they are to be said");
    }

    #[test]
    fn agents_that_share_a_workspace_write_files_of_their_own() {
        let text = text(true, false, &["Mind the colours".to_owned()]);
        assert!(text.contains("/w/t-1/.metawsm/implementation-complete-coder.json"));
        assert!(text.contains("## Feedback on") && text.contains("Mind the colours"));
        assert!(!text.contains("validation-result"));
    }
}
