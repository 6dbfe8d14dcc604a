//! Files: name plates, sizes, names, tests beside commands, and words that no tracked file may hold.

use super::source::{Source, Violation};

/// Files of `src/cmd` that are no command.
pub const NOT_COMMANDS: [&str; 5] = ["mod", "args", "failure", "progress", "verbose"];
/// Lines that a file may have.
pub const LINES: usize = 450;
/// Lines that a name plate has at least.
pub const PLATE_LINES: usize = 4;
const DRAWERS: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "shared"];

fn whole_file(path: &str, why: impl Into<String>) -> Violation {
    Violation { path: path.to_owned(), line: 0, why: why.into() }
}

/// The commands among these paths: `src/cmd/<name>.rs` and `src/cmd/<name>/mod.rs`.
pub fn commands(paths: &[String]) -> Vec<&str> {
    paths.iter().filter_map(|path| command(path)).collect()
}

fn command(path: &str) -> Option<&str> {
    let name = path.strip_prefix("src/cmd/")?;
    let name = name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix(".rs"))?;
    (!name.contains('/') && !NOT_COMMANDS.contains(&name)).then_some(name)
}

/// Commands whose test file is missing, or is not part of the test program because `tests/it/cmd/mod.rs`
/// (`declared`) does not name it.
pub fn untested_commands(paths: &[String], declared: &Source) -> Vec<Violation> {
    let is_part = |name: &str| {
        declared.tokens.windows(3).any(|w| w[0].text == "mod" && w[1].text == name && w[2].text == ";")
    };
    let judge = |name: &str| {
        let test = format!("tests/it/cmd/{name}.rs");
        if !paths.contains(&test) {
            return Some(whole_file(&format!("src/cmd/{name}.rs"), format!("{test} is missing")));
        }
        (!is_part(name)).then(|| whole_file(&test, format!("{} does not declare it", declared.path)))
    };
    commands(paths).into_iter().filter_map(judge).collect()
}

/// A room without a name plate. A room that holds no code yet needs none.
pub fn plate(source: &Source) -> Option<Violation> {
    let room = source.room()?;
    if source.path != format!("src/{room}/mod.rs") || source.tokens.is_empty() {
        return None;
    }
    let lines = source.text.lines().take_while(|line| line.starts_with("//!")).count();
    let why = format!(
        "the name plate has {lines} lines of at least {PLATE_LINES}: what lives here, what does not, who may call, the one rule"
    );
    (lines < PLATE_LINES).then(|| whole_file(&source.path, why))
}

/// A file that has grown past knowing.
pub fn size(source: &Source) -> Option<Violation> {
    let lines = source.text.lines().count();
    let why = format!("{lines} lines of at most {LINES}: it is two things");
    (lines > LINES).then(|| whole_file(&source.path, why))
}

/// A file or folder whose name says that anything may go in.
pub fn drawer(path: &str) -> Option<Violation> {
    let words = path.trim_end_matches(".rs").split(['/', '_', '-']);
    let found = words.into_iter().find(|word| DRAWERS.contains(word))?;
    Some(whole_file(
        path,
        format!("'{found}' is no name of a thing: the room is missing, or it is two things"),
    ))
}

/// Places of somebody's machine in a tracked file. A place counts where it stands as an absolute path.
pub fn foreign_places(path: &str, text: &str, places: &[&str]) -> Vec<Violation> {
    let before = |c: char| c.is_alphanumeric() || "._~$}/-)>*".contains(c);
    let after = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let stands = |line: &str, place: &str| {
        line.match_indices(place)
            .any(|(at, _)| !line[..at].ends_with(before) && !line[at + place.len()..].starts_with(after))
    };
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for place in places.iter().filter(|place| stands(line, place)) {
            let why = format!("'{place}' is a place on somebody's machine");
            found.push(Violation { path: path.to_owned(), line: index + 1, why });
        }
    }
    found
}
