# Become an engine in a root file system of its own:
#   unshare --mount --net --pid --fork --propagation private sh enter.sh KIND ROOT DATA SOCKET NAME WHO
# All mounts are in this mount namespace and all processes in this process namespace, so both end
# with the first process, which is this one.
set -eu
kind=$1 root=$2 data=$3 socket=$4 name=$5 who=$6

# Below /run, so that it is not in the directories that come next.
mount -t tmpfs tmpfs /run
mkdir /run/root
mount --bind "$root" /run/root
root=/run/root

# What tests bind into containers has to be at the same path here: every directory at the top of
# the host but those that a system consists of.
for path in /*; do
    case ${path#/} in
        bin | boot | dev | etc | lib* | lost+found | proc | run | sbin | sys | usr | var) continue ;;
    esac
    [ -d "$path" ] && [ ! -L "$path" ] || continue
    mkdir -p "$root$path"
    mount --rbind "$path" "$root$path"
done
mkdir -p "$root/var/lib/engine"
if [ -f "$data" ]; then # a small disk, that can be filled up
    mount -o loop "$data" "$root/var/lib/engine"
else
    mount --bind "$data" "$root/var/lib/engine"
fi

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm" # Podman's locks are there, and end with it
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
if [ "$kind" = podman ]; then
    # Podman knows control groups of one kind at a time. Where a machine has both, the controllers
    # are the old kind's, and this Podman can set no limits: devenv has to live with that.
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
fi

cd "$root"
pivot_root . .
umount -l .
cd /
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run
ip link set lo up

if [ "$who" = rootless ]; then
    # The root file system is also the rootful engine's: what is this user's own lies over it.
    mkdir -p /run/etc /run/user/1000 /run/home /run/dev "$(dirname "$socket")"
    echo engine:x:1000:1000::/run/home:/bin/sh | cat /etc/passwd - >/run/etc/passwd
    echo engine:x:1000: | cat /etc/group - >/run/etc/group
    echo engine:100000:65536 | tee /run/etc/subuid >/run/etc/subgid
    for file in passwd group subuid subgid; do
        [ -e "/etc/$file" ] || : >"/etc/$file"
        mount --bind "/run/etc/$file" "/etc/$file"
    done
    # Networks of its own take this device, which may be root's alone on the host.
    mknod -m 0666 /run/dev/tun c 10 200
    [ ! -e /dev/net/tun ] || mount --bind /run/dev/tun /dev/net/tun
    # The way to the socket is one that this user may not go.
    mkdir /run/socket
    mount --bind "$(dirname "$socket")" /run/socket
    chown 1000:1000 /run/user/1000 /run/home /run/socket /var/lib/engine
    cat >/run/containers.conf <<CONF
[containers]
cgroups = "disabled"
pids_limit = 0
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=$(ulimit -Hp):$(ulimit -Hp)"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
    set -- setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=+all env \
        HOME=/run/home XDG_RUNTIME_DIR=/run/user/1000 CONTAINERS_CONF=/run/containers.conf
    if [ "$kind" = podman ]; then
        set -- "$@" podman --root /var/lib/engine --runroot /run/user/1000/engine \
            system service --time=0 unix:///run/socket/engine.sock
    else
        set -- "$@" rootlesskit --net=slirp4netns --copy-up=/etc --copy-up=/run \
            dockerd --host=unix:///run/socket/engine.sock --data-root=/var/lib/engine \
            --bridge=none --iptables=false --ip6tables=false
    fi
elif [ "$kind" = podman ]; then
    mkdir -p /etc/containers
    # It gives builds a million of each, which not every root may.
    files=$(ulimit -Hn) processes=$(ulimit -Hp)
    cat >/etc/containers/containers.conf <<CONF
[containers]
pids_limit = 0
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
firewall_driver = "nftables"
CONF
    set -- podman --root /var/lib/engine --runroot /run/engine
    # What builds that failed have left is in no list of the service's.
    "$@" ps --all --quiet --external | xargs --no-run-if-empty "$@" rm --force
    set -- "$@" system service --time=0 "unix://$socket"
else
    set -- dockerd --host="unix://$socket" --data-root=/var/lib/engine --exec-root=/run/engine \
        --pidfile=/run/engine.pid --cgroup-parent="/devenv-engine-$name"
fi
# The first process of a namespace is sent no signal that it does not ask for, and is the parent
# of all orphans: `wait` takes their ends in. The engine's own end is the end, unless somebody said
# before that it is to be down for a while.
ended=
trap 'ended=1; kill "$engine" 2>/dev/null || true' TERM
while :; do
    rm -f /run/engine.pid "$socket"
    "$@" &
    engine=$!
    while kill -0 "$engine" 2>/dev/null; do wait "$engine" || true; done
    mv "$socket.ending" "$socket.down" 2>/dev/null || break
    while [ -e "$socket.down" ] && [ -z "$ended" ]; do sleep 0.05; done
    [ -z "$ended" ] || break
done
