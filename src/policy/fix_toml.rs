//! The TOML half of `fix`: edits the document in place, so that comments and spacing stay.

use super::fix::{Fate, Kind, fates};
use super::problem::short;
use super::shape::{Shape, joined};
use toml_edit::{Decor, DocumentMut, Item, Key, Table, TableLike, Value};

/// The fixed text, or nothing where the text is no TOML.
pub(super) fn fix_toml(text: &str, changes: &mut Vec<String>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut walk = Walk { changes, comments: String::new() };
    walk.table(document.as_table_mut(), &Shape::of_policy(), "");
    let comments = walk.comments;
    if !comments.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(comments + &trailing);
    }
    Some(document.to_string())
}

struct Walk<'a> {
    changes: &'a mut Vec<String>,
    /// Comments that stood above a removed key but not right above it; the next key that stays takes them.
    comments: String,
}

impl Walk<'_> {
    fn table(&mut self, table: &mut dyn TableLike, shape: &Shape, at: &str) {
        let found: Vec<_> =
            table.iter().map(|(key, item)| (key.to_owned(), kind_of(item), look_of(item))).collect();
        let fates = fates(&found, shape, at, self.changes);
        let mut entries: Vec<(Key, Item)> = Vec::new();
        let mut changed = false;
        for ((key, ..), fate) in found.iter().zip(fates) {
            let Some((key, item)) = table.get_key_value(key) else { continue };
            let (mut key, mut item) = (key.clone(), item.clone());
            changed |= fate != Fate::Keep;
            match fate {
                Fate::Keep => {}
                Fate::Rename(name) => {
                    key = Key::new(name)
                        .with_leaf_decor(key.leaf_decor().clone())
                        .with_dotted_decor(key.dotted_decor().clone());
                }
                Fate::Remove => {
                    if let Some(decor) = decor_of(&mut key, &mut item) {
                        self.comments.push_str(own_comments(prefix_of(decor)));
                    }
                    continue;
                }
            }
            changed |= self.hand_over(&mut key, &mut item);
            if let Some(below) = shape.key(key.get()) {
                let at = joined(at, key.get());
                self.item(&mut item, below, &at);
            }
            entries.push((key, item));
        }
        if changed {
            table.clear();
            for (key, item) in entries {
                table.entry_format(&key).or_insert(item);
            }
        } else {
            // Below this table something may have changed all the same.
            for (key, item) in entries {
                if let Some(place) = table.get_mut(key.get()) {
                    *place = item;
                }
            }
        }
    }

    fn item(&mut self, item: &mut Item, shape: &Shape, at: &str) {
        match (item, shape) {
            (Item::Table(table), _) => self.table(table, shape, at),
            (Item::ArrayOfTables(tables), Shape::List(below)) => {
                for (i, table) in tables.iter_mut().enumerate() {
                    self.table(table, below, &format!("{at}[{i}]"));
                }
            }
            (Item::Value(value), _) => self.value(value, shape, at),
            _ => {}
        }
    }

    fn value(&mut self, value: &mut Value, shape: &Shape, at: &str) {
        match (value, shape) {
            (Value::InlineTable(table), _) => {
                // What stood above a key within braces has no place outside of them.
                let outside = std::mem::take(&mut self.comments);
                self.table(table, shape, at);
                self.comments = outside;
            }
            (Value::Array(items), Shape::List(below)) => {
                for (i, value) in items.iter_mut().enumerate() {
                    self.value(value, below, &format!("{at}[{i}]"));
                }
            }
            _ => {}
        }
    }

    /// Puts waiting comments above an entry that stays; says whether there were any and the entry could take them.
    fn hand_over(&mut self, key: &mut Key, item: &mut Item) -> bool {
        if self.comments.is_empty() {
            return false;
        }
        let Some(decor) = decor_of(key, item) else { return false };
        let comments = std::mem::take(&mut self.comments) + prefix_of(decor);
        decor.set_prefix(comments);
        true
    }
}

/// Where the comments above an entry are kept; none for tables that have no line of their own.
fn decor_of<'a>(key: &'a mut Key, item: &'a mut Item) -> Option<&'a mut Decor> {
    let own_line = |table: &Table| !table.is_dotted() && !table.is_implicit();
    match item {
        Item::Table(table) if own_line(table) => Some(table.decor_mut()),
        Item::Table(_) | Item::None => None,
        Item::ArrayOfTables(tables) => tables.get_mut(0).map(Table::decor_mut),
        Item::Value(_) => Some(key.leaf_decor_mut()),
    }
}

fn prefix_of(decor: &Decor) -> &str {
    decor.prefix().and_then(|raw| raw.as_str()).unwrap_or_default()
}

/// The part of the lines above a key that ends in an empty line: it does not speak of that key.
fn own_comments(prefix: &str) -> &str {
    let mut end = 0;
    let mut at = 0;
    for line in prefix.split_inclusive('\n') {
        at += line.len();
        if line.trim().is_empty() && line.ends_with('\n') {
            end = at;
        }
    }
    let own = &prefix[..end];
    if own.contains('#') { own } else { "" }
}

fn kind_of(item: &Item) -> Kind {
    match item {
        Item::None => Kind::Null,
        Item::Table(_) => Kind::Table,
        Item::ArrayOfTables(_) => Kind::List,
        Item::Value(value) => match value {
            Value::String(_) => Kind::Text,
            Value::Integer(_) | Value::Float(_) => Kind::Number,
            Value::Boolean(_) => Kind::Flag,
            Value::Datetime(_) => Kind::Other,
            Value::Array(_) => Kind::List,
            Value::InlineTable(_) => Kind::Table,
        },
    }
}

fn look_of(item: &Item) -> String {
    match item {
        Item::Value(value) => short(value.to_string().trim()),
        Item::ArrayOfTables(_) => "a list of tables".to_owned(),
        _ => "a table".to_owned(),
    }
}
