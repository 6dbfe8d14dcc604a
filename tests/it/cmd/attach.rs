//! `attach`: into an agent's session.

use super::stage::{Stage, WAITS, WORKS};
use crate::kit::require;

#[test]
fn a_session_without_a_terminal_is_read_and_not_entered() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["attach"]), @"
    1 failed
    error: The agent do-the-work.agent runs without a terminal; its output can be read.
    next:
      git metawsm logs one:do-the-work.agent
    ");
    insta::assert_snapshot!(stage.refuses(&["attach", "one:nobody"]), @"
    2 usage
    error: one has no agent 'nobody'; it has do-the-work.agent.
    next:
      git metawsm attach one:do-the-work.agent
    ");
    assert_eq!(
        stage.refuses(&["attach", "do-the-work:agent"]),
        stage.refuses(&["attach", "--run-id", "one"])
    );
}

#[test]
fn several_agents_are_listed_with_the_words_that_name_them() {
    let stage = Stage::with(WAITS);
    stage.run(&["run", "Do both", "--ticket", "T-1,T-2", "--run-id", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["attach", "one"]), @"
    2 usage
    error: one has several agents, so name one: one:T-1.agent, one:T-2.agent.
    next:
      git metawsm attach one:T-1.agent
      git metawsm attach one:T-2.agent
    ");
    // Each names one agent: what follows is said of that one alone.
    let named: [&[&str]; 4] = [&["one:T-2.agent"], &["t-2"], &["one", "--ticket", "t-2"], &["T-2:agent"]];
    for words in named {
        let refusal = stage.refuses(&[&["attach"], words].concat());
        assert!(refusal.contains("The agent T-2.agent runs without a terminal"), "{words:?}: {refusal}");
    }
}

#[test]
fn a_tmux_session_is_entered_by_its_exact_id() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(WAITS);
    stage.repo.git(["config", "metawsm.sessions.backend", "tmux"]);
    stage.start("one", "Do the work");
    let argv = stage.json(&["attach", "one"])["argv"].clone();
    let argv: Vec<_> = argv.as_array().expect("a list").iter().filter_map(|word| word.as_str()).collect();
    assert!(argv.contains(&"attach-session"), "{argv:?}");
    let is_id = |word: &&str| word.strip_prefix('$').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    assert!(argv.last().is_some_and(is_id), "{argv:?}");
    // Without a terminal tmux itself refuses, and that is an outside program's failure.
    stage.run(&["attach", "one"]).code(5);
    stage.run(&["stop", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["attach", "one"]), @"
    1 failed
    error: The agent do-the-work.agent has no session any more; its output can be read.
    next:
      git metawsm logs one:do-the-work.agent
    ");
}

#[test]
fn an_agent_that_was_never_started_has_no_session() {
    let stage = Stage::with(WORKS);
    let policy = r#"{"version":2,"execution":{"step_retries":0},
        "agent_profiles":[{"name":"gone","runner":"command","runner_options":{"command":["no-such-program"]}}],
        "agents":[{"name":"agent","profile":"gone"}]}"#;
    stage.repo.write(".metawsm/policy.json", policy);
    stage.run(&["policy", "trust"]).ok();
    stage.run(&["run", "Do the work", "--run-id", "one"]).code(1);
    insta::assert_snapshot!(stage.refuses(&["attach", "one"]), @"
    1 failed
    error: do-the-work.agent was never started.
    next:
      git metawsm resume one
    ");
}
