# Run as the user inside an environment that has just started:
#   sh -c SCRIPT devenv TAG [VERB WORD...]...
# It prints a line for each step: the beginning of `ls -ldn` of its place, or `?`. What the user
# can do is done on the way: missing directories are made, a lockfile is copied once.
# POSIX sh, and coreutils or busybox; `ls -n` because `stat` is not POSIX. Every step can be
# repeated, and two processes may take the same steps at once.
set -u
tag=$1
shift

is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

show() {
    is_there "$1" && ls -ldn -- "$1" 2>/dev/null | {
        read -r mode links uid gid size _ && echo "$mode $links $uid $gid $size"
    } || echo '?'
}

# The copy appears under its name complete or not at all, and never over another file: ln has
# no -f, and noclobber opens the copy exclusively, so that nothing is written through a symlink.
copy_once() {
    if is_there "$1"; then return; fi
    copy="${1%/*}/.${1##*/}.$tag.$$"
    if (set -C; cat -- "$2" >"$copy") 2>/dev/null; then
        ln -- "$copy" "$1" 2>/dev/null
    fi
    rm -f -- "$copy"
}

while [ $# -gt 0 ]; do
    case $1 in
        dir)
            is_there "$2" || mkdir -- "$2" 2>/dev/null
            show "$2"
            ;;
        lock)
            if [ -f "$3" ]; then copy_once "$2" "$3"; fi
            if [ -f "$3" ] || is_there "$2"; then show "$2"; else echo absent; fi
            shift
            ;;
        *)
            show "$2"
            ;;
    esac
    shift 2
done
