# Run as root in a helper: sh -c SCRIPT devenv FROM TO
# Copies all that is in the first directory to the second, which is empty, and has it on the disk.
# It prints for each a digest of all names with kinds, owners, modes, times, link targets, numbers
# of links and sizes: of everything but contents and attributes; then how many entries came.
# Where an entry could not be looked at, the digests differ: a shell does not tell of a failure
# within a pipe, so that each says it itself, and names its own directory. Of a volume that others
# write to they may differ: so a list that broke off by itself, or was not sorted, is a failure.
# GNU cp, find, sort, tar and xargs.
set -eu

failed() {
    echo "$1 failed" >>/dev/shm/failed
}

# From a pipe sort takes a buffer of some 50,000 entries; the rest needs a file.
digest() {
    (
        cd "$1"
        find . -type d -printf 'd %m %U %G %T@ %P\0' -o \
            -printf '%y %m %U %G %T@ %n %s %l %P\0' || echo "find failed in $1"
    ) | { sort -z --temporary-directory=/dev/shm || failed sort; } |
        { sha256sum || failed sha256sum; }
}

# By itself `cp --archive` says nothing of an extended attribute that it cannot keep.
# What is in the directory is shared out among one `cp` for each processor; the directory itself
# comes last, since its time changes with every entry. Names of one file have to come together.
copy() {
    # What goes meanwhile is a failure of this one, and says nothing.
    linked=$(find "$1" ! -type d -links +1 -print -quit) || linked=perhaps
    if [ -n "$linked" ]; then
        cp --archive --preserve=xattr "$1/." "$2/"
        return
    fi
    entries=$(find "$1" -mindepth 1 -maxdepth 1 -printf . | wc -c)
    processors=$(nproc)
    { find "$1" -mindepth 1 -maxdepth 1 -print0 || failed find; } |
        xargs --null --no-run-if-empty --max-procs="$processors" \
            --max-args=$((entries / (4 * processors) + 1)) \
            cp --archive --preserve=xattr --target-directory="$2"
    tar --create --file=- --format=pax --numeric-owner --acls --xattrs \
        --xattrs-include='*' --no-recursion --directory="$1" . |
        tar --extract --file=- --same-owner --same-permissions --numeric-owner --acls --xattrs \
            --xattrs-include='*' --directory="$2"
}

rm -f /dev/shm/failed
digest "$1" >/dev/shm/first &
first=$!
copy "$1" "$2"
sync --file-system "$2" &
written=$!
digest "$2" >/dev/shm/second &
second=$!
find "$2" -printf . | wc -c >/dev/shm/count
wait "$written"
wait "$first"
wait "$second"
if [ -e /dev/shm/failed ]; then
    cat /dev/shm/failed >&2
    exit 1
fi
cat /dev/shm/first /dev/shm/second /dev/shm/count
