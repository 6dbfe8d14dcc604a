//! Where a server of documents is, and what it serves.

use super::{FederationError, FederationResult};
use crate::policy::{DocsEndpoint, without_user};
use reqwest::Url;
use std::fmt;

/// What a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The documents of a workspace.
    Workspace,
    /// The documents of a repository.
    Repo,
}

impl Kind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Repo => "repo",
        }
    }
}

/// A server of documents. Its `Debug` and its words hold no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name, unique among all.
    pub name: String,
    /// What it serves.
    pub kind: Kind,
    /// The repository whose documents it serves.
    pub repo: String,
    /// The workspace whose documents it serves; empty for a repository's own.
    pub workspace: String,
    /// Where people look at it, without a slash at its end; may be empty.
    pub web_url: String,
    base_url: String,
}

impl Endpoint {
    /// A server of the policy.
    pub fn of(kind: Kind, endpoint: &DocsEndpoint) -> Self {
        let workspace = if kind == Kind::Workspace { endpoint.workspace.trim() } else { "" };
        Self {
            name: endpoint.name.trim().to_owned(),
            kind,
            repo: endpoint.repo.trim().to_owned(),
            workspace: workspace.to_owned(),
            web_url: without_user(endpoint.web_url.trim().trim_end_matches('/')),
            base_url: endpoint.base_url.trim().to_owned(),
        }
    }

    /// Where it answers, without a password.
    pub fn place(&self) -> String {
        without_user(&self.base_url)
    }

    /// Where people look at one of its tickets, as docmgr's own pages have it; empty where there are none.
    pub fn link(&self, ticket: &str) -> String {
        if self.web_url.is_empty() { String::new() } else { format!("{}/ticket/{ticket}", self.web_url) }
    }

    /// Whether talking to it needs certificates.
    pub(super) fn is_secure(&self) -> bool {
        self.base_url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }

    /// The address of one of its answers. What follows `?` or `#` in the policy is no part of it.
    pub(super) fn url(&self, path: &str, query: &[(&str, &str)]) -> FederationResult<Url> {
        let mut url = Url::parse(&self.base_url)
            .map_err(|error| FederationError::Address { why: error.to_string() })?;
        url.set_fragment(None);
        url.set_query(None);
        let whole = format!("{}/api/v1/{path}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({} at {})", self.name, self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base_url: &str) -> Endpoint {
        let policy = DocsEndpoint {
            name: " api ".to_owned(),
            base_url: base_url.to_owned(),
            web_url: "http://me:secret@web/docs/".to_owned(),
            repo: "api".to_owned(),
            workspace: "w".to_owned(),
        };
        Endpoint::of(Kind::Repo, &policy)
    }

    #[test]
    fn an_address_keeps_its_folder_and_loses_its_question() {
        let cases = [
            ("http://h:1", "http://h:1/api/v1/index/refresh"),
            ("http://h/docs/?x=1#y", "http://h/docs/api/v1/index/refresh"),
            ("HTTP://H//", "http://h/api/v1/index/refresh"),
        ];
        for (base, whole) in cases {
            assert_eq!(endpoint(base).url("index/refresh", &[]).expect("an address").as_str(), whole);
        }
        let asked = endpoint("http://h").url("x", &[("cursor", "a&b=c")]).expect("an address");
        assert_eq!(asked.as_str(), "http://h/api/v1/x?cursor=a%26b%3Dc");
        let refused = endpoint("http://h:99999").url("x", &[]);
        assert!(matches!(refused, Err(FederationError::Address { .. })), "{refused:?}");
    }

    #[test]
    fn no_word_of_it_holds_a_password() {
        let endpoint = endpoint("https://me:secret@h/x");
        let words = [endpoint.place(), endpoint.link("T-1"), format!("{endpoint:?}")];
        assert_eq!(words[..2], ["https://***@h/x", "http://***@web/docs/ticket/T-1"]);
        assert!(words.iter().all(|text| !text.contains("secret")), "{words:?}");
        assert!(endpoint.is_secure() && endpoint.workspace.is_empty());
    }
}
