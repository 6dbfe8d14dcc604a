//! What docmgr answers: JSON rows, among other words where it is older.

use serde_json::Value;

/// A ticket in docmgr's list. All texts are foreign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub ticket: String,
    pub title: String,
    pub status: String,
    pub topics: Vec<String>,
    pub path: String,
}

/// How many places are tried where the rows could begin.
const TRIES: usize = 16;

/// The rows of an answer; `None` where it is no list of tickets. Older versions print lines about the place in front.
pub(super) fn parse(stdout: &[u8]) -> Option<Vec<Row>> {
    let text = String::from_utf8_lossy(stdout);
    let starts = text.match_indices('[').filter(|(at, _)| *at == 0 || text[..*at].ends_with('\n'));
    starts.take(TRIES).find_map(|(at, _)| {
        let Ok(Value::Array(rows)) = serde_json::from_str(text[at..].trim_end()) else { return None };
        rows.iter().map(row).collect()
    })
}

fn row(value: &Value) -> Option<Row> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let (ticket, path) = (text("ticket")?, text("path")?);
    let given = text("topics").unwrap_or_default();
    let topics = given.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect();
    let is_whole = !ticket.trim().is_empty() && !path.trim().is_empty();
    let (title, status) = (text("title").unwrap_or_default(), text("status").unwrap_or_default());
    is_whole.then_some(Row { ticket, title, status, topics, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_also_behind_other_words() {
        let rows = r#"[{"ticket":"A-1","title":"T","status":"active","topics":"a, b","tasks_open":1,"path":"2026/A-1--t"}]"#;
        let want = Row {
            ticket: "A-1".to_owned(),
            title: "T".to_owned(),
            status: "active".to_owned(),
            topics: vec!["a".to_owned(), "b".to_owned()],
            path: "2026/A-1--t".to_owned(),
        };
        for before in ["", "root=/x config= vocabulary=\n", "[warn] odd\n[info] odd\n"] {
            assert_eq!(parse(format!("{before}{rows}\n").as_bytes()), Some(vec![want.clone()]), "{before:?}");
        }
        assert_eq!(parse(b"[\n]\n"), Some(Vec::new()));
    }

    #[test]
    fn anything_else_is_no_list() {
        let deep = format!("{}1", "[".repeat(100_000));
        let odd = [
            "",
            "No tickets found.\n",
            "<html>[]</html>",
            "{}",
            "[1]",
            "[{\"ticket\":\"A\"}]",
            "[{\"ticket\":\"\",\"path\":\"x\"}]",
            "[{\"ticket\":1,\"path\":\"x\"}]",
            "[] trailing",
            &deep,
        ];
        for text in odd {
            assert_eq!(parse(text.as_bytes()), None, "{text:.40}");
        }
    }
}
