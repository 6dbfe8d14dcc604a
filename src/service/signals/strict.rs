//! JSON that says each thing once.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Parses bytes; a key that is there twice, at whatever depth, is an error, and so is a nesting deeper than 128.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let said: Result<Strict, _> = serde_json::from_slice(bytes);
    said.map(|strict| strict.0).map_err(|error| error.to_string())
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Strict)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Strict(value) = entries.next_value()?;
            if all.contains_key(&key) {
                return Err(A::Error::custom(format!("the key '{key}' is there twice")));
            }
            all.insert(key, value);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_as_it_is() {
        let text = r#"{"a": [1, -2, 3.5, "x", null, true, {"b": {}}], "c": "\u0000\n"}"#;
        let wanted = json!({"a": [1, -2, 3.5, "x", null, true, {"b": {}}], "c": "\0\n"});
        assert_eq!(parse(text.as_bytes()), Ok(wanted));
    }

    #[test]
    fn what_is_said_twice_or_has_no_end_is_refused() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"{"x": [{"a": 1, "b": 2, "a": 3}]}"#] {
            assert!(parse(text.as_bytes()).is_err_and(|why| why.contains("'a' is there twice")), "{text}");
        }
        let deep = "[".repeat(30_000);
        assert!(parse(deep.as_bytes()).is_err_and(|why| why.contains("recursion limit")));
        for odd in [&b""[..], b"{", b"{} {}", b"\xff\xfe{}", b"{\"a\": 1e999}", b"\0", b"\xef\xbb\xbf{}"] {
            assert!(parse(odd).is_err(), "{odd:?}");
        }
    }
}
