# sparse PATH: print --sparse, if tar can tell the holes of the files there.
# Where a file system says of a file with content that it takes no block, tar takes all of it for a
# hole, and what comes out is zeros. Those of Linux's own count right; elsewhere files that take no
# block are looked into. GNU find, stat, xargs and cmp.
sparse() {
    case $(stat --file-system --format=%T -- "$1") in
        ext2/ext3 | xfs | tmpfs) echo --sparse ;;
        *)
            if { find "$1" -type f -size +0 -printf '%b %p\0' || printf '0 \0'; } |
                grep --null-data '^0 ' | cut --zero-terminated --characters=3- |
                xargs --null --no-run-if-empty --max-args=1 sh -c '
                    size=$(stat --format=%s -- "$0")
                    cmp --silent --bytes="$size" -- "$0" /dev/zero || exit 255'; then
                echo --sparse
            fi 2>/dev/null
            ;;
    esac
}
