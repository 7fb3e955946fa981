# Run as root in a helper: sh -c SCRIPT devenv DIRECTORY DIRECTORY
# It prints how many entries the first has, and for each a digest of all names with kinds, owners,
# modes, times, link targets, numbers of links and sizes: of everything but contents and attributes.
# GNU find and sort.
set -eu

count() {
    find "$1" -printf . | wc -c
}

digest() {
    (
        cd "$1"
        find . -type d -printf 'd %m %U %G %T@ %P\0' -o \
            -printf '%y %m %U %G %T@ %n %s %l %P\0' | sort -z | sha256sum | cut -c 1-64
    )
}

count "$1"
digest "$1"
digest "$2"
