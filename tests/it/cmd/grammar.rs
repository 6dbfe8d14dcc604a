//! The commands as the command line itself knows them.

/// Each command of the program, with a word wherever it cannot do without one.
pub fn every_word(command: &clap::Command) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for below in command.get_subcommands() {
        let mut deeper = every_word(below);
        if !below.is_subcommand_required_set() {
            deeper.push(needed_by(below));
        }
        found.extend(deeper.into_iter().map(|words| [vec![below.get_name().to_owned()], words].concat()));
    }
    found
}

fn needed_by(command: &clap::Command) -> Vec<String> {
    let mut words = Vec::new();
    for arg in command.get_arguments().filter(|arg| arg.is_required_set()) {
        words.extend(arg.get_long().map(|long| format!("--{long}")));
        let word = match arg.get_id().as_str() {
            "state" => "triaged",
            "priority" => "low",
            _ => "x",
        };
        words.push(word.to_owned());
    }
    words
}
