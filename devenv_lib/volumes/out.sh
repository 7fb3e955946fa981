# Run as root in a helper, behind sparse.sh: sh -c SCRIPT devenv ROOT PATH, which `printf %b` spells
# It prints what is at PATH in the volume at ROOT: `file` or `directory`, then the sockets below,
# then nothing, each ended by NUL; then a tar of it, in which every name begins with `./`.
# Symlinks on the way are followed inside the volume alone. From `cd` on, names are looked up from
# a directory that was looked at, whatever others rename meanwhile; the last one is not followed.
# Status: 1 something changed meanwhile; 32 nothing is there; 33 a symlink leads out, or nowhere;
# 34 it is neither a file nor a directory. GNU tar, find and realpath.
set -eu
# Below, a dot behind a name keeps the newlines at the name's end.
root=$1
path=$(printf '%b.' "$1/$2")
path=${path%.}
nl='
'

real=$(realpath -e -- "$path" 2>/dev/null && echo .) || {
    if [ -L "$path" ]; then exit 33; else exit 32; fi
}
real=${real%"$nl."}

# Go to a directory, and make sure that it is the one that was meant.
enter() {
    cd -P -- "$1/" || exit 33
    case $(pwd -P && echo .) in
        "$1$nl.") ;;
        *) exit 33 ;;
    esac
}

archive() {
    # shellcheck disable=SC2046 # one word, or none
    exec tar --create --format=gnu $(sparse "$1") --hard-dereference --numeric-owner \
        --warning=no-file-ignored --file=- -- "$1"
}

case $real in
    "$root" | "$root"/*) ;;
    *) exit 33 ;;
esac
if [ -d "$real" ]; then
    enter "$real"
    printf 'directory\0'
    find . -type s -printf '%P\0' || :
    printf '\0'
    archive .
elif [ -f "$real" ]; then
    enter "${real%/*}"
    printf 'file\0\0'
    archive "./${real##*/}"
fi
exit 34
