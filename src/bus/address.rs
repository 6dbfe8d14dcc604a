//! Where a Redis server is, and with what we introduce ourselves.

use super::{BusError, BusResult};
use redis::{ConnectionAddr, IntoConnectionInfo};
use std::fmt;
use std::path::PathBuf;

/// The door of a server.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Door {
    /// Host and port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// The address of a Redis server. Its `Debug` and its words hold no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) door: Door,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: i64,
}

impl Address {
    /// Parses `redis://[user][:password]@host[:port][/db]` or `redis+unix:///path[?db=1][&user=..][&pass=..]`.
    pub fn parse(url: &str) -> BusResult<Self> {
        let refuse = |why: &str| Err(BusError::Address { why: why.to_owned() });
        let url = url.trim();
        if url.starts_with("rediss:") || url.starts_with("valkeys:") {
            return refuse(
                "this version speaks no TLS; go through a tunnel (ssh -L, stunnel) and name its near end as redis://",
            );
        }
        if !["redis://", "valkey://", "redis+unix://", "valkey+unix://", "unix://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return refuse("it begins with none of redis:// and redis+unix://");
        }
        // What the parser says of a wrong address may repeat it, password and all.
        let Ok(info) = url.into_connection_info() else {
            return refuse(
                "it is none such as redis://:password@host:6379/0 or redis+unix:///run/redis.sock?db=0; \
                 in user and password, write @ as %40, / as %2F and : as %3A",
            );
        };
        let redis = info.redis_settings();
        let door = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Door::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Door::Unix(path.clone()),
            _ => return refuse("it is of a kind that this version does not know"),
        };
        Ok(Self {
            door,
            user: redis.username().map(str::to_owned),
            password: redis.password().map(str::to_owned),
            db: redis.db(),
        })
    }

    /// A text without our password in it.
    pub(super) fn scrubbed(&self, text: &str) -> String {
        match self.password.as_deref().filter(|password| !password.is_empty()) {
            Some(password) => text.replace(password, "***"),
            None => text.to_owned(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.door {
            Door::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Door::Tcp(host, port) => write!(f, "{host}:{port}"),
            Door::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("redis://127.0.0.1:6379/0", "127.0.0.1:6379", None, 0),
            ("redis://localhost", "localhost:6379", None, 0),
            ("redis://:secret@h:1/3", "h:1", Some("secret"), 3),
            ("redis://me:s%40c@[::1]:1/", "[::1]:1", Some("s@c"), 0),
            ("redis+unix:///run/r.sock?db=2&pass=x", "/run/r.sock", Some("x"), 2),
        ];
        for (url, shown, password, db) in cases {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.to_string(), shown);
            assert_eq!((address.password.as_deref(), address.db), (password, db), "{url}");
        }
    }

    #[test]
    fn no_words_about_an_address_hold_its_password() {
        for url in [
            "redis://:hunter2@h:notaport/0",
            "redis://:hunter2@/0",
            "rediss://:hunter2@h/0",
            "http://:hunter2@h/0",
            "redis://:hunter2@h/nodb",
            "hunter2",
            "redis+unix:///p?pass=hunter2&db=x",
        ] {
            let error = Address::parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let address = Address::parse("redis://:hunter2@h/0").expect("an address");
        assert!(!format!("{address} {address:?}").contains("hunter2"));
        assert_eq!(
            address.scrubbed("with args beginning with: 'hunter2'"),
            "with args beginning with: '***'"
        );
    }
}
