//! The stand-in for docmgr, `docmgr.sh`.

use crate::kit::{Output, World};
use std::path::{Path, PathBuf};

const SCRIPT: &str = include_str!("docmgr.sh");

/// The stand-in in a world.
pub struct StandIn {
    home: PathBuf,
}

impl StandIn {
    /// Puts it first on PATH.
    pub fn install(world: &World) -> Self {
        world.script("docmgr", SCRIPT);
        Self::of(world)
    }

    /// The one that is there.
    pub fn of(world: &World) -> Self {
        Self { home: world.home() }
    }

    /// The way in which it misbehaves from now on; `good` is none.
    pub fn set(&self, mode: &str) {
        std::fs::write(self.home.join("docmgr.mode"), format!("{mode}\n")).expect("the mode");
    }

    /// Where it was called, and with which words.
    pub fn calls(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.home.join("docmgr.calls")).unwrap_or_default();
        // An argument may have several lines.
        let calls = text.split_inclusive('\n').fold(Vec::new(), |mut calls: Vec<String>, line| {
            match calls.last_mut() {
                Some(last) if !line.starts_with('/') => last.push_str(line),
                _ => calls.push(line.to_owned()),
            }
            calls
        });
        let parted = calls.iter().filter_map(|call| call.trim_end().split_once(": "));
        parted.map(|(place, call)| (place.to_owned(), call.to_owned())).collect()
    }

    /// The variables of git, of ours and of docmgr that it last saw; of what we mark children with the name only.
    pub fn environment(&self) -> String {
        let text = std::fs::read_to_string(self.home.join("docmgr.env")).expect("it was called");
        let lines = text.lines().map(|line| if line.starts_with("METAWSM_") { name_of(line) } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn name_of(line: &str) -> &str {
    line.split_once('=').map_or(line, |(name, _)| name)
}

/// Calls docmgr as a person does, the real one or the stand-in.
pub fn docmgr(world: &World, program: &Path, top: &Path, args: &[&str]) -> Output {
    Output::of(world.command(program).args(args).current_dir(top), "docmgr").ok()
}
