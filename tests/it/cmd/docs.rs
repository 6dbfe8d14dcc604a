//! `docs`: tickets of every known tree of documents.

use super::stage::{Stage, WAITS, WORKS};
use crate::federation::server::{self, Server};
use crate::kit::Repo;
use serde_json::json;

fn ticket(repo: &Repo, id: &str, title: &str, updated: &str) {
    let index = format!(
        "---\nTitle: {title}\nTicket: {id}\nStatus: active\nTopics: [core]\nDocType: index\nLastUpdated: {updated}\n---\n\n# {title}\n"
    );
    repo.commit(&format!("ttmp/2026/07/06/{id}--x/index.md"), &index);
}

fn policy(stage: &Stage, text: &str) {
    stage.repo.write(".metawsm/policy.toml", &format!("[docs.api]\nrequest_timeout_seconds = 60\n{text}"));
}

fn endpoint(name: &str, place: &str) -> String {
    format!("[[docs.api.repo_endpoints]]\nname = \"{name}\"\nrepo = \"api\"\nbase_url = \"{place}\"\n")
}

#[test]
fn without_a_server_the_trees_that_lie_here_are_shown() {
    let stage = Stage::with(WAITS);
    insta::assert_snapshot!(stage.said(&["docs"]), @r#"
    No tickets.
    -- story
    note: these are the trees that lie here; a server of docmgr's is shown too once the policy names it:
      "docs": {"api": {"repo_endpoints": [{"name": "api", "repo": "api", "base_url": "http://127.0.0.1:8787"}]}}
    "#);
    ticket(&stage.repo, "MW-1", "Add a login", "2026-07-08T12:00:00Z");
    ticket(
        &stage.repo,
        "MW-2",
        "A title that goes on and on until no terminal of eighty columns can show it",
        "2026-07-09",
    );
    stage.repo.write("ttmp/2026/07/06/MW-3--broken/index.md", "no frontmatter\n");
    insta::assert_snapshot!(stage.said(&["-q", "docs"]), @"
      MW-1  active  api  local  DATE  Add a login
      MW-2  active  api  local  DATE  A title that goes on and on until no te…
    -- story
    unreadable: api: ttmp/2026/07/06/MW-3--broken/index.md: The document's frontmatter cannot be read: the first line is not '---'.
    ");
    stage.run(&["run", "--ticket", "MW-1", "--run-id", "one", "--repos", "."]).ok();
    let answer = stage.json(&["docs", "--ticket", "mw-1"]);
    let shown = &answer["tickets"][0];
    assert_eq!((answer["tickets"].as_array().map(Vec::len), &answer["configured"]), (Some(1), &json!(0)));
    assert_eq!(
        (&shown["active"], &shown["runs"], &shown["workspace"], &shown["copies"], &shown["stale"]),
        (&json!(true), &json!(["one"]), &json!("mw-1"), &json!(2), &json!(false)),
        "the workspace's copy counts while the run is open"
    );
    let index = stage.tree("one").join("ttmp/2026/07/06/MW-1--x/index.md");
    let text = std::fs::read_to_string(&index).expect("the run's copy");
    std::fs::write(&index, text.replace("active", "review")).expect("an agent writes");
    ticket(&stage.repo, "MW-1", "Add a login", "2026-07-10T12:00:00Z");
    insta::assert_snapshot!(stage.said(&["-q", "docs", "--ticket", "MW-1,MW-9"]), @"
    * MW-1  review  api  mw-1  DATE  Add a login
          older than the copy in the repository (local)
          run one
    -- story
    unreadable: api: ttmp/2026/07/06/MW-3--broken/index.md: The document's frontmatter cannot be read: the first line is not '---'.
    ");
    // A link out of the worktree is not read.
    std::fs::remove_file(&index).expect("it is there");
    std::os::unix::fs::symlink(stage.repo.file("ttmp/2026/07/06/MW-2--x/index.md"), &index).expect("a link");
    let answer = stage.json(&["docs", "--ticket", "MW-1"]);
    assert_eq!(
        (&answer["tickets"][0]["workspace"], &answer["tickets"][0]["active"]),
        (&json!(""), &json!(true))
    );
    stage.run(&["stop", "one"]).ok();
}

#[test]
fn servers_are_rows_and_their_copies_count_before_files() {
    let stage = Stage::with(WORKS);
    ticket(&stage.repo, "T-0", "The file", "2026-07-09T12:00:00Z");
    let (repo, space) = (
        Server::with(|asked, talk| server::as_docmgr("T", 2, asked, talk)),
        Server::with(|asked, talk| server::as_docmgr("T", 1, asked, talk)),
    );
    let spaces = format!(
        "[[docs.api.workspace_endpoints]]\nname = \"space\"\nrepo = \"api\"\nworkspace = \"t-0\"\nbase_url = \"{}\"\nweb_url = \"http://me:secret@web/\"\n",
        space.place()
    );
    let places = endpoint("all", &repo.place()) + &endpoint("gone", &Server::closed()) + &spaces;
    policy(&stage, &places.replace("http://127", "http://me:secret@127"));
    insta::assert_snapshot!(stage.said(&["docs"]), @"
    Servers:
      space  workspace t-0 (api)  1 ticket, 3 documents indexed now
          The workspace t-0 is gone.
      all    repo api             2 tickets, 6 documents indexed now
      gone   repo api             down: It cannot be reached: Connection refused (os error 111).
    Tickets:
      T-0  active  api  all  DATE  Ticket 0 of T
          older than the copy in the repository (local)
      T-1  active  api  all  DATE  Ticket 1 of T
    ");
    let answer = stage.json(&["docs"]);
    assert_eq!(answer["endpoints"][0]["gone"], true, "no run and no directory has that workspace");
    assert!(
        answer["endpoints"][0]["base_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http://***@127.0.0.1:"))
    );
    assert!(
        repo.asked()[0].has("authorization: Basic bWU6c2VjcmV0"),
        "what the policy says is used, and never shown"
    );
    for words in [
        &["docs"][..],
        &["docs", "--json"],
        &["policy", "show"],
        &["policy", "show", "--json"],
        &["-v", "docs"],
    ] {
        let output = stage.run(words).output();
        assert!(!format!("{output}").contains("secret"), "{output}");
    }
    // With an open run on it the workspace is there, and its copy counts.
    stage.run(&["run", "--ticket", "T-0", "--run-id", "one", "--repos", "."]).ok();
    let answer = stage.json(&["docs", "--ticket", "t-0"]);
    assert_eq!(
        (&answer["endpoints"][0]["gone"], &answer["endpoints"][0]["runs"]),
        (&json!(false), &json!(["one"]))
    );
    let shown = &answer["tickets"][0];
    assert_eq!(
        (&shown["source"], &shown["workspace"], &shown["copies"], &shown["older_than"], &shown["link"]),
        (&json!("space"), &json!("t-0"), &json!(4), &json!("local"), &json!("http://***@web/ticket/T-0"))
    );
}

#[test]
fn only_the_servers_that_are_named_are_asked_and_all_down_is_a_fault_outside() {
    let stage = Stage::with(WORKS);
    let good = Server::with(|asked, talk| server::as_docmgr("T", 1, asked, talk));
    policy(&stage, &(endpoint("good", &good.place()) + &endpoint("closed", &Server::closed())));
    let down = stage.run(&["docs", "--endpoint", "closed"]).code(5);
    down.says("  closed  repo api  down: It cannot be reached: Connection refused").says("No tickets.");
    assert_eq!(good.asked().len(), 0);
    stage.run(&["docs"]).ok().says("T-0");
    stage.run(&["docs", "--endpoint", "closed,good"]).ok().says("T-0");
    insta::assert_snapshot!(stage.refuses(&["docs", "--endpoint", "other"]), @"
    2 usage
    error: No server of documents is called 'other'; the policy names good, closed.
    next:
      git metawsm docs --endpoint good
    ");
    insta::assert_snapshot!(stage.refuses(&["docs", "--ticket", "../x"]), @r#"
    2 usage
    error: The ticket '../x' is not usable: it does not start with a letter or a digit. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them.
    next:
      git metawsm docs -h
    "#);
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.refuses(&["docs", "--endpoint", "other"]), @"
    2 usage
    error: No server of documents is called 'other': docs.api of the policy names none.
    next:
      git metawsm docs
      git metawsm policy show
    ");
}

#[test]
fn a_repository_without_a_checkout_shows_what_its_base_holds() {
    let stage = Stage::with(WORKS);
    ticket(&stage.repo, "MW-1", "Add a login", "2026-07-08T12:00:00Z");
    ticket(&stage.repo, "MW-2", "Add a logout", "2026-07-08");
    let bare = stage.repo.with_origin();
    let output = stage.world.run(["-q", "docs", "--json", "--ticket", "mw-1"]).at(&bare).ok();
    let answer = super::stage::answer(&output);
    let shown = &answer["tickets"][0];
    assert_eq!((&shown["title"], &shown["updated"]), (&json!("Add a login"), &json!("2026-07-08T12:00:00Z")));
    assert_eq!((answer["tickets"].as_array().map(Vec::len), &answer["problems"]), (Some(1), &json!([])));
}

#[test]
fn global_options_may_stand_before_a_verb_and_those_of_docs_alone_may_not() {
    let stage = Stage::with(WAITS);
    ticket(&stage.repo, "MW-1", "Add a login", "2026-07-08T12:00:00Z");
    stage.run(&["run", "--ticket", "MW-1", "--run-id", "one", "--repos", "."]).ok();
    for verb in ["sync", "diff"] {
        let before = stage.run(&["docs", "--json", "--color", "never", verb, "one"]).ok().json();
        assert_eq!(before, stage.json(&["docs", verb, "one"]), "{verb}");
    }
    insta::assert_snapshot!(stage.refuses(&["docs", "--ticket", "MW-1", "sync"]), @"
    2 usage
    error: --refresh, --ticket and --endpoint before 'sync' belong to 'docs' alone; what is meant for 'sync' follows it.
    next:
      git metawsm docs sync -h
      git metawsm docs -h
    ");
}
