# Run inside, as the user of a session: sh -c SCRIPT devenv SIGNAL MARK
# It sends SIGNAL to every process that has the variable MARK (NAME=VALUE), and to what those
# started, and prints the number of each that it reached. POSIX sh, and grep.
# A process whose variables cannot be read (one that hides its memory) is found by its parent.
set -u
signal=$1
found=' '
for file in $(grep -lsF -- "$2" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    found="$found${pid%/environ} "
done
more=y
while [ "$more" ]; do
    more=
    for file in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <"$file" || continue
        pid=${line%% *}
        # After the name, in parentheses: state and parent.
        set -f && set -- ${line##*) } && set +f
        case $found in *" $pid "*) continue ;; esac
        case "$1 $found" in
            Z*) ;;
            *" $2 "*)
                found="$found$pid "
                more=y
                ;;
        esac
    done
done
for pid in $found; do
    kill -s "$signal" "$pid" 2>/dev/null && echo "$pid"
done
exit 0
