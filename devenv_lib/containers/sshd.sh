# Run as the user inside an environment:
#   sh -c SCRIPT devenv TAG HOME STATE KEY PIDFILE LOGFILE LOGINFILE LOGIN OPTION...
# It makes the host key if there is none, and starts sshd if it does not run; LOGIN is the text of
# the script that its logins run, from the file LOGINFILE. It prints why
# nobody could log in, a line for each reason. Status 0: sshd runs; 3: the image has no sshd, and
# what it lacks is printed; 1: sshd did not start, and the last line says why.
# POSIX sh, and coreutils or busybox. Every step can be repeated, and two processes, also in two
# environments of one state volume, may take the same steps at once.
set -u
tag=$1 home=$2 state=$3 key=$4 pidfile=$5 log=$6 loginfile=$7 login=$8
shift 8

runs() {
    pid=$(cat -- "$pidfile" 2>/dev/null) && [ -n "$pid" ] &&
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sshd ]
}

# What sshd's StrictModes would refuse in silence.
look() {
    keys=$home/.ssh/authorized_keys
    [ -r "$keys" ] || echo "the user inside may not read $keys"
    for path in "$keys" "$home/.ssh" "$home"; do
        ls -ldnL -- "$path" 2>/dev/null | {
            read -r mode _ uid _ || return 0
            case $uid in 0 | "$(id -u)") ;; *) echo "$path belongs to uid $uid inside" ;; esac
            case $mode in ?????w* | ????????w*) echo "others may write $path" ;; esac
        }
    done
}

# The key appears under its name complete or not at all, and never over another file: ln has no
# -f. Directories are made one below the other, and names are relative to the last: `pwd -P` shows
# whether a symlink led out of the volume, and there nothing is made any more.
make_key() {
    cd -- "$state" && at=$(pwd -P) || return 1
    dir=${key%/*}
    below=${dir#"$state"/}/
    while [ -n "$below" ]; do
        part=${below%%/*} below=${below#*/}
        (umask 077 && mkdir -- "$part") 2>/dev/null
        at=$at/$part
        if ! cd -- "$part" 2>/dev/null || [ "$(pwd -P)" != "$at" ]; then
            echo "$dir is not a directory in the volume"
            return 1
        fi
    done
    name=${key##*/}
    if ! [ -e "$name" ] && ! [ -L "$name" ]; then
        new=.new.$tag.$$
        rm -f -- "$new" "$new.pub"
        ssh-keygen -q -t ed25519 -N '' -C devenv -f "$new" </dev/null &&
            ln -- "$new" "$name" 2>/dev/null
        rm -f -- "$new" "$new.pub"
    fi
    if [ -L "$name" ] || ! [ -f "$name" ] || [ "$(wc -c <"$name")" -gt 65536 ]; then
        echo "$key is not a key in the volume"
        return 1
    fi
}

sftp() {
    for path in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec; do
        if [ -x "$path/sftp-server" ]; then
            echo "-oSubsystem=sftp $path/sftp-server"
            return
        fi
    done
    echo -oUseDNS=no # the default: an empty word would be an error
}

look
if runs; then exit 0; fi
for program in sshd ssh-keygen; do
    if ! command -v "$program" >/dev/null; then
        echo "no $program in the image"
        exit 3
    fi
done
make_key 2>&1 || exit 1
printf '%s' "$login" >"$loginfile.$$" && mv -f -- "$loginfile.$$" "$loginfile" || exit 1
cd /
"$(command -v sshd)" -D -e "$@" "$(sftp)" </dev/null >>"$log" 2>&1 &
started=$! left=60
looks=100
while [ $((looks -= 1)) -gt 0 ] && [ "$left" -gt 0 ]; do
    if runs; then exit 0; fi
    # Another process may have started one a moment earlier, and has the port.
    kill -0 "$started" 2>/dev/null || left=$((left - 1))
    sleep 0.03 2>/dev/null || sleep 1
done
kill "$started" 2>/dev/null
echo "sshd did not start: $(tail -n 1 -- "$log" 2>/dev/null)"
exit 1
