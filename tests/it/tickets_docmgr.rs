//! Ticket trees and docmgr: the real program reads what we write, and we read what it writes. Without docmgr on
//! PATH the tests of the real program say so and pass, unless `METAWSM_TEST_REQUIRE` names it; the same is then shown
//! with a stand-in, and judged by the rules that docmgr's doctor checks.

mod corpus;
mod doctor;
mod hostile;
mod interop;
mod stand_in;
mod stories;

use git_metawsm::tickets::{docs_root, list};
use std::path::Path;

#[test]
fn the_projects_own_tickets_keep_the_rules_of_doctor() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = docs_root(top).expect("a docs root").expect("it is there");
    let listing = list(&root).expect("the tickets");
    assert_eq!(listing.problems, [] as [String; 0]);
    assert!(!listing.tickets.is_empty());
    assert_eq!(doctor::findings(top, false), []);
}
