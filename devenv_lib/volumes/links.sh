# Run as root in the directory of links, which is the working directory:
#   sh -c SCRIPT devenv [NAME TARGET]...
# A root process has no capabilities here (see provision.py); the directory is root's own, so it
# needs none. It may not even see what the links lead to, so the names are given.
set -eu
while [ $# -gt 0 ]; do
    [ -L "./$1" ] || ln -s -- "$2" "./$1" || [ -L "./$1" ]
    shift 2
done
