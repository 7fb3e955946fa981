# Run as the user inside a running environment, with stdin open as long as somebody looks:
#   sh -c SCRIPT devenv TOKEN [VERB PATH]...
# Each line of output has the number of its step before it; `ready` comes when all are done.
# Nothing that was there is changed: a new file has TOKEN in its name and is removed at once, an
# old one is opened for appending and nothing is written to it.
# POSIX sh, and coreutils or busybox.
set -u
export LC_ALL=C
token=$1
shift
kept=
number=0
trap '[ -z "$kept" ] || rm -f -- "$kept"' EXIT
trap 'exit 1' HUP INT TERM PIPE

# A text can have several lines, and what a program says goes with it.
tell() {
    while IFS= read -r line || [ "$line" ]; do printf '%s %s\n' "$number" "$line"; done
}

# noclobber opens exclusively: nothing that is there is written to, be it through a symlink.
# The program `echo` says why it could not write, which a shell's own does not: on a full disk.
write_new() {
    said=$( (set -C; env echo "$token" >"$1") 2>&1 ) || { echo "refused ${said##*: }"; return 1; }
    read -r back <"$1" && [ "$back" = "$token" ] && echo written
}

step() {
    case $1 in
        new)
            write_new "$2/.devenv-check-$token"
            rm -f -- "$2/.devenv-check-$token" 2>/dev/null
            ;;
        append)
            # What is missing would be made.
            [ -e "$2" ] || { echo missing; return; }
            said=$( (: >>"$2") 2>&1 ) && echo opened || echo "refused ${said##*: }"
            ;;
        read)
            said=$(cat -- "$2" 2>&1 >/dev/null) && echo opened || echo "refused ${said##*: }"
            ;;
        owner)
            ls -ldn -- "$2" 2>/dev/null | { read -r _ _ uid _ && echo "$uid"; }
            ;;
        place)
            readlink -f -- "$2" && stat -L -c '%d:%i' -- "$2" 2>/dev/null
            ;;
        socket)
            [ ! -S "$2" ] || echo socket
            ;;
        text)
            cat -- "$2" 2>/dev/null
            ;;
        program)
            command -v "$2"
            ;;
        agent)
            # Which keys there are is nobody's business; why there is no answer is.
            said=$(SSH_AUTH_SOCK=$2 timeout 5 ssh-add -l 2>&1) && echo keys || echo "$? $said"
            ;;
        date)
            date "$2"
            ;;
        user)
            id -u
            ;;
    esac
}

while [ $# -gt 0 ]; do
    if [ "$1" = keep ]; then
        kept="$2/.devenv-check-$token"
        said=$(write_new "$kept")
        echo "$number $said"
    else
        step "$1" "$2" | tell
    fi
    number=$((number + 1))
    shift 2
done
echo ready
read -r _
exit 0
