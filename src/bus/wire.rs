//! One connection: commands out, answers in, each within its time and its size.

use super::address::Door;
use super::{Address, BusError, BusResult};
use crate::model::title_of;
use redis::{Cmd, Parser, Value};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The most bytes of the answers to one batch of commands: the first and the last entry of a stream, an event of the
/// largest size each.
const MOST_BYTES: usize = 32 << 20;

/// Why reading stops at that size.
const TOO_LARGE: &str = "its answer has no end";

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the server has taken the connection.
    pub connect: Duration,
    /// Until it has answered one thing.
    pub answer: Duration,
    /// Until all is done, in any case.
    pub until: Option<Instant>,
}

impl Limits {
    /// For who has time.
    pub const LONG: Self =
        Self { connect: Duration::from_secs(3), answer: Duration::from_secs(10), until: None };

    /// For a command that somebody waits for, who never asked for Redis: all of it within this time.
    pub fn within(time: Duration) -> Self {
        Self { connect: time, answer: time, until: Some(Instant::now() + time) }
    }

    fn end_of_answer(&self) -> Instant {
        let end = Instant::now() + self.answer;
        self.until.map_or(end, |until| until.min(end))
    }
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Reads until a point in time, and so many bytes.
struct Patient<'a> {
    socket: &'a mut Socket,
    until: Instant,
    left: &'a mut usize,
    /// Why it stopped, which the parser swallows.
    why: &'a mut Option<String>,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stop = |why: &str| {
            *self.why = Some(why.to_owned());
            Err(io::Error::other(why.to_owned()))
        };
        if *self.left == 0 {
            return stop(TOO_LARGE);
        }
        loop {
            let time = self.until.saturating_duration_since(Instant::now());
            if time.is_zero() {
                return stop("its answer takes too long");
            }
            let most = buffer.len().min(*self.left);
            match self.socket.read(&mut buffer[..most], time) {
                Ok(0) => return stop("it broke the connection off"),
                Ok(read) => {
                    *self.left -= read;
                    return Ok(read);
                }
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted) => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return stop("its answer takes too long");
                }
                Err(e) => return stop(&e.to_string()),
            }
        }
    }
}

impl Socket {
    fn read(&mut self, buffer: &mut [u8], time: Duration) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.set_read_timeout(Some(time)).and_then(|()| socket.read(buffer)),
            Self::Unix(socket) => socket.set_read_timeout(Some(time)).and_then(|()| socket.read(buffer)),
        }
    }

    fn write(&mut self, bytes: &[u8], time: Duration) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.set_write_timeout(Some(time)).and_then(|()| socket.write(bytes)),
            Self::Unix(socket) => socket.set_write_timeout(Some(time)).and_then(|()| socket.write(bytes)),
        }
    }
}

/// A connection.
pub(super) struct Wire {
    socket: Socket,
    parser: Parser,
    address: Address,
    limits: Limits,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("address", &self.address)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// An answer: what the server gave, or the word and the words with which it refused.
pub(super) type Answer = Result<Value, (String, String)>;

impl Wire {
    /// Connects and introduces us.
    pub fn connect(address: &Address, limits: Limits) -> BusResult<Self> {
        let socket = open(&address.door, limits.connect)
            .map_err(|why| BusError::Away { place: address.to_string(), why })?;
        let mut wire = Self { socket, parser: Parser::new(), address: address.clone(), limits };
        let mut commands = Vec::new();
        if let Some(password) = &address.password {
            let mut auth = Cmd::new();
            auth.arg("AUTH");
            if let Some(user) = address.user.as_deref().filter(|user| !user.is_empty()) {
                auth.arg(user);
            }
            auth.arg(password);
            commands.push(auth);
        }
        if address.db != 0 {
            commands.push(redis::cmd("SELECT").arg(address.db).clone());
        }
        let mut answers = wire.ask_all(&commands)?.into_iter();
        if address.password.is_some() {
            // What a server says to a password that it does not know may repeat it.
            match answers.next() {
                Some(Ok(_)) => {}
                Some(Err((code, _))) if code == "LOADING" => return Err(wire.loading()),
                _ => return Err(wire.locked("does not take the password (or the user) of its address")),
            }
        }
        if let Some(Err((code, why))) = answers.next() {
            return Err(wire.refusal("SELECT", code, &why));
        }
        Ok(wire)
    }

    /// How long answers may take from now on.
    pub fn set_limit(&mut self, answer: Duration) {
        self.limits.answer = answer;
    }

    pub fn answer_limit(&self) -> Duration {
        self.limits.answer
    }

    /// The server, for people.
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// Asks one thing; a refusal is an error.
    pub fn ask(&mut self, command: &Cmd) -> BusResult<Value> {
        let answer = self.ask_all(std::slice::from_ref(command))?.pop();
        match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err((code, why))) => Err(self.refusal(&word_of(command), code, &why)),
            None => Err(self.odd(command, "there is none")),
        }
    }

    /// Asks several things at once.
    pub fn ask_all(&mut self, commands: &[Cmd]) -> BusResult<Vec<Answer>> {
        let until = self.limits.end_of_answer();
        let mut bytes = Vec::new();
        for command in commands {
            command.write_packed_command(&mut bytes);
        }
        self.send(&bytes, until)?;
        let mut left = MOST_BYTES;
        commands.iter().map(|command| self.receive(command, until, &mut left)).collect()
    }

    fn send(&mut self, mut bytes: &[u8], until: Instant) -> BusResult<()> {
        while !bytes.is_empty() {
            let time = until.saturating_duration_since(Instant::now());
            if time.is_zero() {
                return Err(self.away("it takes nothing more"));
            }
            match self.socket.write(bytes, time) {
                Ok(0) => return Err(self.away("it broke the connection off")),
                Ok(written) => bytes = &bytes[written..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(self.away("it takes nothing more"));
                }
                Err(e) => return Err(self.away(&e.to_string())),
            }
        }
        Ok(())
    }

    fn receive(&mut self, command: &Cmd, until: Instant, left: &mut usize) -> BusResult<Answer> {
        let mut why = None;
        let patient = Patient { socket: &mut self.socket, until, left, why: &mut why };
        match (self.parser.parse_value(patient), why) {
            (_, Some(why)) if why == TOO_LARGE => {
                Err(BusError::TooLarge { place: self.place(), command: word_of(command) })
            }
            (_, Some(why)) => Err(self.away(&why)),
            (Ok(Value::ServerError(error)), None) => {
                let code = title_of(error.code(), 40);
                let words = title_of(error.details().unwrap_or_default(), 200);
                Ok(Err((code, self.address.scrubbed(&words))))
            }
            (Ok(value), None) => Ok(Ok(value)),
            (Err(_), None) => Err(self.odd(command, "it is not what a Redis server says")),
        }
    }

    /// What a refusal comes to.
    pub fn refusal(&self, command: &str, code: String, why: &str) -> BusError {
        match code.as_str() {
            "NOAUTH" => self.locked(
                "asks for a password: name it in the address (METAWSM_REDIS_URL, or git config metawsm.forum.redis.url)",
            ),
            "WRONGPASS" => self.locked("does not take the password (or the user) of its address"),
            // Also what it says while it starts.
            "LOADING" => self.loading(),
            _ => {
                let command = command.to_owned();
                BusError::Refused { place: self.place(), command, why: format!("{code} {why}"), code }
            }
        }
    }

    pub fn odd(&self, command: &Cmd, why: &str) -> BusError {
        BusError::Odd { place: self.place(), command: word_of(command), why: why.to_owned() }
    }

    fn loading(&self) -> BusError {
        self.away("it is starting, and still reads its data")
    }

    fn locked(&self, why: &'static str) -> BusError {
        BusError::Locked { place: self.place(), why }
    }

    fn away(&self, why: &str) -> BusError {
        BusError::Away { place: self.place(), why: self.address.scrubbed(&title_of(why, 200)) }
    }
}

/// The first word of a command.
pub(super) fn word_of(command: &Cmd) -> String {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(word)) => String::from_utf8_lossy(word).into_owned(),
        _ => String::new(),
    }
}

fn open(door: &Door, limit: Duration) -> Result<Socket, String> {
    match door {
        Door::Unix(path) => {
            let path = path.clone();
            within(limit, "it takes no connection", move || UnixStream::connect(path).map(Socket::Unix))
        }
        Door::Tcp(host, port) => {
            let until = Instant::now() + limit;
            let mut why = "its name stands for no address".to_owned();
            for address in resolved(host, *port, limit)? {
                let time = until.saturating_duration_since(Instant::now());
                if time.is_zero() {
                    break;
                }
                match TcpStream::connect_timeout(&address, time) {
                    Ok(socket) => {
                        // It only saves time.
                        let _ = socket.set_nodelay(true);
                        return Ok(Socket::Tcp(socket));
                    }
                    Err(e) => why = e.to_string(),
                }
            }
            Err(why)
        }
    }
}

/// The addresses of a host.
fn resolved(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, String> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let asked = (host.to_owned(), port);
    within(limit, "its name is not resolved in time", move || asked.to_socket_addrs().map(Iterator::collect))
}

/// Does what knows no limit, such as asking the system's resolver, on a thread that may be left behind.
fn within<T: Send + 'static>(
    limit: Duration,
    late: &str,
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(act().map_err(|e| e.to_string()));
    });
    receiver.recv_timeout(limit).unwrap_or_else(|_| Err(late.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that takes one connection and does this with it.
    fn served(act: impl FnOnce(TcpStream) + Send + 'static) -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("redis://{}/0", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            if let Ok((socket, _)) = listener.accept() {
                act(socket);
            }
        });
        Address::parse(&address).expect("an address")
    }

    fn asked(address: &Address, time: Duration) -> BusResult<Value> {
        Wire::connect(address, Limits::within(time))?.ask(&redis::cmd("PING"))
    }

    /// Answers with this, and holds the connection open until the other side goes.
    fn says(bytes: &'static [u8]) -> Address {
        served(move |mut socket| {
            let _ = socket.write_all(bytes);
            let _ = io::copy(&mut socket, &mut io::sink());
        })
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn answers_are_understood_and_refusals_are_errors() {
        assert!(matches!(asked(&says(b"+PONG\r\n"), LONG), Ok(Value::SimpleString(word)) if word == "PONG"));
        let refused = asked(&says(b"-NOPERM \x1b[31mno\r\n"), LONG).expect_err("refused");
        assert!(refused.is_refusal("NOPERM"), "{refused}");
        let locked = asked(&says(b"-NOAUTH Authentication required.\r\n"), LONG).expect_err("locked");
        assert!(matches!(locked, BusError::Locked { .. }), "{locked}");
        let loading = asked(&says(b"-LOADING Redis is loading\r\n"), LONG).expect_err("not yet");
        assert!(matches!(loading, BusError::Away { .. }) && loading.may_pass(), "{loading}");
    }

    #[test]
    fn what_no_redis_says_is_an_error_and_no_more() {
        let odd: [&'static [u8]; 9] = [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"*9223372036854775807\r\n$1\r\na\r\n!!\r\n",
            b"%9223372036854775807\r\n+a\r\n+b\r\n!!!\r\n",
            b"$99999999999999999999\r\n",
            b":not a number\r\n",
            b"+\xff\xfe\r\n",
            b"|1\r\n+a\r\n+b\r\n?\r\n",
            b">1\r\n:1\r\n",
            b"\0\0\0\0",
        ];
        for bytes in odd {
            let error = asked(&says(bytes), Duration::from_secs(2)).expect_err("nothing to use");
            assert!(matches!(error, BusError::Odd { .. } | BusError::Away { .. }), "{bytes:?}: {error}");
        }
        let deep = served(|mut socket| drop(socket.write_all(&b"*1\r\n".repeat(100_000))));
        assert!(asked(&deep, LONG).is_err());
        let gone = served(drop);
        assert!(matches!(asked(&gone, LONG), Err(BusError::Away { .. })));
    }

    #[test]
    fn who_is_silent_slow_or_endless_costs_what_was_set_aside() {
        let begun = Instant::now();
        for address in [
            says(b""),
            says(b"$10\r\nabc"),
            // One byte after the other, each in time.
            served(|mut socket| {
                while socket.write_all(b"+").is_ok() {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }),
        ] {
            let error = asked(&address, Duration::from_millis(300)).expect_err("late");
            assert!(error.to_string().contains("takes too long"), "{error}");
        }
        assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
        let endless = served(|mut socket| {
            let _ = socket.write_all(b"$999999999\r\n");
            let block = vec![b'x'; 1 << 20];
            while socket.write_all(&block).is_ok() {}
        });
        let error = asked(&endless, LONG * 3).expect_err("too much");
        assert!(matches!(error, BusError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn a_server_that_repeats_the_password_is_not_repeated() {
        let echo = says(b"-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n");
        let url = format!("redis://:hunter2@{echo}/0");
        let error = asked(&Address::parse(&url).expect("an address"), LONG).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
