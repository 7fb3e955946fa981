# Start an engine as a process of its own: sh -c SCRIPT devenv DOCKERD LOG, as root.
# A machine that was cut off leaves its pid files behind. dockerd takes any process that has
# such a number now for itself, and gives up: so files whose process is another one are removed.
set -eu
for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    [ -f "$file" ] || continue
    case $(cat "/proc/$(cat "$file")/comm" 2>/dev/null) in
        dockerd | containerd) ;;
        *) rm -f -- "$file" ;;
    esac
done
setsid "$1" >>"$2" 2>&1 </dev/null &
