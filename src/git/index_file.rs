//! The one thing that we read in an index file ourselves: which tree it holds, as far as git has noted that.

/// Bytes of an entry before its flags, and with them.
const BEFORE_FLAGS: usize = 60;
const WITH_FLAGS: usize = BEFORE_FLAGS + 2;

/// The id (20 bytes) of the tree that an index as a whole holds, as git notes it in the extension `TREE` and strikes
/// it out with each change of an entry. `None` where it is not noted, or the format is one that we do not read.
pub(super) fn cached_tree(bytes: &[u8]) -> Option<&[u8]> {
    let (head, mut rest) = bytes.split_at_checked(12)?;
    let version = number(head, 4)?;
    if !head.starts_with(b"DIRC") || !matches!(version, 2 | 3) {
        return None;
    }
    for _ in 0..number(head, 8)? {
        rest = rest.get(entry_length(rest, version)?..)?;
    }
    // Behind the extensions stands the checksum of the file.
    rest = rest.get(..rest.len().checked_sub(20)?)?;
    while !rest.is_empty() {
        let length = usize::try_from(number(rest, 4)?).ok()?;
        let body = rest.get(8..8 + length)?;
        if rest.starts_with(b"TREE") {
            return root_of(body);
        }
        rest = rest.get(8 + length..)?;
    }
    None
}

/// Names end in NUL, and entries are filled up with NULs to a multiple of eight.
fn entry_length(entry: &[u8], version: u32) -> Option<usize> {
    let flags = u16::from_be_bytes(entry.get(BEFORE_FLAGS..WITH_FLAGS)?.try_into().ok()?);
    let is_extended = flags & 0x4000 != 0;
    let name = if is_extended && version >= 3 { WITH_FLAGS + 2 } else { WITH_FLAGS };
    let length = match usize::from(flags & 0x0fff) {
        0x0fff => entry.get(name..)?.iter().position(|b| *b == 0)?,
        length => length,
    };
    Some((name + length + 8) / 8 * 8)
}

/// The first record is the top: an empty name, the number of entries (below 0 once one has changed), the number of
/// subtrees, the id.
fn root_of(body: &[u8]) -> Option<&[u8]> {
    let body = body.strip_prefix(b"\0")?;
    let end = body.iter().position(|b| *b == b'\n')?;
    if body.first() == Some(&b'-') {
        return None;
    }
    body.get(end + 1..end + 21)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn held(sandbox: &Sandbox) -> Option<String> {
        let bytes = fs::read(sandbox.dir().join(".git/index")).expect("index");
        let hex = |id: &[u8]| git2::Oid::from_bytes(id).map(|id| id.to_string()).unwrap_or_default();
        cached_tree(&bytes).map(hex)
    }

    #[test]
    fn an_index_tells_its_tree_until_an_entry_changes() {
        let sandbox = Sandbox::new();
        for length in 1..20 {
            sandbox.commit(&format!("dir/{}", "é".repeat(length)), "x");
        }
        let tree = || Some(sandbox.id("HEAD^{tree}"));
        assert_eq!(held(&sandbox), tree());
        sandbox.write("new", "x");
        sandbox.git(&["add", "new"]);
        assert_eq!(held(&sandbox), None);
        sandbox.git(&["commit", "--quiet", "-m", "New"]);
        assert_eq!(held(&sandbox), tree());
        sandbox.git(&["rm", "--quiet", "--cached", "new"]);
        assert_eq!(held(&sandbox), None);
        sandbox.git(&["reset", "--quiet", "--hard"]);
        sandbox.write("later", "x");
        sandbox.git(&["add", "--intent-to-add", "later"]);
        assert_ne!(held(&sandbox), tree(), "an entry that is only announced");
        sandbox.git(&["update-index", "--index-version=4"]);
        assert_eq!(held(&sandbox), None, "a format that is not read");
    }

    #[test]
    fn an_index_of_another_commit_tells_that_ones_tree() {
        let sandbox = Sandbox::new();
        let old = sandbox.id("HEAD^{tree}");
        sandbox.commit("b", "b");
        sandbox.git(&["read-tree", "HEAD~1"]);
        assert_eq!(held(&sandbox), Some(old));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>(), count in 0_u8..4, at in 0_usize..200) {
            let _ = cached_tree(&bytes);
            let mut file = b"DIRC\0\0\0\x02\0\0\0".to_vec();
            file.push(count);
            file.extend(&bytes);
            file.extend(b"TREE\0\0\0\x20\x001 0\n01234567890123456789");
            let _ = cached_tree(&file[..file.len().min(at)]);
            let _ = cached_tree(&file);
        }
    }
}
