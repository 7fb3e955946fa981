# Run as root in a helper: sh -c SCRIPT devenv DIRECTORY look|begin|commit|settle ORIGIN [top]
# What a volume is to hold comes into a directory at its top, and then takes the place of all that
# is there. Each state shows in names alone, each step can be repeated, and what room the steps
# after the commit need is set aside before it: so a volume ends with all of the old or all of the
# new, also on a disk that fills up meanwhile.
#   by         a symlink whose text is the ORIGIN of the command that began this
#   incoming   is being filled: the volume is as it was
#   ready      is complete; what was there goes to `outgoing`, an empty directory before
#   arriving   all of that went; what is in here comes to the top
#   was, time  empty files with the top's time as it was, and as it is to be: the latter only
#              after `commit top`, which says that the top's owner, mode and time came too
#   reserve    a file whose room is for directories that grow, until what is there begins to move
# `settle` prints what it did: "rolled back", "carried on", or nothing. What another ORIGIN began
# stays as it is: people may have worked in the volume since, and would lose that.
# `look` prints one of these names that is there, or nothing.
# GNU find, mv and tar: an entry is renamed, never copied.
set -eu
cd "$1"
own=.devenv-restore

is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

in_the_way() {
    for name in by incoming ready arriving outgoing was time reserve; do
        if is_there "$own-$name"; then
            echo "$own-$name"
            return
        fi
    done
}

move_out() {
    mkdir -p -m 0700 "$own-outgoing"
    find . -mindepth 1 -maxdepth 1 ! -name "$own-*" -exec mv -t "$own-outgoing" -- {} +
    mv -T -- "$own-ready" "$own-arriving"
}

set_aside() {
    mkdir -p -m 0700 "$own-outgoing"
    entries=$(find . "$own-incoming" -mindepth 1 -maxdepth 1 -printf . | wc -c)
    head -c $((65536 + 1024 * entries)) /dev/zero >"$own-reserve"
}

# What was freed can be taken when that is on the disk.
use_reserve() {
    if is_there "$own-reserve"; then
        rm -f -- "$own-reserve"
        sync -f .
    fi
}

roll_back() {
    rm -rf -- "$own-time" "$own-reserve" "$own-outgoing"
    rm -rf -- "$own-incoming"
}

# The top itself gets the owner, mode and attributes of what came, if these came too.
move_in() {
    find "$own-arriving" -mindepth 1 -maxdepth 1 -exec mv -t . -- {} +
    if is_there "$own-time"; then
        tar --create --file=- --no-recursion --format=pax --numeric-owner --acls --xattrs \
            --xattrs-include='*' --directory="$own-arriving" . |
            tar --extract --file=- --same-owner --same-permissions --numeric-owner --acls --xattrs \
                --xattrs-include='*' --directory=.
    fi
    rm -rf -- "$own-outgoing"
    rmdir "$own-arriving"
}

# Whatever is made or renamed in a directory changes its time: it is kept in files beside, one
# for what was and one for what comes, and given to the top last.
set_time() {
    touch -r "$1" /dev/shm/time
    rm -f -- "$own-was" "$own-time" "$own-by"
    touch -r /dev/shm/time .
}

case $2 in
    look)
        in_the_way
        ;;
    begin)
        if [ "$(in_the_way)" ]; then
            echo "there is $(in_the_way) in the volume already" >&2
            exit 1
        fi
        touch -r . /dev/shm/time
        ln -s -- "$3" "$own-by"
        touch -r /dev/shm/time "$own-was"
        mkdir -m 0700 "$own-incoming"
        # The top may be setgid, and what is made in it inherits that.
        chmod ug-s "$own-incoming"
        ;;
    commit)
        if [ "$4" = top ]; then touch -r "$own-incoming" "$own-time"; fi
        set_aside
        sync -f .
        mv -T -- "$own-incoming" "$own-ready"
        ;;
    settle)
        if [ -z "$3" ] || [ "$(readlink -- "$own-by")" != "$3" ]; then exit; fi
        if is_there "$own-incoming"; then
            roll_back
            echo "rolled back"
        fi
        use_reserve
        if is_there "$own-ready"; then move_out; fi
        if is_there "$own-arriving"; then
            move_in
            echo "carried on"
        fi
        if is_there "$own-time"; then set_time "$own-time"; fi
        if is_there "$own-was"; then set_time "$own-was"; fi
        rm -f -- "$own-by"
        sync -f .
        ;;
esac
