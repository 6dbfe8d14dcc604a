#!/bin/sh
# A stand-in for docmgr: it keeps a ttmp/ tree by the verbs and flags that are used here, and writes documents as
# docmgr does, with what its rewriting loses. The file docmgr.mode in HOME says in which way it misbehaves.
set -u
mode=$(cat "$HOME/docmgr.mode" 2>/dev/null || echo good)
echo "$PWD: $*" >> "$HOME/docmgr.calls"
env | grep '^GIT_\|^METAWSM_\|^DOCMGR_' | sort > "$HOME/docmgr.env" || true

fail() { echo "Error: $*" >&2; exit 1; }

verb=; root=ttmp; glaze=; name=
ticket=; title=; topics=; template=; doctype=; entry=; status=complete; doc=; field=; value=; notes=; ids=
set_flag() {
    case $1 in
        root) root=$2 ;; ticket) ticket=$2 ;; title) title=$2 ;; topics) topics=$2 ;; path-template) template=$2 ;;
        doc-type) doctype=$2 ;; entry | changelog-entry) entry=$2 ;; status) status=$2 ;; doc) doc=$2 ;;
        field) field=$2 ;; value) value=$2 ;; file-note) notes=$2 ;; id) ids=$2 ;; output) ;;
        *) fail "unknown flag: --$1" ;;
    esac
}
for word in "$@"; do
    case $word in
        --with-glaze-output) glaze=1; name= ;;
        --*=*) name=${word#--}; set_flag "${name%%=*}" "${word#*=}"; name= ;;
        --*) name=${word#--} ;;
        *) if [ -n "$name" ]; then set_flag "$name" "$word"; name=
           else verb="$verb${verb:+ }$word"; fi ;;
    esac
done
case $verb in "ticket create") verb="ticket create-ticket" ;; "ticket list") verb="list tickets" ;; esac

case $mode in
    good | old | silent-*) ;;
    error) echo "Error: the index is broken, and this is exit 0"; exit 0 ;;
    html) echo "<html><body>[]</body></html>"; exit 0 ;;
    flood) exec cat /dev/zero ;;
    ancient) fail "unknown flag: --with-glaze-output" ;;
    crash) kill -9 $$ ;;
    broken-*) if [ "$verb" = "$(echo "${mode#broken-}" | tr _ ' ')" ]; then fail "the disk is full"; fi ;;
    half) ;;
    outside) echo '[{"ticket":"T-1","title":"x","status":"active","topics":"","path":"../../elsewhere"}]'; exit 0 ;;
esac
# Before v0.0.20 not every verb had the flag.
if [ "$mode" = old ] && [ -n "$glaze" ]; then
    case $verb in "changelog update" | "ticket create-ticket") fail "unknown flag: --with-glaze-output" ;; esac
fi
quiet() { [ "$mode" = "silent-$(echo "$verb" | tr ' ' _)" ]; }

case $root in /*) ;; *) root=$(git rev-parse --show-toplevel)/$root ;; esac
now() { date -u +%Y-%m-%dT%H:%M:%S.123456789Z; }

# The value of a key of a document, without quotes.
get() {
    awk -v key="$2" 'NR == 1 { next } /^---[ \t\r]*$/ { exit }
        index($0, key ":") == 1 { v = substr($0, length(key) + 2); sub(/^[ \t]+/, "", v); sub(/[ \t\r]+$/, "", v); print v; exit }' "$1" |
        sed "s/^'\(.*\)'\$/\1/; s/''/'/g; s/^\"\(.*\)\"\$/\1/"
}
# A value as docmgr's writer emits it.
emit() {
    case $1 in
        "") echo '""' ;;
        [@\`\#\&*!\|\>%?\'\"\[{,-]* | *": "* | *" #"* | *: | *"{{"* | *"}}"* | [0-9]* | true | false | null | yes | no)
            printf "'%s'\n" "$(printf %s "$1" | sed "s/'/''/g")" ;;
        *) printf '%s\n' "$1" ;;
    esac
}
list_of() { # a,b
    [ -n "$1" ] || { echo ' []'; return; }
    echo; echo "$1" | tr ',' '\n' | while IFS= read -r item; do printf '    - %s\n' "$(emit "$item")"; done
}
indexes() {
    [ -d "$root" ] || fail "root directory does not exist: $root"
    find "$root" \( -name '_*' -o -name .meta -o -name .git \) -prune -o -type f -name index.md -print | sort |
        while IFS= read -r file; do
            [ "$(head -n 1 "$file")" = --- ] || continue
            [ "$(get "$file" DocType)" = index ] || continue
            case $(get "$file" Topics) in "" | "["*) echo "$file" ;; esac
        done
}
index_of() {
    found=$(indexes | while IFS= read -r file; do
        [ "$(get "$file" Ticket | tr A-Z a-z)" = "$(echo "$1" | tr A-Z a-z)" ] && echo "$file"; done)
    [ -n "$found" ] || fail "ticket not found: \"$1\""
    [ "$(echo "$found" | wc -l)" -eq 1 ] || fail "ticket ambiguous: \"$1\""
    echo "$found"
}
json() { printf %s "$1" | sed 's/\\/\\\\/g; s/"/\\"/g'; }

# Sets a key and writes the document anew: other keys and comments are lost, an empty line more stands behind.
rewrite() { # file, key, value as YAML
    temp=$(mktemp "$(dirname "$1")/.docmgr-XXXXXX")
    awk -v key="$2" -v value="$3" -v stamp="$(now)" '
        BEGIN { split("Title Ticket Status Topics DocType Intent Owners RelatedFiles ExternalSources Summary LastUpdated WhatFor WhenToUse", names, " ");
                for (i in names) known[names[i]] = 1 }
        NR == 1 { print "---"; head = 1; next }
        head && /^---[ \t\r]*$/ { head = 0; print "---\n"; next }
        head && /^[ \t]*#/ { next }
        head && /^[A-Za-z]+:/ { k = $0; sub(/:.*/, "", k); keep = known[k];
            if (k == key) { print key ": " value; keep = 0 }
            else if (k == "LastUpdated") { print "LastUpdated: " stamp; keep = 0 } }
        head { if (keep) print; next }
        { print }' "$1" > "$temp"
    mv "$temp" "$1"
}

case $verb in
"list tickets")
    echo "warning: nobody reads this" >&2
    if [ -z "$glaze" ]; then indexes; exit 0; fi
    all=$(indexes) || exit 1
    [ "$mode" = old ] && echo "root=$root config= vocabulary="
    echo '['
    echo "$all" | { comma=
        while IFS= read -r file; do
            [ -n "$file" ] || continue
            id=$(get "$file" Ticket)
            if [ -n "$ticket" ] && [ "$ticket" != "$id" ]; then continue; fi
            dir=$(dirname "$file"); [ "$mode" = old ] || dir=${dir#"$root"/}
            topics=$(awk '/^Topics:/ { on = 1; next } on && /^ *- / { sub(/^ *- /, ""); printf "%s%s", sep, $0; sep = ", "; next } on { exit }' "$file")
            printf '%s  {"ticket":"%s","title":"%s","status":"%s","topics":"%s","tasks_open":0,"tasks_done":0,"path":"%s","last_updated":"2026-07-06 15:26"}\n' \
                "$comma" "$(json "$id")" "$(json "$(get "$file" Title)")" "$(json "$(get "$file" Status)")" "$(json "$topics")" "$(json "$dir")"
            comma=,
        done; }
    echo ']' ;;
"ticket create-ticket")
    if quiet; then exit 0; fi
    [ -n "$template" ] || template=$(date +%Y/%m/%d)/$ticket--$(echo "$title" | tr A-Z a-z | sed 's/[^a-z0-9]\{1,\}/-/g; s/^-//; s/-$//')
    dir=$root/$template
    mkdir -p "$dir/design" "$dir/reference" "$dir/playbooks" "$dir/scripts" "$dir/sources" "$dir/.meta" "$dir/various" "$dir/archive"
    [ -e "$dir/index.md" ] || {
        umask 077
        printf -- '---\nTitle: %s\nTicket: %s\nStatus: active\nTopics:%s\nDocType: index\nIntent: long-term\nOwners: []\nRelatedFiles: []\nExternalSources: []\nSummary: ""\nLastUpdated: %s\nWhatFor: ""\nWhenToUse: ""\n---\n\n# %s\n\nDocument workspace for %s.\n' \
            "$(emit "$title")" "$(emit "$ticket")" "$(list_of "$topics")" "$(now)" "$title" "$ticket" > "$dir/index.md"
        umask 022
    }
    [ "$mode" = half ] && { echo good > "$HOME/docmgr.mode"; kill -9 $$; }
    [ -e "$dir/README.md" ] || printf '# %s\n\nThis is the document workspace for ticket %s.\n' "$title" "$ticket" > "$dir/README.md"
    [ -e "$dir/tasks.md" ] || printf '# Tasks\n\n## TODO\n\n- [ ] Add tasks here\n\n' > "$dir/tasks.md"
    [ -e "$dir/changelog.md" ] || printf '# Changelog\n\n## %s\n\n- Initial workspace created\n\n' "$(date +%Y-%m-%d)" > "$dir/changelog.md"
    echo "created $ticket" ;;
"doc add")
    if quiet; then exit 0; fi
    index=$(index_of "$ticket") || exit 1
    dir=$(dirname "$index")/$doctype; mkdir -p "$dir"
    last=$(ls "$dir" | sed -n 's/^0*\([0-9]\{1,3\}\)-.*/\1/p' | sort -n | tail -n 1)
    slug=$(echo "$title" | tr A-Z a-z | sed 's/[^a-z0-9]\{1,\}/-/g; s/^-//; s/-$//')
    file=$dir/$(printf '%02d' $((${last:-0} + 1)))-$slug.md
    topics=$(awk '/^Topics:/ { on = 1; next } on && /^ *- / { print; next } on { exit }' "$index")
    umask 077
    printf -- '---\nTitle: %s\nTicket: %s\nStatus: active\nTopics:\n%s\nDocType: %s\nIntent: long-term\nOwners: []\nRelatedFiles: []\nExternalSources: []\nSummary: ""\nLastUpdated: %s\nWhatFor: ""\nWhenToUse: ""\n---\n\n# %s\n\n<!-- Add your content here -->\n' \
        "$(emit "$title")" "$(emit "$(get "$index" Ticket)")" "$topics" "$doctype" "$(now)" "$title" > "$file"
    [ "$mode" = half ] && { echo good > "$HOME/docmgr.mode"; kill -9 $$; }
    [ "$mode" = old ] && echo "root=$root config= vocabulary="
    printf '[\n  {"ticket":"%s","path":"%s","status":"created"}\n]\n' "$(json "$ticket")" "$(json "$file")" ;;
"changelog update")
    [ -n "$entry" ] || fail "--entry is required and must not be empty"
    index=$(index_of "$ticket") || exit 1
    printf '\n## %s%s\n\n%s\n\n' "$(date +%Y-%m-%d)" "${title:+ - $title}" "$entry" >> "$(dirname "$index")/changelog.md" ;;
"ticket close")
    if quiet; then echo "[]"; exit 0; fi
    index=$(index_of "$ticket") || exit 1
    rewrite "$index" Status "$status"
    printf '\n## %s\n\n%s\n\n' "$(date +%Y-%m-%d)" "${entry:-Ticket closed}" >> "$(dirname "$index")/changelog.md"
    echo stray > "$(dirname "$root")/stray-of-docmgr"
    printf '[\n  {"ticket":"%s","status":"%s"}\n]\n' "$(json "$ticket")" "$status" ;;
"meta update")
    [ -n "$doc" ] || { doc=$(index_of "$ticket") || exit 1; }
    rewrite "$doc" "$field" "$(emit "$value")" ;;
"doc relate")
    [ -n "$doc" ] || { doc=$(index_of "$ticket") || exit 1; }
    rewrite "$doc" RelatedFiles "
    - Path: repo://${notes%%:*}
      Note: $(emit "${notes#*:}")" ;;
"task check")
    tasks=$(dirname "$(index_of "$ticket")")/tasks.md
    awk -v at="$ids" '/^[ \t]*[-*] \[/ { n++; if (n == at) sub(/\[ \]/, "[x]") } { print }' "$tasks" > "$tasks.new" && mv "$tasks.new" "$tasks" ;;
*) fail "unknown command \"$verb\" for \"docmgr\"" ;;
esac
