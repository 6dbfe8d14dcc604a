//! A stand-in for wsm: a script that does with real git worktrees what the real program is documented to do, its
//! prompts and its other ways included. What it is to do differently stands in files of `~/.stand-in`:
//! `date` (the date of its workspaces), `old` (no --base-branch), `mute` (an error in words, and exit 0), `hang`,
//! `fail` (after that many worktrees; `left`: without taking them back), `no-json`, `newer` (metadata and set-up
//! scripts, as later generations), `refuses` (delete fails).

use crate::kit::{Repo, World};
use std::path::PathBuf;

const SCRIPT: &str = r#"#!/bin/sh
home="${XDG_CONFIG_HOME:-$HOME/.config}/workspace-manager"
odd="$HOME/.stand-in"
mkdir -p "$home/workspaces"
echo "$*" >> "$home/calls"
is() { [ -e "$odd/$1" ]; }
die() { echo "✗ Error: $1" >&2; echo "Error: $1" >&2; printf 'Usage:\n  wsm %s [flags]\n' "$verb" >&2; exit 1; }
# A menu: bubbletea opens the terminal, wherever standard input leads.
menu() { if (exec < /dev/tty) 2>/dev/null; then echo "? $1"; read -r answer < /dev/tty; exit 1; fi; die "could not open a new TTY"; }
field() { sed -n "s/^  \"$2\": \"\(.*\)\",*$/\1/p" "$home/workspaces/$1.json"; }
repo_path() { sed -n "s/^    {\"name\": \"$1\", \"path\": \"\([^\"]*\)\".*$/\1/p" "$home/registry.json" 2>/dev/null | tail -n 1; }
known() { [ -f "$home/workspaces/$1.json" ] || die "failed to load workspace '$1': workspace '$1' not found"; }
names_of() { sed -n 's/^      "name": "\(.*\)",$/\1/p' "$home/workspaces/$1.json"; }
source_of() { sed -n "/^      \"name\": \"$2\",$/{n;s/^      \"path\": \"\(.*\)\".*$/\1/p}" "$home/workspaces/$1.json"; }

discover() {
    lines=
    [ -f "$home/registry.json" ] && lines=$(grep '^    {' "$home/registry.json" | sed 's/,$//')
    for top in "${@:-.}"; do
        for git in $(find "$top" -maxdepth 4 -name .git); do
            dir=$(cd "$(dirname "$git")" && pwd)
            printf '%s\n' "$lines" | grep -q "\"path\": \"$dir\"" && continue
            category=unknown; [ -f "$dir/go.mod" ] && category=go
            line="    {\"name\": \"$(basename "$dir")\", \"path\": \"$dir\", \"remote_url\": \"\", \"current_branch\": \"main\", \"branches\": null, \"tags\": null, \"last_commit\": \"\", \"last_updated\": \"2025-01-01T10:00:00.5+01:00\", \"categories\": [\"$category\"]}"
            lines="$lines${lines:+
}$line"
        done
    done
    printf '{\n  "repositories": [\n%s\n  ],\n  "last_scan": "2025-01-01T10:00:00+01:00"\n}\n' "$(printf '%s' "$lines" | sed '$!s/$/,/')" > "$home/registry.json"
}

save() { # name path branch base go repos...
    name=$1 path=$2 branch=$3 base=$4 go=$5; shift 5
    {
        printf '{\n  "name": "%s",\n  "path": "%s",\n  "repositories": [\n' "$name" "$path"
        first=yes
        for repo in "$@"; do
            [ $first = yes ] || printf ',\n'; first=no
            printf '    {\n      "name": "%s",\n      "path": "%s",\n      "branches": null,\n      "last_updated": "2025-01-01T10:00:00.5+01:00"\n    }' "$repo" "$(repo_path "$repo")"
        done
        printf '\n  ],\n  "branch": "%s",\n  "base_branch": "%s",\n  "created": "2025-01-01T10:00:00.5+01:00",\n  "go_workspace": %s,\n  "agent_md": ""\n}' "$branch" "$base" "$go"
    } > "$home/workspaces/$name.json"
}

create() {
    name= repos= branch= base=
    while [ $# -gt 0 ]; do
        case $1 in
            --repos) repos=$2; shift 2 ;;
            --branch) branch=$2; shift 2 ;;
            --base-branch) is old && die "unknown flag: --base-branch"; base=$2; shift 2 ;;
            -*) die "unknown flag: $1" ;;
            *) name=$1; shift ;;
        esac
    done
    is hang && exec sleep 600
    if is mute; then echo "✗ Error: the disk is full"; exit 0; fi
    repos=$(echo "$repos" | tr , ' ')
    missing=
    for repo in $repos; do [ -n "$(repo_path "$repo")" ] || missing="$missing $repo"; done
    [ -z "$missing" ] || die "failed to find repositories: repositories not found:$missing"
    date=$(date +%Y-%m-%d); is date && date=$(cat "$odd/date")
    path="$HOME/workspaces/$date/$name"
    mkdir -p "$path"
    made=; count=0; go=false
    for repo in $repos; do
        source=$(repo_path "$repo")
        if is fail && [ "$count" = "$(cat "$odd/fail")" ]; then
            is left || for done in $made; do git -C "$(repo_path "$done")" worktree remove --force "$path/$done"; done
            rmdir "$path" 2>/dev/null
            die "failed to create worktree for $repo"
        fi
        if git -C "$source" show-ref -q --verify "refs/heads/$branch"; then
            is newer || menu "Branch '$branch' already exists: overwrite, use, cancel"
            git -C "$source" worktree add "$path/$repo" "$branch" >&2 || die "no worktree of $repo"
        else
            git -C "$source" worktree add -b "$branch" "$path/$repo" ${base:+"$base"} >&2 || die "no worktree of $repo"
        fi
        echo "✓ Successfully created worktree for '$repo'"
        [ -f "$path/$repo/go.mod" ] && go=true
        made="$repo $made"; count=$((count + 1))
        is slow && touch "$odd/begun" && while [ ! -e "$odd/go" ]; do sleep 0.05; done
    done
    [ $go = false ] || { printf 'go 1.23\n\nuse (\n'; for repo in $repos; do printf '\t./%s\n' "$repo"; done; printf ')\n'; } > "$path/go.work"
    if is newer; then
        mkdir -p "$path/.wsm"; echo "{\"name\": \"$name\"}" > "$path/.wsm/wsm.json"
        for script in "$path"/*/.wsm/setup.d/*; do
            [ -x "$script" ] && (cd "$(dirname "$script")/../.." && WSM_WORKSPACE_NAME="$name" bash "$script")
        done
    fi
    is no-json && die "failed to save workspace configuration"
    # shellcheck disable=SC2086
    save "$name" "$path" "$branch" "$base" $go $repos
    echo "✓ Workspace '$name' created successfully!"
}

delete() {
    name= force= trees= files=
    for word in "$@"; do
        case $word in
            --force) force=yes ;; --force-worktrees) trees=yes ;; --remove-files) files=yes ;;
            -*) die "unknown flag: $word" ;; *) name=$word ;;
        esac
    done
    known "$name"
    is refuses && die "failed to remove worktrees"
    [ -n "$force" ] || menu "Are you sure?"
    path=$(field "$name" path)
    for repo in $(names_of "$name"); do
        [ -d "$path/$repo" ] || { echo "worktree of $repo does not exist, skipping"; continue; }
        if [ -n "$(git -C "$path/$repo" ls-files --others --exclude-standard)" ]; then
            [ -n "$trees" ] || die "untracked files present in $repo - use --force-worktrees to override"
            printf 'Untracked files in %s. Continue? [y/N] ' "$repo"
            read -r answer || answer=n
            [ "$answer" = y ] || die "cancelled"
        fi
        git -C "$(source_of "$name" "$repo")" worktree remove ${trees:+--force} "$path/$repo" || die "failed to remove worktree of $repo"
    done
    if [ -n "$files" ]; then rm -rf "$path"; else rm -f "$path/go.work" "$path/go.work.sum" "$path/AGENT.md"; fi
    rm -f "$home/workspaces/$name.json"
    echo "✓ Workspace '$name' deleted"
}

verb=$1; shift
case $verb in
    discover) discover "$@" ;;
    create) create "$@" ;;
    delete) delete "$@" ;;
    list) for file in "$home"/workspaces/*.json; do [ -f "$file" ] && basename "$file" .json; done; true ;;
    info) known "$1"; if [ "$2" = --field ]; then field "$1" "$3"; else cat "$home/workspaces/$1.json"; fi ;;
    status)
        known "$1"
        for repo in $(names_of "$1"); do
            changes=$(git -C "$(field "$1" path)/$repo" status --porcelain | wc -l)
            echo "$repo $(git -C "$(field "$1" path)/$repo" branch --show-current) $changes"
        done ;;
    *) die "unknown command \"$verb\" for \"wsm\"" ;;
esac
"#;

/// Puts the stand-in in front of every other wsm and lets it know these repositories.
pub fn install(world: &World, repos: &[&Repo]) {
    world.script("wsm", SCRIPT);
    for repo in repos {
        let path = repo.path().to_str().expect("UTF-8").to_owned();
        crate::kit::Output::of(world.command("wsm").args(["discover", &path]), "wsm").ok();
    }
}

/// Makes the stand-in do something differently.
pub fn odd(world: &World, what: &str, text: &str) {
    let dir = world.home().join(".stand-in");
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join(what), text).expect("written");
}

/// Makes the stand-in as it was.
pub fn even(world: &World) {
    let _ = std::fs::remove_dir_all(world.home().join(".stand-in"));
}

/// What the stand-in was asked so far.
pub fn calls(world: &World) -> String {
    std::fs::read_to_string(config(world).join("calls")).unwrap_or_default()
}

/// wsm's directory of configuration.
pub fn config(world: &World) -> PathBuf {
    world.home().join(".config/workspace-manager")
}
