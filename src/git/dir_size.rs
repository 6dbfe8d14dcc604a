//! How much a tree holds.

use super::path::split_nul;
use super::{GitResult, Repository};

impl Repository {
    /// The sum of the sizes of all files of a tree, in bytes.
    pub fn tree_bytes(&self, tree: &str) -> GitResult<u64> {
        let list = ["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", tree];
        let bytes = self.question().args(list).run()?.stdout;
        // Each line is `<mode> <type> <id> <size>\t<path>`; a submodule has the size `-`.
        let size = |line: &[u8]| {
            let head =
                String::from_utf8_lossy(line.split(|b| *b == b'\t').next().unwrap_or_default()).into_owned();
            head.split_ascii_whitespace().nth(3).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0)
        };
        Ok(split_nul(&bytes).map(size).fold(0, u64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn the_sizes_of_files_at_any_depth_are_summed() {
        let sandbox = Sandbox::new();
        let before = sandbox.repo().tree_bytes(&sandbox.id("HEAD^{tree}")).expect("asked");
        sandbox.commit("a/b/c", "12345");
        sandbox.commit("d", "123");
        let after = sandbox.repo().tree_bytes(&sandbox.id("HEAD^{tree}")).expect("asked");
        assert_eq!(after - before, 8);
    }
}
