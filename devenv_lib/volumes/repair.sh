# Run as root in a helper: sh -c SCRIPT devenv DIRECTORY UID:GID PATH…
# It gives what is root's at each PATH, relative to the volume at DIRECTORY, to UID:GID.
# Nothing leads it elsewhere: it goes into the directory of the entry, and on only if that is
# really the one that was meant, and not one that a symlink led to; from there the entry is a
# name, and neither -h nor --from changes what the name leads to, or somebody's who is not root.
set -u
root=$1
who=$2
shift 2
for path in "$@"; do
    if [ "$path" = . ]; then
        chown -h --from=0 -- "$who" "$root"
        continue
    fi
    directory=$root
    case $path in */*) directory=$root/${path%/*} ;; esac
    cd -P -- "$directory" || continue
    # The dot keeps newlines at a name's end, which $() would take away.
    [ "$(pwd -P && echo .)" = "$directory
." ] || continue
    chown -h --from=0:0 -- "$who" "./${path##*/}"
done
