# Completions of git metawsm for bash; 'git metawsm setup --remove' takes this file away.
#
# git's own completion loads this file and calls _git_metawsm. There words, cword and __git_cmd_idx are git's: it has put
# together what readline breaks apart at '=' and ':'.

_git_metawsm () {
    local at=${__git_cmd_idx:-1}
    [ -n "${__git_cmd_idx-}" ] || while [ "$at" -lt "$cword" ] && [ "${words[at]}" != metawsm ]; do
        at=$((at + 1))
    done
    local -a before=(${__git_C_args[@]+"${__git_C_args[@]}"})
    __git_metawsm_offer $((cword - at + ${#before[@]})) git-metawsm ${before[@]+"${before[@]}"} "${words[@]:at+1}"
}

# Sets COMPREPLY: the place of the word that is being typed, then all words.
__git_metawsm_offer () {
    local place=$1 cut='' cur value
    shift
    local -a line=("$@")
    cur=${line[place]-}
    # readline replaces only what follows the last character at which it breaks words.
    case ${COMP_WORDBREAKS-} in *=*) [[ $cur == *=* ]] && cut=${cur%"${cur##*=}"} ;; esac
    case ${COMP_WORDBREAKS-} in *:*)
        [[ $cur == *:* ]] && value=${cur%"${cur##*:}"} && [ ${#value} -gt ${#cut} ] && cut=$value ;;
    esac
    COMPREPLY=()
    while IFS= read -r value; do
        case $value in *[=/,:]) ;; *) value="$value " ;; esac
        COMPREPLY+=("${value#"$cut"}")
    done < <(git-metawsm completions bash "$place" -- "${line[@]}" 2>/dev/null)
}

# For who types git-metawsm itself.
_git_metawsm_itself () {
    local cur prev cword
    local -a words=("${COMP_WORDS[@]}")
    cword=$COMP_CWORD
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: cur words cword prev
    fi
    __git_metawsm_offer "$cword" "${words[@]}"
}

complete -o bashdefault -o default -o nospace -F _git_metawsm_itself git-metawsm
