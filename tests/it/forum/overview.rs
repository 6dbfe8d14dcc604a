//! What the index says of threads is what a plain look at all files says, whatever happened in between.

use crate::cmd::stage::{Stage, WORKS};
use crate::kit::{Repo, all, seed};
use git_metawsm::model::{Actor, ActorKind, EventWhat, ForumEvent, Priority, RunId, ThreadId, ThreadState};
use git_metawsm::service::forum::{self, ThreadFilter};
use git_metawsm::service::{self, Caller, Control};
use git_metawsm::store::Store;
use git_metawsm::sys::signals::Interrupt;
use jiff::Timestamp;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Random numbers that the seed gives.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most as u64).expect("small")
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

fn caller(repo: &Repo) -> Caller {
    Caller {
        cwd: repo.path().to_owned(),
        root: Some(repo.path().to_owned()),
        policy: None,
        wait: Duration::from_secs(10),
        interrupt: Interrupt::default(),
        below_agent: None,
        run_hint: None,
    }
}

fn control(repo: &Repo) -> Control {
    service::control(&caller(repo)).expect("the control repository")
}

fn run_ids() -> Vec<RunId> {
    ["one", "two"].map(|id| RunId::parse(id).expect("an id")).to_vec()
}

/// Everything that lists and counts say.
fn told(repo: &Repo) -> Vec<String> {
    let control = control(repo);
    let mut told = Vec::new();
    for run in run_ids() {
        let found = forum::escalated(&control, &run).expect("it looks");
        told.extend(found.iter().map(|thread| format!("escalated {run} {thread:?}")));
    }
    let listed = forum::list(&caller(repo), &ThreadFilter::default(), 10_000).expect("it lists");
    told.extend(listed.threads.iter().map(|found| format!("{} {:?}", found.escalated, found.thread)));
    let mut odd = listed.odd;
    odd.sort();
    told.extend(odd);
    told
}

struct Play {
    stage: Stage,
    other: Repo,
    dice: Dice,
    ids: Vec<ThreadId>,
    lamport: u64,
}

impl Play {
    fn new(seed: u64) -> Self {
        let stage = Stage::with(WORKS);
        stage.repo.with_origin();
        let place = stage.repo.path().with_file_name("other");
        let origin = stage.repo.path().with_extension("origin.git");
        stage.repo.git(["clone", "-q", &origin.to_string_lossy(), &place.to_string_lossy()]);
        stage.repo.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
        let other = stage.repo.seen_from(&place);
        other.git(["config", "user.name", "Bob"]);
        other.git(["config", "user.email", "bob@example.org"]);
        Self { stage, other, dice: Dice(seed), ids: Vec::new(), lamport: 1 }
    }

    fn repo(&self) -> &Repo {
        &self.stage.repo
    }

    fn forum(&self) -> PathBuf {
        self.repo().common_dir().join("metawsm/forum")
    }

    fn dirs(&self, depth: usize) -> Vec<PathBuf> {
        let mut found = vec![self.forum()];
        for _ in 0..depth {
            let below = |dir: &PathBuf| fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
            found = found.iter().flat_map(below).collect();
        }
        found.sort();
        found
    }

    fn store_of(repo: &Repo) -> Store {
        Store::at(&repo.common_dir(), Some(repo.path()))
    }

    fn event(&mut self, thread: ThreadId, what: EventWhat) -> ForumEvent {
        self.lamport += 1;
        let ago = i64::try_from(self.dice.below(4000)).expect("small");
        let at = Timestamp::from_second(Timestamp::now().as_second() - ago).expect("a time");
        let actor = Actor { kind: ActorKind::Human, name: "Ada".to_owned() };
        ForumEvent::new(thread, what, self.lamport, at, actor)
    }

    fn opens(&mut self, elsewhere: bool) {
        let id = git_metawsm::store::new_thread_id().expect("an id");
        let mut event = self.event(id.clone(), EventWhat::Opened);
        event.lamport = 1;
        event.title = Some(format!("No {}", self.lamport));
        event.body = Some("Why?".to_owned());
        event.priority = self.dice.one(Priority::ALL).copied();
        event.run = if self.dice.below(4) == 0 { None } else { self.dice.one(&run_ids()).cloned() };
        let repo = if elsewhere { &self.other } else { self.repo() };
        Self::store_of(repo).add_event(None, &event).expect("it is written");
        self.ids.push(id);
    }

    fn speaks(&mut self, elsewhere: bool) {
        let Some(id) = self.dice.one(&self.ids.clone()).cloned() else { return };
        let whats =
            [EventWhat::Answered, EventWhat::Closed, EventWhat::StateChanged, EventWhat::PriorityChanged];
        let what = *self.dice.one(&whats).expect("one");
        let mut event = self.event(id.clone(), what);
        event.body = (what == EventWhat::Answered).then(|| "So.".to_owned());
        event.state = (what == EventWhat::StateChanged).then_some(ThreadState::WaitingHuman);
        event.priority =
            if what == EventWhat::PriorityChanged { self.dice.one(Priority::ALL).copied() } else { None };
        let repo = if elsewhere { &self.other } else { self.repo() };
        let store = Self::store_of(repo);
        let month = store.find_thread(&id).expect("it looks").map(|files| files.month);
        // Something else may lie in its place.
        drop(store.add_event(month.as_deref(), &event));
    }

    fn elsewhere(&mut self) {
        self.other.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        self.opens(true);
        self.speaks(true);
        self.stage.world.run(["publish"]).at(&self.other).ok();
        self.other.git(["push", "-q"]);
    }

    fn pull(&self) {
        self.repo().try_git(["pull", "-q", "--no-rebase", "--no-edit"]);
    }

    /// What a careless hand, a backup or another program does to the files.
    fn meddle(&mut self) {
        let threads = self.dirs(2);
        let Some(thread) = self.dice.one(&threads).cloned() else { return };
        let month = thread.parent().expect("a month").to_owned();
        let name = thread.file_name().expect("a name").to_owned();
        let files = fs::read_dir(&thread).into_iter().flatten().flatten().map(|e| e.path());
        let files: Vec<_> = files.collect();
        let others = ["2020-01", "2031-12"].map(|month| self.forum().join(month));
        let place = others[self.dice.below(2)].clone();
        match self.dice.below(9) {
            0 => drop(self.dice.one(&files).map(fs::remove_file)),
            1 => drop(fs::remove_dir_all(&thread)),
            2 => {
                fs::create_dir_all(&place).expect("a month");
                drop(fs::rename(&thread, place.join(&name)));
            }
            // What is written into a file that lies there already is damage: the index goes on to tell what it read.
            3 if place != month => {
                fs::create_dir_all(place.join(&name)).expect("a month");
                for file in &files {
                    drop(fs::copy(file, place.join(&name).join(file.file_name().expect("a name"))));
                }
            }
            4 => drop(fs::remove_dir_all(place)),
            5 => {
                let aside = self.forum().with_file_name("aside");
                drop(fs::remove_dir_all(&aside));
                fs::rename(&month, &aside).expect("it is moved");
                assert!(!told(self.repo()).iter().any(String::is_empty));
                fs::rename(&aside, &month).expect("it is moved back");
            }
            6 => drop(fs::write(month.join(format!("litter {}", self.lamport)), "x")),
            7 => {
                for litter in self.dirs(2).iter().filter(|path| path.is_file()) {
                    drop(fs::remove_file(litter));
                }
            }
            _ if thread.is_dir() => {
                fs::remove_dir_all(&thread).expect("it goes");
                fs::write(&thread, "no thread").expect("a file in its place");
            }
            _ => {}
        }
    }

    /// As if this much time had passed since the directories were last written to; or as if they were written while the
    /// clock stood in the future.
    fn age(&mut self, may_be_future: bool) {
        for depth in 1..=2 {
            for dir in self.dirs(depth) {
                let nanos = Duration::from_nanos(self.dice.below(1 << 30) as u64);
                let time = Duration::from_secs(5 + self.dice.below(500) as u64) + nanos;
                let now = SystemTime::now();
                let is_future = may_be_future && self.dice.below(4) == 0;
                let at = if is_future { now + time } else { now - time };
                let file = fs::File::open(&dir).expect("it opens");
                drop(file.set_modified(at));
            }
        }
    }

    fn harm_index(&mut self) {
        let path = self.index();
        let Ok(mut bytes) = fs::read(&path) else { return };
        match self.dice.below(4) {
            0 => return drop(fs::remove_file(path)),
            1 => bytes.truncate(bytes.len() / 2),
            2 => bytes.fill(b'x'),
            _ => {
                let at = self.dice.below(bytes.len());
                bytes[at] ^= 1 << self.dice.below(8);
            }
        }
        fs::write(path, bytes).expect("it is damaged");
    }

    fn index(&self) -> PathBuf {
        self.repo().common_dir().join("metawsm/index.db")
    }

    fn step(&mut self) -> &'static str {
        match self.dice.below(24) {
            0..4 => (self.opens(false), "opened").1,
            4..9 => (self.speaks(false), "spoke").1,
            9 | 10 => (drop(self.stage.run(&["publish"]).output()), "published").1,
            11 => (drop(self.repo().try_git(["push", "-q"])), "pushed").1,
            12 => (drop(forum::retire(&control(self.repo()))), "retired").1,
            13 | 14 => (self.elsewhere(), "elsewhere").1,
            15 => (self.pull(), "pulled").1,
            16 => (drop(self.repo().try_git(["reset", "-q", "--hard", "HEAD~1"])), "reset").1,
            17 => (self.harm_index(), "harmed the index").1,
            18 => (self.age(true), "clock moved").1,
            19 | 20 => (self.age(false), "aged").1,
            _ => (self.meddle(), "meddled").1,
        }
    }

    /// What is told while there is no index to ask.
    fn plain(&self) -> Vec<String> {
        let (path, aside) = (self.index(), self.index().with_extension("aside"));
        let had = fs::rename(&path, &aside).is_ok();
        fs::create_dir_all(&path).expect("nothing that could be asked");
        let found = told(self.repo());
        fs::remove_dir(&path).expect("it goes");
        if had {
            fs::rename(&aside, &path).expect("it comes back");
        }
        found
    }
}

fn difference(known: &[String], plain: &[String]) -> String {
    let lacks = plain.iter().filter(|line| !known.contains(line)).map(|line| format!("lacks {line}\n"));
    let more = known.iter().filter(|line| !plain.contains(line)).map(|line| format!("has {line}\n"));
    lacks.chain(more).collect()
}

fn status(stage: &Stage) -> serde_json::Value {
    let mut view = stage.json(&["status"]);
    view.as_object_mut().map(|view| view.remove("generated_at"));
    view
}

#[test]
fn what_the_index_says_is_what_a_plain_look_says() {
    let (plays, steps) = if all() { (6, 200) } else { (2, 70) };
    for nth in 0..plays {
        let seed = seed().wrapping_add(nth);
        let mut play = Play::new(seed);
        let mut story = Vec::new();
        for step in 0..steps {
            story.push(play.step());
            // Not each time, so that changes meet.
            if step % 2 == 0 {
                continue;
            }
            let plain = play.plain();
            for time in ["first", "second"] {
                let known = told(play.repo());
                assert_eq!(
                    known,
                    plain,
                    "the {time} time, seed {seed}, after {story:?}:\n{}",
                    difference(&known, &plain)
                );
            }
            if step % 20 == 19 {
                let known = status(&play.stage);
                let (path, aside) = (play.index(), play.index().with_extension("aside"));
                fs::rename(&path, &aside).expect("it goes aside");
                assert_eq!(known, status(&play.stage), "seed {seed}, after {story:?}");
                fs::rename(&aside, &path).expect("it comes back");
            }
        }
    }
}
