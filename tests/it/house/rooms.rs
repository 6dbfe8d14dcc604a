//! Floors: an import goes down, never up, never sideways, never round.

use super::source::{Source, Violation, closing};
use std::collections::{BTreeMap, BTreeSet};

/// Every room and its floor.
pub const FLOORS: [(&str, u8); 17] = [
    ("cmd", 7),
    ("tui", 6),
    ("render", 5),
    ("service", 4),
    ("tickets", 3),
    ("workspaces", 3),
    ("sessions", 3),
    ("hooks", 3),
    ("federation", 3),
    ("bus", 3),
    ("git", 2),
    ("store", 2),
    ("plan", 2),
    ("sys", 1),
    ("policy", 1),
    ("gate", 1),
    ("model", 0),
];

/// The names under which a path may start at the top of the crate.
const ROOTS: [&str; 2] = ["crate", "git_metawsm"];

/// A use of a room.
pub struct RoomUse {
    /// The room, or what stands in a room's place.
    pub room: String,
    /// The token that names it.
    pub index: usize,
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Every name that a file takes from the top of the crate, in `use` lines and in code.
pub fn uses(source: &Source) -> Vec<RoomUse> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.tokens.len() {
        let word = source.at(at);
        let start = ROOTS.contains(&word) || matches!(word, "super" | "self");
        if start && source.at(at + 1) == "::" && source.before(at) != "::" {
            let here: Vec<_> = source.module().into_iter().chain(source.tokens[at].modules.clone()).collect();
            at = follow(source, at, here, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Follows one path (and its groups) from where it starts; returns the index just past it.
fn follow(source: &Source, start: usize, mut here: Vec<String>, found: &mut Vec<RoomUse>) -> usize {
    let mut at = start;
    loop {
        match source.at(at) {
            "{" => return follow_group(source, at, &here, found),
            "super" => {
                here.pop();
            }
            "self" if at == start && source.at(at + 1) == "::" => {}
            root if at == start && ROOTS.contains(&root) => here.clear(),
            name => {
                if here.is_empty() {
                    found.push(RoomUse { room: name.to_owned(), index: at });
                }
                here.push(name.to_owned());
            }
        }
        if source.at(at + 1) != "::" {
            return at + 1;
        }
        at += 2;
    }
}

fn follow_group(source: &Source, open: usize, here: &[String], found: &mut Vec<RoomUse>) -> usize {
    let end = closing(&source.tokens, open);
    let mut at = open + 1;
    while at + 1 < end {
        at = follow(source, at, here.to_vec(), found);
        // Past `as name` to the next member.
        while at + 1 < end && source.at(at) != "," {
            at += 1;
        }
        at += 1;
    }
    end
}

/// Imports that do not go down.
pub fn imports(source: &Source) -> Vec<Violation> {
    let from = match (source.path.as_str(), source.room()) {
        ("src/main.rs", _) => 8,
        (_, None) => return Vec::new(),
        (_, Some(room)) => match floor(room) {
            Some(floor) => floor,
            None => return vec![source.violation(0, format!("the room '{room}' has no floor in FLOORS"))],
        },
    };
    let own = source.room().unwrap_or_default();
    let judge = |used: RoomUse| {
        if used.room == own {
            return None;
        }
        let test = source.tokens[used.index].test;
        let why = match floor(&used.room) {
            None => format!("'{}' is no room: name the room itself, below the top of the crate", used.room),
            Some(to) if to < from || (test && used.room == "sys") => return None,
            Some(to) if to == from => {
                format!("'{own}' imports '{}' on its own floor {to}: imports only go down", used.room)
            }
            Some(to) => {
                format!("'{own}' on floor {from} imports '{}' on floor {to}: imports only go down", used.room)
            }
        };
        Some(source.violation(used.index, why))
    };
    uses(source).into_iter().filter_map(judge).collect()
}

/// Other names for the top of the crate, behind which an import could hide.
pub fn hidden_roots(source: &Source) -> Vec<Violation> {
    let renames = |at: &usize| {
        let word = source.at(*at);
        (ROOTS.contains(&word) && source.at(at + 1) == "as")
            || (word == "extern" && source.at(at + 1) == "crate")
    };
    let why = "another name for the crate would hide imports from the house rules";
    (0..source.tokens.len()).filter(renames).map(|at| source.violation(at, why)).collect()
}

/// Which room imports which, test code left out.
pub fn edges(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(room) = source.room() else { continue };
        for used in uses(source) {
            if used.room != room && !source.tokens[used.index].test {
                edges.entry(room.to_owned()).or_default().insert(used.room);
            }
        }
    }
    edges
}

/// A way from a room back to itself, if there is one.
pub fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    edges.keys().find_map(|room| way_back(edges, &mut vec![room.clone()]))
}

fn way_back(edges: &BTreeMap<String, BTreeSet<String>>, way: &mut Vec<String>) -> Option<Vec<String>> {
    for next in edges.get(way.last()?).into_iter().flatten() {
        if *next == way[0] {
            way.push(next.clone());
            return Some(way.clone());
        }
        if !way.contains(next) {
            way.push(next.clone());
            if let Some(found) = way_back(edges, way) {
                return Some(found);
            }
            way.pop();
        }
    }
    None
}
