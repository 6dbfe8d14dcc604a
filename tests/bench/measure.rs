//! Measuring: a subject against a floor, taken in turns in the same run, so that a busy machine slows both.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What went wrong, as a full sentence.
pub type Failed = String;

/// Runs a command to its end; one of these exit statuses counts as success.
pub fn run(command: &mut Command, statuses: &[i32]) -> Result<String, Failed> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("{} did not start: {e}.", line_of(command)))?;
    if output.status.code().is_some_and(|code| statuses.contains(&code)) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{}` ended with {}:\n{}", line_of(command), output.status, stderr.trim_end()))
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// How wide the first column is.
const WIDTH: usize = 56;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// What was measured.
    pub work: String,
    /// What it was measured against.
    pub against: String,
    /// Median of the floor.
    pub floor: Duration,
    /// Median of ours.
    pub ours: Duration,
    /// The ratio that may not be passed.
    pub budget: f64,
}

impl Ratio {
    /// Ours over the floor.
    pub fn ratio(&self) -> f64 {
        self.ours.as_secs_f64() / self.floor.as_secs_f64().max(f64::EPSILON)
    }

    /// Whether the budget holds.
    pub fn holds(&self) -> bool {
        self.ratio() <= self.budget
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        let verdict = if self.holds() { "ok" } else { "OVER" };
        let (floor, ours) = (ms(self.floor), ms(self.ours));
        write!(
            f,
            "{:<WIDTH$} {ours:>9.1} {floor:>9.1} {:>6.2} {:>6.2}  {verdict:<4}  {}",
            self.work,
            self.ratio(),
            self.budget,
            self.against
        )
    }
}

/// What something costs on top of a floor, each time.
#[derive(Debug, Clone)]
pub struct Extra {
    /// What was measured.
    pub work: String,
    /// What it was measured against.
    pub against: String,
    /// Median of the floor.
    pub floor: Duration,
    /// Median of ours.
    pub ours: Duration,
    /// What may come on top.
    pub budget: Duration,
}

impl Extra {
    /// What comes on top.
    pub fn extra(&self) -> Duration {
        self.ours.saturating_sub(self.floor)
    }

    /// Whether the budget holds.
    pub fn holds(&self) -> bool {
        self.extra() <= self.budget
    }
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        let verdict = if self.holds() { "ok" } else { "OVER" };
        let (floor, ours) = (ms(self.floor), ms(self.ours));
        let (extra, budget) = (ms(self.extra()), ms(self.budget));
        write!(
            f,
            "{:<WIDTH$} {ours:>9.1} {floor:>9.1} {extra:>+6.1} {budget:>+6.1}  {verdict:<4}  {}",
            self.work, self.against
        )
    }
}

/// The most memory that a command held.
#[derive(Debug, Clone)]
pub struct Peak {
    /// What was measured.
    pub work: String,
    /// Kibibytes resident at the worst moment.
    pub kib: u64,
    /// The most that is allowed.
    pub budget_kib: u64,
}

impl Peak {
    /// Whether the budget holds.
    pub fn holds(&self) -> bool {
        self.kib <= self.budget_kib
    }
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() { "ok" } else { "OVER" };
        let mib = |kib: u64| Duration::from_millis(kib * 1000 / 1024).as_secs_f64();
        let (peak, budget) = (mib(self.kib), mib(self.budget_kib));
        write!(
            f,
            "{:<WIDTH$} {peak:>9.1} {:>9} {:>6} {budget:>6.0}  {verdict:<4}  MiB resident",
            self.work, "", ""
        )
    }
}

/// How often a program was started.
#[derive(Debug, Clone)]
pub struct Count {
    /// What was measured.
    pub work: String,
    /// How often it was.
    pub starts: usize,
    /// How often it may be.
    pub most: usize,
}

impl Count {
    /// Whether the budget holds.
    pub fn holds(&self) -> bool {
        self.starts <= self.most
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() { "ok" } else { "OVER" };
        write!(
            f,
            "{:<WIDTH$} {:>9} {:>9} {:>6} {:>6}  {verdict:<4}  processes",
            self.work, self.starts, "", "", self.most
        )
    }
}

/// How busy the machine was, for the end of the table.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("load of the machine at the end: {load}, on {cores} cores")
}

/// Runs a command to its end and tells the most memory it held, in kibibytes, as the kernel counted it until a
/// millisecond before the end.
pub fn peak_of(command: &mut Command, statuses: &[i32]) -> Result<u64, Failed> {
    let line = line_of(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.map_err(|e| format!("{line} did not start: {e}."))?;
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let told =
            text.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(told.unwrap_or(0));
        match child.try_wait().map_err(|e| format!("{line}: {e}."))? {
            Some(status) => break status,
            None => std::thread::park_timeout(Duration::from_millis(1)),
        }
    };
    if status.code().is_some_and(|code| statuses.contains(&code)) && peak > 0 {
        return Ok(peak);
    }
    Err(format!("`{line}` ended with {status} and {peak} KiB."))
}

/// The head of the table.
pub fn head() -> String {
    format!(
        "{:<WIDTH$} {:>9} {:>9} {:>6} {:>6}  {:<4}  floor",
        "work", "ours ms", "floor ms", "ratio", "budget", ""
    )
}

/// Runs both in turns, once unmeasured and `times` measured, and returns the medians (floor, ours). Both are
/// told the number of the turn; the one that begins changes with it. What both cost in processor time, which a busy
/// machine hardly changes, is told on standard error: it holds no server's work, such as that of tmux.
pub fn in_turns(
    times: usize,
    mut floor: impl FnMut(usize) -> Result<(), Failed>,
    mut ours: impl FnMut(usize) -> Result<(), Failed>,
) -> Result<(Duration, Duration), Failed> {
    let (mut floors, mut all_ours) = (Times::default(), Times::default());
    for turn in 0..=times {
        if turn % 2 == 0 {
            floors.add(|| floor(turn))?;
            all_ours.add(|| ours(turn))?;
        } else {
            all_ours.add(|| ours(turn))?;
            floors.add(|| floor(turn))?;
        }
    }
    let (cpu_ours, cpu_floor) = (all_ours.cpu_millis(), floors.cpu_millis());
    eprintln!("  processor time a turn: ours {cpu_ours:.1} ms, floor {cpu_floor:.1} ms");
    Ok((median(&floors.elapsed[1..]), median(&all_ours.elapsed[1..])))
}

/// What one side took.
#[derive(Default)]
struct Times {
    elapsed: Vec<Duration>,
    ticks: u64,
}

impl Times {
    fn add(&mut self, act: impl FnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
        let (begun, ticks) = (Instant::now(), ticks_of_children());
        act()?;
        self.elapsed.push(begun.elapsed());
        self.ticks += ticks_of_children() - ticks;
        Ok(())
    }

    /// Milliseconds of processor time a turn, the unmeasured one included. Linux counts them for people in hundredths.
    fn cpu_millis(&self) -> f64 {
        Duration::from_millis(self.ticks * 10).as_secs_f64() * 1000.0
            / Duration::from_secs(self.elapsed.len().max(1) as u64).as_secs_f64()
    }
}

/// The processor time of all children that have ended, in ticks.
fn ticks_of_children() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(13).take(2).filter_map(|n| n.parse::<u64>().ok()).sum()
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Runs the jobs on two threads, as many as the machine of the budgets has cores.
pub fn on_two_threads(jobs: Vec<Command>) -> Result<(), Failed> {
    let mut halves = [Vec::new(), Vec::new()];
    for (index, job) in jobs.into_iter().enumerate() {
        halves[index % 2].push(job);
    }
    std::thread::scope(|scope| {
        let started = halves.map(|half| {
            scope.spawn(|| half.into_iter().try_for_each(|mut job| run(&mut job, &[0]).map(drop)))
        });
        started
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("A job panicked.".into())))
    })
}
