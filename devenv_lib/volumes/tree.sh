# Run as root in a helper: sh -c SCRIPT devenv DIRECTORY…
# It prints three lines for each: which directory it is (inode and birth time), how many entries
# are at its top, and a digest of everything in it: `tar`'s status and a SHA-256. Two trees with
# one digest have the same paths, types, owners, modes, link targets, hard links, times (in
# nanoseconds), sizes, contents, extended attributes and access lists.
# Access lists are attributes too, which come in the order in which they were set: they are
# compared as lists alone. GNU tar, find and stat. Names come in byte order, and nothing of the process gets into the
# stream. Sockets are not in it: tar leaves them out.
set -eu
for tree in "$@"; do
    stat -c '%i.%W' -- "$tree"
    find "$tree" -mindepth 1 -maxdepth 1 -printf . | wc -c
    {
        {
            status=0
            tar --create --file=- --format=pax --sort=name --numeric-owner --acls \
                --xattrs --xattrs-include='*' --xattrs-exclude='system.posix_acl_*' \
                --warning=no-file-ignored \
                --pax-option='delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f' \
                --directory="$tree" . || status=$?
            echo "$status" >&3
        } | sha256sum >&3
    } 3>&1
done
