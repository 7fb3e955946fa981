# Run inside, as the user of a session: sh -c SCRIPT devenv SIGNAL MARK SPARE [PROCESS]...
# It sends SIGNAL to every process that has the variable MARK (NAME=VALUE), to those named, and to
# what they all started, and prints each that it reached, as PID:START. A process is named so,
# since ids are used again; one without the variable is not found any more when who started it
# has ended. With SPARE, what has a session of its own (a `tmux`, say) is left, as a terminal that
# is closed would leave it. POSIX sh, and grep. The fields of /proc/PID/stat are proc(5)'s.
set -u

parse() {
    line= # a name can have newlines in it
    while read -r part || [ "$part" ]; do line="$line $part"; done 2>/dev/null <"$1"
    line=${line# }
    pid=${line%% *}
    # Behind the name, in parentheses: state, parent, group, session, and as the twentieth the
    # start's time.
    set -f && set -- ${line##*) } && set +f
    [ $# -ge 20 ] || return 1
    state=$1 parent=$2 session=$4 start=${20}
}

signal=$1 spare=$3
marked=' '
own=' '
for file in $(grep -lsF -- "$2" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    marked="$marked${pid%/environ} "
    # What an engine starts has its parent outside.
    parse "${file%environ}stat" && [ "$parent" = 0 ] && own="$own$session "
done
shift 3
known=" $* "
# Of a session whose first process has ended, what was reached before tells it.
for process; do
    parse "/proc/${process%%:*}/stat" && [ "$pid:$start" = "$process" ] && own="$own$session "
done
found=' '
more=y
while [ "$more" ]; do
    more=
    for file in /proc/[0-9]*/stat; do
        parse "$file" && [ "$state" != Z ] || continue
        case $found in *" $pid:"*) continue ;; esac
        case "$spare$own" in *" $session "* | ' '*) ;; *) continue ;; esac
        case "$marked$known|$found" in
            *" $pid "*"|"* | *" $pid:$start "*"|"* | *"|"*" $parent:"*)
                found="$found$pid:$start "
                more=y
                ;;
        esac
    done
done
for process in $found; do
    kill -s "$signal" "${process%%:*}" 2>/dev/null && echo "$process"
done
exit 0
