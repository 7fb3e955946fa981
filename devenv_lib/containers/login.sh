# Run by sshd for every login, as the environment's user: sh SCRIPT KEYS
# It runs what was asked for in the shell that `devenv run` opens, which is no login shell: that
# would replace the image's PATH. As sshd's ForceCommand it comes before what a key's own
# `command=` says. Such a key is refused, since it is meant for nothing else; where it is not known
# by which line of KEYS, an authorized_keys file, somebody came, so is every key beside such a one.
# sshd tells the key in a file of its own in /tmp, if it can write there.
# POSIX sh, and sed and grep of coreutils or busybox; OpenSSH's ssh-keygen for certificates.
set -u
keys=$1

refuse() {
    echo "devenv: this key may run one command of its own alone" >&2
    exit 1
}

# The key as sshd took it, its type and itself in base64, which the file may have in other spacing.
key=$(sed -n 's/^publickey //p' "${SSH_USER_AUTH-/dev/null}" 2>/dev/null)
wanted=${key##* }
case $key in
    *-cert-v01@*)
        # A certificate is not in the file, which names who may sign some. What it says itself
        # comes after the key's id, which is whatever its signer wrote.
        said=$(printf '%s\n' "$key" | ssh-keygen -L -f - 2>/dev/null) || said=force-command
        case $said in *force-command*) refuse ;; esac
        wanted=cert-authority
        ;;
    *) LC_ALL=C grep -aqF -e "$wanted" -- "$keys" || wanted= ;;
esac
# Options come before the key, without spaces but in double quotes, in which \" is one. Bytes count,
# as they do for sshd: a name in a comment may be of any encoding.
options() {
    LC_ALL=C grep -av '^[[:space:]]*#' "$keys" | LC_ALL=C grep -aiF -e "$wanted" | LC_ALL=C sed \
        -e 's/^[[:space:]]*//' -e 's/\\"//g' -e 's/"[^"]*"//g' -e 's/[[:space:]].*//'
}
if options | LC_ALL=C grep -aEiq '(^|,)command='; then refuse; fi
exec "$SHELL" ${SSH_ORIGINAL_COMMAND+-c "$SSH_ORIGINAL_COMMAND"}
