# Run as root in a helper: sh -c SCRIPT devenv ACTION ROOT TOKEN KIND UID:GID MODE INTO REPLACE OWN
# PART… and put what comes from stdin at PART… of the volume at ROOT, as a user's, in two steps
# (`printf %b` spells OWN and each PART):
#   receive  see that it can be put there, and write it (a file, or a tree from a tar) to TOKEN, a
#            directory at ROOT that is root's alone;
#   put      give it its name, and print that. A client that died never comes to this.
#   discard  remove TOKEN.
# PART… that is a directory, or is meant as one (INTO), gets it under the name OWN.
# Status: 33 a symlink on the way leads out of the volume; 34 what is on the way is no directory;
# 35 a name is needed; 36 something has the name; 37 a symlink has it; 38 a directory has it.
# GNU coreutils, tar and find.
set -eu
action=$1 root=$2 token=$3 kind=$4 owner=$5 mode=$6 into=$7 replace=$8
shift 8
for part; do # the dot keeps the newlines at a name's end
    part=$(printf '%b.' "$part")
    set -- "$@" "${part%.}"
    shift
done
own=$1
shift
held=$root/$token
nl='
'
new= # whether the directory where it goes is still to be made

# Go on to a directory below this one: through symlinks inside the volume alone.
enter() {
    [ -z "$new" ] || return 0
    if [ -d "./$1" ]; then
        :
    elif [ -e "./$1" ]; then
        exit 34
    elif [ -L "./$1" ]; then
        exit 33
    elif [ "$action" = put ]; then
        mkdir -m 755 -- "./$1"
        chown -h "$owner" "./$1"
    else
        new=1
        return 0
    fi
    cd -P -- "./$1" || exit 34
    case $(pwd -P && echo .) in
        "$root$nl." | "$root"/*) ;;
        *) exit 33 ;;
    esac
}

find_place() {
    cd -P -- "$root"
    while [ $# -gt 1 ]; do
        enter "$1"
        shift
    done
    name=$own
    if [ $# -gt 0 ]; then
        if [ -n "$into" ] || { [ -z "$new" ] && [ -d "./$1" ]; }; then
            enter "$1"
        else
            name=$1
        fi
    fi
    [ -n "$name" ] || exit 35
    if [ -n "$new" ]; then
        :
    elif [ -L "./$name" ]; then
        exit 37
    elif [ -d "./$name" ]; then
        exit 38
    elif [ -e "./$name" ] && { [ -z "$replace" ] || [ ! -f "./$name" ] || [ "$kind" != file ]; }; then
        exit 36
    fi
}

# Nobody else is at work on this volume: these were left by a client or an engine that died. In a
# setgid directory they are setgid too.
clear_up() {
    find "$root" -mindepth 1 -maxdepth 1 -type d -user 0 \( -perm 700 -o -perm 2700 \) \
        -regex '.*/\.devenv-cp-[0-9a-f]*' -exec rm -rf -- {} +
}

receive() {
    umask 077
    mkdir -m 700 -- "$held" # an access list that is handed down would overrule the umask
    cd -P -- "$held"
    if [ "$kind" = file ]; then
        cat >it
        chown "$owner" it
        chmod "$mode" it
    else
        mkdir it
        tar --extract --file=- --numeric-owner --same-owner --preserve-permissions --touch \
            --directory=it
    fi
}

# On a file system without links, or where the directory cannot grow, this says why it fails.
move() {
    [ ! -e "./$name" ] && [ ! -L "./$name" ] || exit 36
    mv -nT -- "$held/it" "./$name"
    [ ! -e "$held/it" ] || exit 36 # somebody was faster
}

put() {
    if [ "$kind" = file ]; then
        sync -- "$held/it"
        if [ -n "$replace" ]; then
            mv -fT -- "$held/it" "./$name"
        else # which never takes the place of anything
            ln -T -- "$held/it" "./$name" 2>/dev/null || move
        fi
    else
        move
    fi
    rm -rf -- "$held"
    here=$(pwd -P && echo .)
    here=${here%"$nl."}
    printf %s "${here#"$root"}/$name"
}

case $action in
    receive)
        clear_up
        find_place "$@"
        receive
        ;;
    put)
        find_place "$@"
        put
        ;;
    discard) # what the client's other program still writes ends now, too
        for _ in 1 2 3 4 5; do
            rm -rf -- "$held" 2>/dev/null && break
            sleep 0.1
        done
        ;;
esac
