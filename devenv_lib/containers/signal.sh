# Run inside, as the user of a session: sh -c SCRIPT devenv SIGNAL MARK [PROCESS]...
# It sends SIGNAL to every process that has the variable MARK (NAME=VALUE), to those named, and to
# what they all started, and prints each that it reached, as PID:START. A process is named so,
# since ids are used again; one without the variable is not found any more when who started it
# has ended. POSIX sh, and grep. The fields of /proc/PID/stat are proc(5)'s.
set -u
signal=$1
marked=' '
for file in $(grep -lsF -- "$2" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    marked="$marked${pid%/environ} "
done
shift 2
known=" $* "
found=' '
more=y
while [ "$more" ]; do
    more=
    for file in /proc/[0-9]*/stat; do
        line= # a name can have newlines in it
        while read -r part || [ "$part" ]; do line="$line $part"; done 2>/dev/null <"$file"
        line=${line# }
        pid=${line%% *}
        # Behind the name, in parentheses: state, parent, and as the twentieth the start's time.
        set -f && set -- ${line##*) } && set +f
        [ $# -ge 20 ] && [ "$1" != Z ] || continue
        case $found in *" $pid:"*) continue ;; esac
        case "$marked$known|$found" in
            *" $pid "*"|"* | *" $pid:${20} "*"|"* | *"|"*" $2:"*)
                found="$found$pid:${20} "
                more=y
                ;;
        esac
    done
done
for process in $found; do
    kill -s "$signal" "${process%%:*}" 2>/dev/null && echo "$process"
done
exit 0
