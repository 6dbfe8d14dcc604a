#compdef git-metawsm
#description run coding agents on tickets across several repositories

# Completions of git metawsm for zsh; 'git metawsm setup --remove' takes this file away. The completion of git calls
# this function for 'git metawsm'.

_git-metawsm () {
    local -a offers whole begun
    offers=("${(@f)$(git-metawsm completions zsh $((CURRENT - 1)) -- "${words[@]}" 2>/dev/null)}")
    # A line begins with '+' where the word is whole, with '-' where more follows it at once.
    whole=(${${(M)offers:#+*}#+})
    begun=(${${(M)offers:#-*}#-})
    local ret=1
    (( $#whole )) && _describe -V -t words 'git metawsm' whole && ret=0
    (( $#begun )) && _describe -V -t begun 'git metawsm' begun -S '' && ret=0
    return ret
}

_git-metawsm "$@"
