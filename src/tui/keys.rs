//! The keys: one table for what they do, the line at the bottom, and the help.

use super::acts::Verb as Act;
use super::state::Tab;
use crate::render::{Paint, Screen};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt::Write as _;

/// What a key means while nothing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// Almost a screen up.
    PageUp,
    /// Almost a screen down.
    PageDown,
    /// To the beginning.
    Top,
    /// To the end.
    End,
    /// To the runs.
    Left,
    /// To the chosen run.
    Right,
    /// Opens what is chosen.
    Open,
    /// Back from what is open, or to the runs.
    Back,
    /// To the next tab.
    NextTab,
    /// To the tab before.
    LastTab,
    /// To this tab.
    Tab(Tab),
    /// The agent before.
    LastAgent,
    /// The next agent.
    NextAgent,
    /// Filters the runs.
    Filter,
    /// Open runs, or all.
    Scope,
    /// Judges the gates now.
    Check,
    /// Enters an agent's session.
    Attach,
    /// Does something to the run.
    Act(Act),
    /// Looks again, and draws everything anew.
    Reload,
    /// Shows all keys.
    Help,
    /// Ends.
    Quit,
}

/// A key as the table writes it.
#[derive(Debug, Clone, Copy)]
enum Key {
    Char(char),
    Ctrl(char),
    Code(KeyCode),
}

/// A line of the table.
pub(super) struct Binding {
    keys: &'static [Key],
    /// How the keys are called on the screen.
    pub name: &'static str,
    /// What they do.
    pub verb: Verb,
    /// The word at the bottom of the screen; empty where it is told by the help only.
    pub short: &'static str,
    /// The sentence of the help.
    pub long: &'static str,
}

use Key::{Char, Code, Ctrl};

macro_rules! table {
    ($($keys:expr, $name:literal, $verb:expr, $short:literal, $long:literal;)*) => {
        /// Every key, in the order of the help; what stands first stays longest at the bottom of a narrow screen.
        pub(super) const TABLE: &[Binding] = &[
            $(Binding { keys: &$keys, name: $name, verb: $verb, short: $short, long: $long },)*
        ];
    };
}

table! {
    [Char('a')], "a", Verb::Act(Act::Answer), "answer", "answer what an agent has asked, or the thread that is open";
    [Char('t')], "t", Verb::Attach, "attach", "enter the agent's session; leave it with the prefix key and d";
    [Char('c')], "c", Verb::Check, "check", "judge every gate now; nothing is changed";
    [Char('m')], "m", Verb::Act(Act::Merge), "merge", "merge the run's branches into their bases; the run stays open";
    [Char('C')], "C", Verb::Act(Act::Close), "close", "merge, close the tickets and publish the record";
    [Char('i')], "i", Verb::Act(Act::Iterate), "iterate", "say what is still to be done; the agents go on with it";
    [Char('r')], "r", Verb::Act(Act::Resume), "resume", "go on with what is not done";
    [Char('s')], "s", Verb::Act(Act::Stop), "stop", "end the sessions and keep everything";
    [Char('R')], "R", Verb::Act(Act::Restart), "restart", "end the agents and start them again";
    [Char('w')], "w", Verb::Act(Act::Commit), "commit", "commit what agents left on their run branches";
    [Char('u')], "u", Verb::Act(Act::Update), "update", "take base into the run's branches";
    [Char('x')], "x", Verb::Act(Act::Complete), "complete", "say that the work is done";
    [Char('D')], "D", Verb::Act(Act::Discard), "discard", "give the run up; its work is kept under rescue refs";
    [Char('X')], "X", Verb::Act(Act::Cleanup), "cleanup", "remove the workspaces of a run that is over";
    [Char('/')], "/", Verb::Filter, "filter", "show only runs that hold these words";
    [Char('o')], "o", Verb::Scope, "open/all", "show open runs, or all of them";
    [Code(KeyCode::Enter)], "Enter", Verb::Open, "", "go into the run, open the thread";
    [Code(KeyCode::Esc)], "Esc", Verb::Back, "", "close what is open, go back to the runs";
    [Code(KeyCode::Up), Char('k')], "\u{2191} k", Verb::Up, "", "one up";
    [Code(KeyCode::Down), Char('j')], "\u{2193} j", Verb::Down, "", "one down";
    [Code(KeyCode::Left), Char('h')], "\u{2190} h", Verb::Left, "", "to the runs";
    [Code(KeyCode::Right), Char('l')], "\u{2192} l", Verb::Right, "", "to the chosen run";
    [Code(KeyCode::PageUp), Ctrl('b')], "PgUp", Verb::PageUp, "", "a page up";
    [Code(KeyCode::PageDown), Ctrl('f'), Char(' ')], "PgDn", Verb::PageDown, "", "a page down";
    [Code(KeyCode::Home), Char('g')], "Home g", Verb::Top, "", "to the beginning";
    [Code(KeyCode::End), Char('G')], "End G", Verb::End, "", "to the end";
    [Code(KeyCode::Tab)], "Tab", Verb::NextTab, "", "to the next tab";
    [Code(KeyCode::BackTab)], "Shift-Tab", Verb::LastTab, "", "to the tab before";
    [Char('1')], "1", Verb::Tab(Tab::Overview), "", "overview: what needs you, steps, agents, documents";
    [Char('2')], "2", Verb::Tab(Tab::Agents), "", "agents and what they print";
    [Char('3')], "3", Verb::Tab(Tab::Gates), "", "gates, and what clears them";
    [Char('4')], "4", Verb::Tab(Tab::Guidance), "", "questions and their answers";
    [Char('5')], "5", Verb::Tab(Tab::Forum), "", "threads of the forum";
    [Char('6')], "6", Verb::Tab(Tab::Diff), "", "what the run changed";
    [Char('7')], "7", Verb::Tab(Tab::Docs), "", "documents of the tickets";
    [Char('8')], "8", Verb::Tab(Tab::Journal), "", "what happened, when, by whom";
    [Char('[')], "[", Verb::LastAgent, "", "the agent before";
    [Char(']')], "]", Verb::NextAgent, "", "the next agent";
    [Ctrl('l'), Code(KeyCode::F(5))], "Ctrl-L", Verb::Reload, "", "look again, and draw everything anew";
    [Char('?'), Code(KeyCode::F(1))], "?", Verb::Help, "help", "these keys";
    [Char('q'), Ctrl('c')], "q", Verb::Quit, "quit", "leave; agents go on";
}

/// What a key means; `None` where it means nothing.
pub(super) fn verb_of(event: KeyEvent) -> Option<Verb> {
    TABLE.iter().find(|binding| binding.keys.iter().any(|key| key.is(event))).map(|binding| binding.verb)
}

/// How the key of a verb is called.
pub(super) fn name_of(verb: Verb) -> &'static str {
    TABLE.iter().find(|binding| binding.verb == verb).map_or("", |binding| binding.name)
}

/// The word of a verb.
pub(super) fn word_of(verb: Verb) -> &'static str {
    TABLE.iter().find(|binding| binding.verb == verb).map_or("", |binding| binding.short)
}

/// The help, from the table of keys.
pub(super) fn help() -> String {
    let screen = Screen::keeping();
    let mut text = String::new();
    for binding in TABLE {
        let key = screen.paint(Paint::Bold, &format!("{:<10}", binding.name));
        let _ = writeln!(text, "{key} {}", binding.long);
    }
    text.push_str(
        "\nWhat changes anything shows its plan first and asks; y does it, any other answer does not.\n",
    );
    text.push_str("In a box for words: Enter goes on, Alt-Enter or Ctrl-J begins a new line, Esc leaves and keeps them.\n");
    text.push_str("In the list: ? an agent asks, ! something else needs you.\n");
    text
}

impl Key {
    fn is(self, event: KeyEvent) -> bool {
        let held = event.modifiers.intersection(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match self {
            Self::Char(c) => held.is_empty() && event.code == KeyCode::Char(c),
            Self::Ctrl(c) => held == KeyModifiers::CONTROL && event.code == KeyCode::Char(c),
            Self::Code(code) => held.is_empty() && event.code == code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_and_every_verb_has_one_line() {
        let all: Vec<String> =
            TABLE.iter().flat_map(|b| b.keys.iter().map(|key| format!("{key:?}"))).collect();
        for (index, key) in all.iter().enumerate() {
            assert!(!all[index + 1..].contains(key), "{key} stands twice");
        }
        for (index, binding) in TABLE.iter().enumerate() {
            assert!(TABLE[index + 1..].iter().all(|other| other.verb != binding.verb), "{}", binding.name);
            assert!(!binding.long.is_empty() && !binding.name.is_empty());
        }
    }

    #[test]
    fn keys_are_told_apart_by_what_is_held_with_them() {
        let event = |code, held| KeyEvent::new(code, held);
        let plain = KeyModifiers::NONE;
        assert_eq!(verb_of(event(KeyCode::Char('q'), plain)), Some(Verb::Quit));
        assert_eq!(verb_of(event(KeyCode::Char('C'), KeyModifiers::SHIFT)), Some(Verb::Act(Act::Close)));
        assert_eq!(verb_of(event(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Verb::Quit));
        assert_eq!(verb_of(event(KeyCode::Char('q'), KeyModifiers::ALT)), None);
        assert_eq!(verb_of(event(KeyCode::Char('9'), plain)), None);
    }
}
