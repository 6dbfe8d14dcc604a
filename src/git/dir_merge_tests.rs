use super::super::testing::Sandbox;
use super::*;

fn clean(merge: &DirMerge) -> String {
    match merge {
        DirMerge::Clean { tree } => tree.clone(),
        DirMerge::Conflict { files } => panic!("in conflict: {files:?}"),
    }
}

fn files(sandbox: &Sandbox, tree: &str) -> Vec<(String, String)> {
    let repo = sandbox.repo();
    let text = |id: &str| {
        let bytes = repo.read_blob(id).expect("read").expect("a blob");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let entries = repo.list_tree(tree, "", true).expect("listed");
    entries.iter().map(|e| (e.path.to_string(), text(&e.id))).collect()
}

fn tree(sandbox: &Sandbox, files: &[(&str, &str)]) -> String {
    let edits: Vec<_> =
        files.iter().map(|(path, text)| ((*path).to_owned(), Some(text.as_bytes().to_vec()))).collect();
    let repo = sandbox.repo();
    repo.edit_tree(&repo.empty_tree().expect("empty"), &edits).expect("a tree")
}

const TEN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

#[test]
fn a_directory_is_put_into_a_tree_replaced_and_taken_out() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let top = sandbox.id("HEAD^{tree}");
    let one = tree(&sandbox, &[("index.md", "one"), ("sub/x", "x")]);
    let with = repo.graft(&top, "ttmp/2026/MW-1", Some(&one)).expect("put");
    assert_eq!(repo.path_id(&with, "ttmp/2026/MW-1").expect("asked"), Some(one));
    let two = tree(&sandbox, &[("index.md", "two")]);
    let with = repo.graft(&with, "ttmp/2026/MW-1", Some(&two)).expect("replaced");
    let names: Vec<_> = files(&sandbox, &with).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.txt", "ttmp/2026/MW-1/index.md"]);
    assert_eq!(repo.graft(&with, "ttmp/2026/MW-1", None).expect("removed"), top);
    assert_eq!(repo.graft(&top, "ttmp/2026/MW-1", None).expect("nothing to remove"), top);
    assert!(repo.graft(&top, "a.txt/below", Some(&two)).is_err());
    assert!(repo.graft(&top, "a.txt", Some(&two)).is_err());
}

#[test]
fn changes_of_both_sides_come_together_and_a_second_merge_changes_nothing() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let base = tree(&sandbox, &[("d/list", TEN), ("d/gone", "gone"), ("d/old name", TEN)]);
    let ours =
        tree(&sandbox, &[("d/list", &TEN.replace("2\n", "two\n")), ("d/old name", TEN), ("d/ours", "o")]);
    let theirs = tree(
        &sandbox,
        &[
            ("d/list", &TEN.replace("9\n", "nine\n")),
            ("d/gone", "gone"),
            ("d/new name", TEN),
            ("d/theirs", "t"),
        ],
    );
    let merged = clean(&repo.merge_dirs(Some(&base), &ours, &theirs, None).expect("merged"));
    let names: Vec<_> = files(&sandbox, &merged).into_iter().collect();
    let list = TEN.replace("2\n", "two\n").replace("9\n", "nine\n");
    let expected = [("d/list", list.as_str()), ("d/new name", TEN), ("d/ours", "o"), ("d/theirs", "t")];
    assert_eq!(names, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(clean(&repo.merge_dirs(Some(&theirs), &merged, &theirs, None).expect("again")), merged);
    assert_eq!(clean(&repo.merge_dirs(Some(&base), &base, &theirs, None).expect("one side")), theirs);
    assert_eq!(clean(&repo.merge_dirs(Some(&base), &ours, &base, None).expect("other side")), ours);
}

type Files<'a> = &'a [(&'a str, &'a str)];

#[test]
fn each_kind_of_conflict_is_named_and_settled_as_either_side_has_it() {
    let cases: [(&str, Files<'_>, Files<'_>, Files<'_>, &[&str]); 7] = [
        ("edited twice", &[("f", TEN)], &[("f", "ours")], &[("f", "theirs")], &["f"]),
        ("added twice", &[], &[("f", "ours")], &[("f", "theirs")], &["f"]),
        ("deleted here, edited there", &[("f", TEN)], &[], &[("f", "theirs")], &["f"]),
        ("edited here, deleted there", &[("f", TEN)], &[("f", "ours")], &[], &["f"]),
        ("binary", &[("f", "\0base")], &[("f", "\0ours")], &[("f", "\0theirs")], &["f"]),
        ("a file here, a directory there", &[], &[("f", "ours")], &[("f/x", "theirs")], &["f"]),
        (
            "a directory here, a file there",
            &[],
            &[("f/x", "ours"), ("f/y", "ours")],
            &[("f", "theirs")],
            &["f"],
        ),
    ];
    for (what, base, ours, theirs, named) in cases {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        // Beside the conflict each side has something that merges.
        let side = |files: Files<'_>, extra: Files<'_>| tree(&sandbox, &[files, extra].concat());
        let base = side(base, &[("list", TEN)]);
        let (two, nine) = (TEN.replace("2\n", "two\n"), TEN.replace("9\n", "nine\n"));
        let (ours_tree, theirs_tree) = (side(ours, &[("list", &two)]), side(theirs, &[("list", &nine)]));
        let found = repo.merge_dirs(Some(&base), &ours_tree, &theirs_tree, None).expect("merged");
        let expected: Vec<RepoPath> = named.iter().map(|name| RepoPath::from(*name)).collect();
        assert_eq!(found, DirMerge::Conflict { files: expected }, "{what}");
        for (favour, kept) in [(Side::Ours, ours), (Side::Theirs, theirs)] {
            let merged =
                repo.merge_dirs(Some(&base), &ours_tree, &theirs_tree, Some(favour)).expect("merged");
            let both = two.replace("9\n", "nine\n");
            let expected = tree(&sandbox, &[kept, &[("list", both.as_str())]].concat());
            assert_eq!(files(&sandbox, &clean(&merged)), files(&sandbox, &expected), "{what}, {favour:?}");
        }
    }
}

#[test]
fn renames_in_conflict_are_settled_without_losing_a_side() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let base = tree(&sandbox, &[("f", TEN)]);
    let ours = tree(&sandbox, &[("here", TEN)]);
    let theirs = tree(&sandbox, &[("there", TEN)]);
    assert!(matches!(
        repo.merge_dirs(Some(&base), &ours, &theirs, None).expect("merged"),
        DirMerge::Conflict { .. }
    ));
    let kept = |side: Side| clean(&repo.merge_dirs(Some(&base), &ours, &theirs, Some(side)).expect("merged"));
    assert_eq!((kept(Side::Ours), kept(Side::Theirs)), (ours.clone(), theirs.clone()));
    let edited = tree(&sandbox, &[("f", &TEN.replace("5\n", "theirs\n"))]);
    let renamed = tree(&sandbox, &[("g", &TEN.replace("5\n", "ours\n"))]);
    let kept =
        |side: Side| clean(&repo.merge_dirs(Some(&base), &renamed, &edited, Some(side)).expect("merged"));
    assert_eq!(kept(Side::Ours), renamed);
    let theirs = files(&sandbox, &kept(Side::Theirs));
    assert!(theirs.iter().any(|(_, text)| text.contains("theirs")), "{theirs:?}");
}

#[test]
fn attributes_of_the_tree_itself_hold() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let union = (".gitattributes", "list merge=union\n");
    let [base, ours, theirs] =
        ["1\n", "1\nours\n", "1\ntheirs\n"].map(|text| tree(&sandbox, &[union, ("list", text)]));
    let merged = clean(&repo.merge_dirs(Some(&base), &ours, &theirs, None).expect("merged"));
    assert_eq!(files(&sandbox, &merged)[1].1, "1\nours\ntheirs\n");
}

#[test]
fn versions_that_never_had_anything_in_common_conflict_only_where_they_differ() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo();
    let ours = tree(&sandbox, &[("same", "x"), ("ours", "o")]);
    let theirs = tree(&sandbox, &[("same", "x"), ("theirs", "t")]);
    let merged = clean(&repo.merge_dirs(None, &ours, &theirs, None).expect("merged"));
    assert_eq!(files(&sandbox, &merged).len(), 3);
}
