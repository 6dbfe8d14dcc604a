//! One question over HTTP, and its answer as a guarded stream of JSON.

use super::answer::complaint;
use super::guard::{ANSWER, Guard, Stop};
use super::{FederationError, FederationResult};
use crate::model::plain_line;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION};
use reqwest::{Method, Url};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::error::Error;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of an error's text that are read.
const COMPLAINT: u64 = 2048;
/// Characters of a foreign word in a sentence.
const WORD: usize = 120;

/// The end of the time, as a moment and in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub until: Instant,
    pub seconds: u64,
}

impl Limit {
    pub fn slow(self) -> FederationError {
        FederationError::Slow { seconds: self.seconds }
    }

    fn left(self) -> Option<Duration> {
        Some(self.until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

/// Talks HTTP. It follows nobody elsewhere, asks no proxy and unpacks nothing.
pub(super) struct Client {
    http: reqwest::blocking::Client,
}

impl Client {
    /// A client; with `secure`, one that knows this system's certificates.
    pub fn new(secure: bool) -> FederationResult<Self> {
        let unasked = |error: &dyn Error| FederationError::Unasked { why: innermost(error) };
        let http = reqwest::blocking::Client::builder()
            .tls_backend_preconfigured(tls(secure).map_err(|error| unasked(&error))?)
            .user_agent(concat!("git-metawsm/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .referer(false)
            .timeout(None)
            .build()
            .map_err(|error| unasked(&error))?;
        Ok(Self { http })
    }

    /// Asks, and gives the JSON that comes back to `read`.
    pub fn ask<T>(
        &self,
        method: &Method,
        url: Url,
        limit: Limit,
        read: impl FnOnce(&mut Json) -> Result<T, serde_json::Error>,
    ) -> FederationResult<T> {
        let left = limit.left().ok_or_else(|| limit.slow())?;
        let mut request = self.http.request(method.clone(), url).timeout(left);
        if *method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json").body("");
        }
        let response = request
            .header(reqwest::header::ACCEPT, "application/json")
            .send()
            .map_err(|error| broken(&error, limit))?;
        let response = json_only(response, limit)?;
        let mut json =
            serde_json::Deserializer::from_reader(BufReader::new(Guard::new(response, limit.until)));
        let value = read(&mut json).map_err(|error| misread(error, limit))?;
        json.end().map_err(|error| misread(error, limit))?;
        Ok(value)
    }
}

/// The JSON of an answer while it comes in.
pub(super) type Json = serde_json::Deserializer<serde_json::de::IoRead<BufReader<Guard<Response>>>>;

/// Without `secure` no certificate is read, and none would be believed.
fn tls(secure: bool) -> Result<rustls::ClientConfig, rustls::Error> {
    let builder = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    };
    if secure && let Ok(known) = builder()?.with_platform_verifier() {
        return Ok(known.with_no_client_auth());
    }
    Ok(builder()?.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// The answer, if it is one in JSON.
fn json_only(response: Response, limit: Limit) -> FederationResult<Response> {
    let header = |name: HeaderName| {
        response.headers().get(name).map(|value| word(&String::from_utf8_lossy(value.as_bytes())))
    };
    let status = response.status();
    if status.is_redirection() {
        let to = header(LOCATION).unwrap_or_else(|| "without a word where".to_owned());
        return Err(FederationError::Redirect { to });
    }
    if let Some(how) = header(CONTENT_ENCODING).filter(|how| !how.eq_ignore_ascii_case("identity")) {
        return Err(FederationError::Packed { how });
    }
    let kind = header(CONTENT_TYPE);
    if !status.is_success() {
        return Err(FederationError::Status { code: status.as_u16(), said: said(response, limit) });
    }
    match kind {
        Some(kind) if is_json(&kind) => {}
        Some(kind) => return Err(FederationError::Other { kind }),
        None => return Err(FederationError::Other { kind: "something without a kind".to_owned() }),
    }
    match response.content_length() {
        Some(length) if length > ANSWER => Err(FederationError::Limit { why: Stop::Long.to_string() }),
        _ => Ok(response),
    }
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// What an error says, in brackets after a blank.
fn said(response: Response, limit: Limit) -> String {
    let mut bytes = Vec::new();
    let _ = Guard::new(response, limit.until).take(COMPLAINT).read_to_end(&mut bytes);
    let text = complaint(&bytes).unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        // A page for people says nothing here.
        if line.starts_with('<') { String::new() } else { line.to_owned() }
    });
    let text = word(&text);
    if text.is_empty() { text } else { format!(" ({text})") }
}

/// A foreign text as a few words within a sentence.
fn word(text: &str) -> String {
    let mut short: String = plain_line(text).trim().chars().take(WORD).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

fn broken(error: &reqwest::Error, limit: Limit) -> FederationError {
    if error.is_timeout() { limit.slow() } else { FederationError::Away { why: word(&innermost(error)) } }
}

/// Why an answer could not be read to its end.
fn misread(error: serde_json::Error, limit: Limit) -> FederationError {
    if error.is_eof() {
        return FederationError::Odd { why: "it ends in the middle".to_owned() };
    }
    if !error.is_io() {
        return FederationError::Odd { why: word(&error.to_string()) };
    }
    let error = io::Error::from(error);
    match Stop::of(&error) {
        Some(Stop::Late) => limit.slow(),
        Some(stop) => FederationError::Limit { why: stop.to_string() },
        None if limit.left().is_none() => limit.slow(),
        None => match error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
            Some(inner) => broken(inner, limit),
            None => FederationError::Away { why: word(&innermost(&error)) },
        },
    }
}

/// The reason at the bottom: those above it repeat the address.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_kind() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["text/html", "text/json", "application/jsonp", "", "json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn a_foreign_text_becomes_a_few_words() {
        assert_eq!(word(" a\n\u{1b}[31mb "), "a  [31mb");
        assert_eq!(word(&"x".repeat(500)).chars().count(), WORD + 1);
    }
}
