# Completions of git metawsm for fish; 'git metawsm setup --remove' takes this file away. The completion of git asks the
# one of git-metawsm for 'git metawsm'.

function __git_metawsm_words
    set -l last (commandline -ct)
    set -l words (commandline -opc) "$last"
    git-metawsm completions fish (math (count $words) - 1) -- $words 2>/dev/null
end

complete -c git-metawsm -f -a '(__git_metawsm_words)'
