//! What hooks say inside somebody's git command, and what `hooks` shows.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::hooks::{Change, HookFile};
use crate::model::{Bypass, Run};
use crate::service::{HookAnswer, HookProof, HookRefusal, HooksInstalled, HooksProven, ServiceError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Says what a hook decided; the exit code that git waits for.
pub fn hook_answer(screen: &Screen, answer: &HookAnswer) -> ExitCode {
    for note in &answer.notes {
        screen.complaint(&format!("git-metawsm: {}", escape(note)));
    }
    match &answer.refusal {
        None => ExitCode::SUCCESS,
        Some(refusal) => {
            screen.complaint(refused(screen, refusal).trim_end());
            ExitCode::FAILURE
        }
    }
}

fn refused(screen: &Screen, refusal: &HookRefusal) -> String {
    let mut text = format!("{} {}\n", screen.paint_story(Paint::Bad, "git-metawsm:"), escape(&refusal.what));
    for run in &refusal.runs {
        let commits =
            if run.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", run.commits) };
        let _ = writeln!(
            text,
            "  {} ({}), {commits} of {}:",
            escape(&run.run),
            escape(&run.title),
            escape(&run.repo)
        );
        for (gate, blocker) in &run.blockers {
            let place = if blocker.place.is_empty() {
                String::new()
            } else {
                format!("{}: ", escape(&blocker.place))
            };
            let _ = writeln!(text, "    {}: {place}{}", escape(gate), escape(&blocker.what));
            let _ = writeln!(text, "      {}", escape(&blocker.command));
        }
    }
    for file in &refusal.files {
        let _ = writeln!(text, "  {}: {}", escape(&file.path), file.why);
    }
    let _ = writeln!(text, "{}", refusal.left);
    if let Some(command) = &refusal.restore {
        let _ = writeln!(text, "  {}", escape(command));
    }
    if !refusal.next.is_empty() {
        let _ = writeln!(text, "To see what is missing, and to bring it in once nothing is:");
        for command in &refusal.next {
            let _ = writeln!(text, "  {}", escape(command));
        }
    }
    // On a server nobody hears the variable.
    if !refusal.next.is_empty() && !refusal.runs.is_empty() {
        let _ = writeln!(
            text,
            "To let this one command pass, with a reason that is kept: METAWSM_BYPASS='<reason>' git ..."
        );
    }
    text
}

/// Says that a hook could not judge; the exit code that git waits for.
pub fn hook_failed(screen: &Screen, hook: &str, error: &ServiceError, closed: bool) -> ExitCode {
    let (what, code) = if closed {
        ("so it is refused", ExitCode::FAILURE)
    } else {
        ("so it passes unjudged", ExitCode::SUCCESS)
    };
    let why = error.to_string();
    screen.complaint(&format!("git-metawsm: {} could not judge, {what}: {}", escape(hook), escape(&why)));
    code
}

/// Shows what became of hooks.
pub fn hooks_changed(screen: &Screen, reports: &[HooksInstalled]) {
    if screen.json {
        screen.answer_json(json!({ "repos": reports.iter().map(changed_json).collect::<Vec<_>>() }));
        return;
    }
    let mut text = String::new();
    for report in reports {
        let _ = writeln!(text, "{}", escape(&report.repo.display().to_string()));
        if let Some(why) = &report.foreign {
            let _ = writeln!(text, "  nothing is written here, because {}", escape(why));
        }
        if report.changes.is_empty() && report.foreign.is_none() {
            text.push_str("  no hook of ours\n");
        }
        for (name, change) in &report.changes {
            if report.foreign.is_none() {
                let _ = writeln!(text, "  {} {name}", word(screen, change));
            }
        }
        for (file, line) in &report.by_hand {
            let _ = writeln!(text, "  the line to add to {}:", escape(&file.display().to_string()));
            let _ = writeln!(text, "    {}", escape(line));
        }
    }
    screen.answer(&text);
}

fn word(screen: &Screen, change: &Change) -> String {
    match change {
        Change::Installed => screen.paint(Paint::Good, "installed"),
        Change::Removed => screen.paint(Paint::Good, "removed"),
        Change::Unchanged => "unchanged".to_owned(),
        Change::LeftAlone(why) => format!("{} ({}):", screen.paint(Paint::Warn, "left alone"), escape(why)),
    }
}

fn changed_json(report: &HooksInstalled) -> Value {
    let change = |(name, change): &(&str, Change)| {
        let (word, why) = match change {
            Change::Installed => ("installed", None),
            Change::Removed => ("removed", None),
            Change::Unchanged => ("unchanged", None),
            Change::LeftAlone(why) => ("left_alone", Some(why)),
        };
        json!({ "hook": name, "change": word, "why": why })
    };
    json!({
        "repo": report.repo,
        "dir": report.dir,
        "foreign": report.foreign,
        "hooks": report.changes.iter().map(change).collect::<Vec<_>>(),
        "by_hand": report.by_hand.iter().map(|(file, line)| json!({ "file": file, "line": line })).collect::<Vec<_>>(),
    })
}

/// Shows which hooks fire; the exit code says whether any does not that should.
pub fn hooks_proven(screen: &Screen, reports: &[HooksProven]) -> ExitCode {
    let bad = reports.iter().flat_map(|r| &r.proofs).any(|proof| proof.fires == Some(false));
    let code = if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if screen.json {
        screen.answer_json(json!({ "repos": reports.iter().map(proven_json).collect::<Vec<_>>() }));
        return code;
    }
    let mut text = String::new();
    for report in reports {
        let open = if report.open.is_empty() { "no run is open".to_owned() } else { report.open.join(", ") };
        let _ = writeln!(text, "{}  ({})", escape(&report.repo.display().to_string()), escape(&open));
        if let Some(why) = &report.foreign {
            let _ = writeln!(text, "  nothing of ours is written here, because {}", escape(why));
        }
        let mut places: BTreeMap<_, Vec<&HookProof>> = BTreeMap::new();
        for proof in &report.proofs {
            places.entry(&proof.place).or_default().push(proof);
        }
        for (place, proofs) in places {
            let _ = writeln!(text, "  {}", escape(&place.display().to_string()));
            for proof in proofs {
                let _ = writeln!(text, "    {:<22} {}", proof.hook, state(screen, proof));
            }
        }
    }
    screen.answer(&text);
    code
}

fn state(screen: &Screen, proof: &HookProof) -> String {
    let millis = format!("{}.{} ms", proof.micros / 1000, proof.micros % 1000 / 100);
    match (&proof.is, proof.fires) {
        (_, Some(true)) => format!("{} ({millis} with git's own start)", screen.paint(Paint::Good, "fires")),
        (_, Some(false)) => {
            let file = escape(&proof.file.display().to_string());
            format!("{}: git does not reach {file}", screen.paint(Paint::Bad, "does not fire"))
        }
        (HookFile::Missing, _) => "not installed".to_owned(),
        (HookFile::Foreign(why), _) => {
            format!(
                "{} {} ({})",
                screen.paint(Paint::Warn, "not ours:"),
                escape(&proof.file.display().to_string()),
                escape(why)
            )
        }
        (HookFile::Ours | HookFile::Script, _) => {
            format!(
                "{} {}",
                screen.paint(Paint::Warn, "not ours:"),
                escape(&proof.file.display().to_string())
            )
        }
    }
}

fn proven_json(report: &HooksProven) -> Value {
    let proof = |proof: &HookProof| {
        let (is, why) = match &proof.is {
            HookFile::Missing => ("missing", None),
            HookFile::Ours => ("ours", None),
            HookFile::Script => ("script", None),
            HookFile::Foreign(why) => ("foreign", Some(why)),
        };
        json!({ "place": proof.place, "hook": proof.hook, "file": proof.file, "is": is, "why": why,
            "fires": proof.fires, "micros": proof.micros })
    };
    json!({ "repo": report.repo, "open": report.open, "foreign": report.foreign,
        "hooks": report.proofs.iter().map(proof).collect::<Vec<_>>() })
}

/// Shows that somebody answered for a bypass.
pub fn hooks_acknowledged(screen: &Screen, run: &Run, bypass: &Bypass) {
    if screen.json {
        screen.answer_json(json!({ "run": run.id, "bypass": bypass.id, "reason": bypass.reason }));
        return;
    }
    screen.answer(&format!(
        "{}: {} stands: {}\n",
        run.id,
        bypass.id,
        escape(bypass.reason.as_deref().unwrap_or_default())
    ));
}
