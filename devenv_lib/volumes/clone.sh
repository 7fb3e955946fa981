# Run as root in a helper: sh -c SCRIPT devenv FROM TO
# Copies all that is in the first directory to the second, which is empty, and has it on the disk.
# It prints for each a digest of all names with kinds, owners, modes, times, link targets, numbers
# of links and sizes: of everything but contents and attributes; then how many entries came.
# Where something could not be looked at, the digests differ.
# GNU cp, find and sort.
set -eu

digest() {
    (
        cd "$1"
        {
            find . -type d -printf 'd %m %U %G %T@ %P\0' -o \
                -printf '%y %m %U %G %T@ %n %s %l %P\0' || echo "failed in $1"
        } | sort -z | sha256sum | cut -c 1-64
    )
}

cp --archive "$1/." "$2/"
sync --file-system "$2" &
written=$!
digest "$1" >/dev/shm/first &
first=$!
digest "$2" >/dev/shm/second &
second=$!
find "$2" -printf . | wc -c >/dev/shm/count
wait "$written"
wait "$first"
wait "$second"
cat /dev/shm/first /dev/shm/second /dev/shm/count
