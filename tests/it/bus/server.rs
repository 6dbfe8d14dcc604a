//! A Redis server of a test, on loopback with a password and on a unix socket.

use crate::kit::{World, wait_for};
use redis::{Commands, Connection, Value};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the server wants to hear.
pub const PASSWORD: &str = "open-sesame";

/// A server that ends with its test.
pub struct Server {
    world_dir: PathBuf,
    env: Vec<(&'static str, std::ffi::OsString)>,
    port: u16,
    keeps: bool,
    child: Option<Child>,
}

impl Server {
    /// One that forgets everything when it is killed.
    pub fn forgetful(world: &World) -> Self {
        Self::new(world, false)
    }

    /// One that keeps what it was told, but for its last second.
    pub fn durable(world: &World) -> Self {
        Self::new(world, true)
    }

    fn new(world: &World, keeps: bool) -> Self {
        let dir = world.root().join("redis");
        std::fs::create_dir_all(&dir).expect("a folder");
        let mut server = Self { world_dir: dir, env: world.env(), port: 0, keeps, child: None };
        // Somebody else may take the port between the look and the start.
        for _ in 0..20 {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
            server.port = free.port();
            if server.try_start() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    /// Starts it where it was.
    pub fn start(&mut self) {
        assert!(self.try_start(), "redis-server starts again");
    }

    fn try_start(&mut self) -> bool {
        let port = self.port.to_string();
        let socket = self.socket();
        let mut command = Command::new("redis-server");
        command.env_clear().envs(self.env.clone()).current_dir(&self.world_dir);
        command.args(["--bind", "127.0.0.1", "--port", &port, "--requirepass", PASSWORD, "--save", ""]);
        command.args(["--appendonly", if self.keeps { "yes" } else { "no" }, "--daemonize", "no"]);
        command.arg("--unixsocket").arg(&socket).arg("--dir").arg(&self.world_dir);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("redis-server is there");
        let answers = wait_for("redis answers, or has ended", Duration::from_secs(60), || {
            if child.try_wait().expect("a child").is_some() {
                return Some(false);
            }
            let mut connection = connect(&self.url())?;
            let pong: Result<String, _> = redis::cmd("PING").query(&mut connection);
            pong.is_ok().then_some(true)
        });
        self.child = Some(child);
        answers
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
    }

    /// Its address, with the password.
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/0", self.port)
    }

    /// Its address with another password.
    pub fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}/0", self.port)
    }

    /// Its address without a password.
    pub fn bare_url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn socket(&self) -> PathBuf {
        self.world_dir.join("s")
    }

    /// Its address in the file system.
    pub fn socket_url(&self) -> String {
        format!("redis+unix://{}?db=0&pass={PASSWORD}", self.socket().display())
    }

    /// A client.
    pub fn client(&self) -> Connection {
        connect(&self.url()).expect("it answers")
    }

    /// The keys of streams.
    pub fn streams(&self) -> Vec<String> {
        let keys: Vec<String> = self.client().keys("*").expect("keys");
        keys.into_iter().filter(|key| !key.ends_with(":epoch")).collect()
    }

    /// The only stream.
    #[track_caller]
    pub fn stream(&self) -> String {
        let mut all = self.streams();
        assert_eq!(all.len(), 1, "one stream");
        all.remove(0)
    }

    /// The names of the groups of the stream.
    pub fn groups(&self) -> Vec<String> {
        let answer: Value =
            redis::cmd("XINFO").arg("GROUPS").arg(self.stream()).query(&mut self.client()).expect("groups");
        let Value::Array(groups) = answer else { panic!("groups") };
        let name = |group: &Value| match group {
            Value::Array(fields) => redis::from_redis_value_ref::<String>(&fields[1]).expect("a name"),
            _ => panic!("a group"),
        };
        groups.iter().map(name).collect()
    }

    /// How many entries wait to be acknowledged in all groups.
    pub fn pending(&self) -> usize {
        let of = |group: &String| {
            let answer: Value = redis::cmd("XPENDING")
                .arg(self.stream())
                .arg(group)
                .query(&mut self.client())
                .expect("what is pending");
            let Value::Array(fields) = answer else { panic!("what is pending") };
            redis::from_redis_value_ref::<usize>(&fields[0]).expect("a number")
        };
        self.groups().iter().map(of).sum()
    }
}

fn connect(url: &str) -> Option<Connection> {
    redis::Client::open(url).ok()?.get_connection_with_timeout(Duration::from_secs(5)).ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
