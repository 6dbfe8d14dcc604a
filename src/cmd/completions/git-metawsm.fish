# Completions of git metawsm for fish; 'git metawsm setup --remove' takes this file away. It is read when fish starts,
# because the completion of git does not always ask the one of git-metawsm.

# The place of metawsm in a line of git; fails where another command is meant.
function __git_metawsm_place
    set -l words (commandline -opc)
    set -l at 2
    while test $at -le (count $words)
        switch $words[$at]
            case metawsm
                echo $at
                return 0
            case -C -c --git-dir --work-tree --namespace --config-env --super-prefix
                set at (math $at + 2)
            case '-*'
                set at (math $at + 1)
            case '*'
                return 1
        end
    end
    return 1
end

function __git_metawsm_words
    set -l last (commandline -ct)
    set -l words (commandline -opc) "$last"
    set -l at 1
    set -l line git-metawsm
    if string match -q -r '(^|/)git$' -- $words[1]
        set at (__git_metawsm_place)
        or return
        # The directory that git was told holds for us too.
        for number in (seq 2 (math $at - 1))
            test "$words[$number]" = -C
            and set -a line -C $words[(math $number + 1)]
        end
    end
    set -a line $words[(math $at + 1)..-1]
    git-metawsm completions fish (math (count $line) - 1) -- $line 2>/dev/null
end

complete -c git-metawsm -f -a '(__git_metawsm_words)'
complete -c git -f -n '__git_metawsm_place >/dev/null' -a '(__git_metawsm_words)'
