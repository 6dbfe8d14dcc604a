//! The interop table: every format that docmgr, wsm or the first metawsm and we share, and every command of theirs that
//! meets it, with the tests that prove it in both directions. It is data: a test that it names exists, and the README
//! shows exactly this table.
//!
//! The tests named first in a cell need the real program and say "skipped" where it is not installed; those after `;` run
//! everywhere, with a stand-in that behaves as the program is documented, or without any.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One direction of a row.
enum Cell {
    /// Tests that run against the real program, and tests that run everywhere.
    Proven(&'static [&'static str], &'static [&'static str]),
    /// There is nothing to prove, for this reason.
    Nothing(&'static str),
}

use Cell::{Nothing, Proven};

/// A format or a command.
struct Row {
    what: &'static str,
    /// We write, and they read.
    ours: Cell,
    /// They write, and we read.
    theirs: Cell,
}

const TABLE: &[Row] = &[
    Row {
        what: "docmgr: a ticket's directory and `index.md`",
        ours: Proven(
            &["tickets_docmgr/interop.rs::they_list_the_tickets_we_create::with_docmgr"],
            &["tickets_docmgr/interop.rs::they_list_the_tickets_we_create::with_a_stand_in"],
        ),
        theirs: Proven(
            &["tickets_docmgr/interop.rs::we_read_the_tickets_they_create::with_docmgr"],
            &["tickets_docmgr/interop.rs::we_read_the_tickets_they_create::with_a_stand_in"],
        ),
    },
    Row {
        what: "docmgr: status and changelog of a close",
        ours: Proven(
            &["tickets_docmgr/interop.rs::what_we_close_they_read_as_complete::with_docmgr"],
            &["tickets_docmgr/interop.rs::what_we_close_they_read_as_complete::with_a_stand_in"],
        ),
        theirs: Proven(
            &["tickets_docmgr/interop.rs::what_they_close_we_read_as_closed::with_docmgr"],
            &["tickets_docmgr/interop.rs::what_they_close_we_read_as_closed::with_a_stand_in"],
        ),
    },
    Row {
        what: "docmgr: reference documents and their numbers",
        ours: Proven(
            &[
                "tickets_docmgr/interop.rs::they_take_our_reference_documents_and_number_theirs_behind::with_docmgr",
            ],
            &[
                "tickets_docmgr/interop.rs::they_take_our_reference_documents_and_number_theirs_behind::with_a_stand_in",
            ],
        ),
        theirs: Proven(
            &[
                "tickets_docmgr/interop.rs::they_take_our_reference_documents_and_number_theirs_behind::with_docmgr",
            ],
            &[
                "tickets_docmgr/interop.rs::they_take_our_reference_documents_and_number_theirs_behind::with_a_stand_in",
            ],
        ),
    },
    Row {
        what: "docmgr: its rewrites (`meta update`, `doc relate`, `task check`, `changelog update`)",
        ours: Proven(
            &["tickets_docmgr/interop.rs::our_tickets_survive_their_rewrites::with_docmgr"],
            &["tickets_docmgr/interop.rs::our_tickets_survive_their_rewrites::with_a_stand_in"],
        ),
        theirs: Nothing("the same"),
    },
    Row {
        what: "docmgr: `doctor --fail-on warning`",
        ours: Proven(
            &["tickets_docmgr/interop.rs::doctor_finds_nothing_in_the_projects_own_tickets"],
            &[
                "tickets_docmgr/stories.rs::the_built_in_keeps_a_ticket_from_its_making_to_its_close_and_doctor_is_content_at_every_step",
            ],
        ),
        theirs: Nothing("it only reads"),
    },
    Row {
        what: "docmgr: `api serve`",
        ours: Proven(&["tickets_docmgr/interop.rs::their_server_serves_the_tickets_we_create"], &[]),
        theirs: Proven(
            &["federation/real.rs::real_servers_are_listed_refreshed_and_missed"],
            &["federation/pages.rs::all_pages_of_all_servers_are_read_at_once_and_nothing_else_is_asked"],
        ),
    },
    Row {
        what: "docmgr: a run on its ticket, to the close",
        ours: Nothing("see above"),
        theirs: Proven(
            &["tickets_docmgr/interop.rs::a_run_on_a_ticket_that_docmgr_made_is_begun_and_closed"],
            &["tickets_docmgr/interop.rs::a_run_on_a_ticket_of_the_stand_in_is_begun_and_closed"],
        ),
    },
    Row {
        what: "docmgr: `vocabulary.yaml`",
        ours: Proven(
            &[],
            &["tickets_docmgr/stories.rs::a_vocabulary_that_is_there_learns_our_topic_and_none_is_made"],
        ),
        theirs: Proven(
            &[],
            &["tickets_docmgr/stories.rs::a_vocabulary_that_is_there_learns_our_topic_and_none_is_made"],
        ),
    },
    Row {
        what: "docmgr as `tickets.provider`",
        ours: Proven(&[], &["tickets_docmgr/stories.rs::docmgr_keeps_a_ticket_from_its_making_to_its_close"]),
        theirs: Proven(&[], &["tickets_docmgr/stories.rs::an_older_docmgr_does_the_same"]),
    },
    Row {
        what: "wsm: `workspaces/<name>.json`",
        ours: Proven(
            &["workspaces_wsm.rs::wsm_lists_and_describes_a_workspace_of_ours"],
            &[
                "workspaces_wsm/habits.rs::wsm_sees_our_workspace_and_may_delete_it",
                "workspaces_wsm.rs::the_file_leads_to_worktrees_that_git_knows",
            ],
        ),
        theirs: Proven(
            &["workspaces_wsm.rs::a_workspace_of_the_real_wsm_is_reused"],
            &[
                "workspaces_wsm/reuse.rs::a_workspace_of_wsm_is_used_by_name_and_by_path_and_stays",
                "workspaces_wsm/reuse.rs::what_wsm_wrote_down_and_cannot_be_gone_by_is_named",
            ],
        ),
    },
    Row {
        what: "wsm: `registry.json`",
        ours: Nothing("never written by us"),
        theirs: Proven(
            &[],
            &["workspaces_wsm/provider.rs::what_wsm_could_not_make_is_refused_before_anything_is_made"],
        ),
    },
    Row {
        what: "wsm: `list workspaces`, `info`, `status`",
        ours: Proven(
            &["workspaces_wsm.rs::wsm_lists_and_describes_a_workspace_of_ours"],
            &["workspaces_wsm/habits.rs::wsm_sees_our_workspace_and_may_delete_it"],
        ),
        theirs: Nothing("its files are read, never its output"),
    },
    Row {
        what: "wsm: `create`",
        ours: Nothing("see `workspaces/<name>.json`"),
        theirs: Proven(
            &["workspaces_wsm.rs::the_real_wsm_is_driven_for_a_whole_run"],
            &[
                "workspaces_wsm/provider.rs::wsm_makes_the_workspace_and_deletes_it_after_everything_was_saved",
            ],
        ),
    },
    Row {
        what: "wsm: `delete`",
        ours: Proven(
            &["workspaces_wsm.rs::the_real_wsm_deletes_a_workspace_of_ours"],
            &["workspaces_wsm/habits.rs::wsm_sees_our_workspace_and_may_delete_it"],
        ),
        theirs: Proven(
            &["workspaces_wsm.rs::the_real_wsm_is_driven_for_a_whole_run"],
            &[
                "workspaces_wsm/provider.rs::what_wsm_does_not_know_is_kept_and_what_it_cannot_delete_is_removed",
            ],
        ),
    },
    Row {
        what: "wsm: `go.work`, `AGENT.md`",
        ours: Proven(
            &[],
            &["workspaces_wsm/habits.rs::modules_see_each_other_and_notes_for_agents_lie_on_top"],
        ),
        theirs: Proven(
            &[],
            &[
                "workspaces_wsm/provider.rs::wsm_makes_the_workspace_and_deletes_it_after_everything_was_saved",
            ],
        ),
    },
    Row {
        what: "wsm: `.wsm/setup.sh`, `.wsm/setup.d/`",
        ours: Nothing("they belong to the repositories"),
        theirs: Proven(
            &[],
            &[
                "workspaces_wsm/habits.rs::set_up_scripts_run_only_after_trust_and_in_the_order_of_wsm",
                "workspaces_wsm/habits.rs::wsm_that_runs_scripts_itself_does_so_after_trust_and_alone",
            ],
        ),
    },
    Row {
        what: "metawsm: its database",
        ours: Nothing("only read"),
        theirs: Proven(
            &[],
            &[
                "cmd/import.rs::a_project_with_23_old_runs_is_imported_and_its_database_stays_as_it_is",
                "cmd/import.rs::open_runs_are_resumed_where_the_old_agents_left_them_or_discarded",
            ],
        ),
    },
    Row {
        what: "metawsm: policy file",
        ours: Nothing("it has no reader left"),
        theirs: Proven(&[], &["src/policy/load_tests.rs::policies_of_the_first_program_are_read"]),
    },
    Row {
        what: "metawsm: commands and options",
        ours: Nothing("none are typed by us"),
        theirs: Proven(&[], &["cmd/former.rs::every_old_line_works_or_says_what_it_means_now"]),
    },
    Row {
        what: "metawsm: prompts and signal files",
        ours: Nothing("see the next column"),
        theirs: Proven(
            &[],
            &["cmd/former.rs::the_old_example_policy_and_its_prompt_carry_a_bootstrap_to_its_close"],
        ),
    },
];

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")
}

/// A cell of the README: how many tests prove it, and how many of those need the real program.
fn shown(cell: &Cell) -> String {
    match cell {
        Nothing(why) => (*why).to_owned(),
        Proven(real, everywhere) => {
            let places = [(real, "real program"), (everywhere, "every machine")];
            let tested = places.iter().filter(|(tests, _)| !tests.is_empty()).map(|(_, place)| *place);
            tested.collect::<Vec<_>>().join(", ")
        }
    }
}

fn table() -> String {
    let mut text =
        String::from("| format or command | we write, they read | they write, we read |\n|---|---|---|\n");
    for row in TABLE {
        let _ = writeln!(text, "| {} | {} | {} |", row.what, shown(&row.ours), shown(&row.theirs));
    }
    text
}

#[test]
fn every_test_that_the_table_names_exists() {
    let mut missing = Vec::new();
    for cell in TABLE.iter().flat_map(|row| [&row.ours, &row.theirs]) {
        let Proven(real, everywhere) = cell else { continue };
        assert!(!(real.is_empty() && everywhere.is_empty()), "a cell that proves nothing says why");
        for name in real.iter().chain(*everywhere) {
            let (file, test) = name.split_once("::").expect("a file and a test");
            let path =
                if file.starts_with("src/") { tests().join("../..").join(file) } else { tests().join(file) };
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            // A test that runs both ways is made by a macro of its file, which names it and not the ways.
            let is_there = match test.split_once("::") {
                Some((both, _)) => source.contains(&format!("both!({both}, ")),
                None => source.contains(&format!("fn {test}(")),
            };
            if !is_there {
                missing.push(*name);
            }
        }
    }
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn a_row_stands_once_and_proves_something_in_one_direction_at_least() {
    let mut seen = BTreeSet::new();
    for row in TABLE {
        assert!(seen.insert(row.what), "{} stands twice", row.what);
        assert!(
            matches!(row.ours, Proven(..)) || matches!(row.theirs, Proven(..)),
            "{} is not tried in any direction",
            row.what
        );
    }
}

#[test]
fn the_readme_shows_this_table() {
    let readme = std::fs::read_to_string(tests().join("../../README.md")).expect("the README");
    assert!(readme.contains(&table()), "README.md shall hold exactly this table:\n{}", table());
}
