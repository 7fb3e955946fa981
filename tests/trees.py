"""Trees of files as odd as they can be: specified here, made and read inside a container.

Reading does not use what devenv reads with: a scan is of what ``lstat`` and ``listxattr`` say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.conftest import IMAGE, docker

#: Builds what is specified on stdin in the directory that is named. Names are latin-1 of bytes.
_BUILD = r"""
import json, os, socket, stat, sys
os.umask(0)
os.chdir(sys.argv[1])
late = []
for e in json.load(sys.stdin):
    path = e["path"].encode("latin-1"); kind = e["kind"]
    if kind == "dir" and path != b".":
        os.mkdir(path)
    elif kind == "file":
        with open(path, "wb") as f:
            f.write(e["data"].encode("latin-1"))
            if e["hole"]:
                f.seek(e["hole"]); f.write(b"end")
    elif kind == "symlink":
        os.symlink(e["data"].encode("latin-1"), path)
    elif kind == "link":
        os.link(e["data"].encode("latin-1"), path, follow_symlinks=False); continue
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(path)
    os.lchown(path, e["uid"], e["gid"])
    if kind != "symlink":
        os.chmod(path, e["mode"])
    for key, value in e["xattrs"].items():
        os.setxattr(path, key, bytes.fromhex(value), follow_symlinks=False)
    late.append((path, e["mtime"]))
for path, when in reversed(late):
    if when is not None:
        os.utime(path, ns=(when, when), follow_symlinks=False)
"""
_SCAN = r"""
import hashlib, json, os, stat, sys
os.chdir(sys.argv[1])
found, inodes = {}, {}
def add(path):
    s = os.lstat(path); kind = stat.S_IFMT(s.st_mode)
    first = inodes.setdefault(s.st_ino, path)
    entry = [oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns, first.decode("latin-1")]
    entry.append(s.st_size if kind != stat.S_IFDIR else 0)
    if kind == stat.S_IFREG:
        with open(path, "rb") as f:
            entry.append(hashlib.sha256(f.read()).hexdigest())
        entry.append(s.st_size > 1 << 20 and s.st_blocks * 512 < s.st_size // 2)
    if kind == stat.S_IFLNK:
        entry.append(os.readlink(path).decode("latin-1"))
    if kind == stat.S_IFCHR:
        entry.append(s.st_rdev)
    entry.append({k: os.getxattr(path, k, follow_symlinks=False).hex()
                  for k in sorted(os.listxattr(path, follow_symlinks=False))})
    found[path.decode("latin-1")] = entry
def walk(path):
    add(path)
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in sorted(os.listdir(path)):
            walk(os.path.join(path, name))
walk(b".")
json.dump(found, sys.stdout)
"""


@dataclass(frozen=True)
class Entry:
    """One entry. Texts stand for bytes (latin-1); ``xattrs`` are hexadecimal.

    ``data`` is a file's content, a symlink's text or the path that a hard link links to; with
    ``hole`` a file goes on after so many bytes of nothing. ``mtime`` is in nanoseconds.
    """

    path: str
    kind: str = "file"
    data: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int | None = None
    hole: int = 0
    xattrs: dict[str, str] = field(default_factory=dict)


#: The user's, of uid 1000, the group's, the mask, others': what is handed down.
DEFAULT_ACL = (
    "0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000500ffffffff"
)
_ACL = "0200000001000600ffffffff02000700e803000004000400ffffffff10000700ffffffff20000000ffffffff"
_CAPABILITY = "0100000200040000000000000000000000000000"
#: One of everything, but for a socket, which no archive can hold.
ODD: tuple[Entry, ...] = (
    Entry(".", "dir", mode=0o2750, uid=1000, gid=1000, mtime=987654321012345678),
    Entry("new\nline"),
    Entry("\xff\xfe not utf-8", data="\0\1"),
    Entry("\xc3\xbc"),
    Entry("-rf"),
    Entry("$(touch x) '\"\\ *"),
    Entry(" space "),
    Entry("sticky", "dir", mode=0o1777),
    Entry("sticky/hard", "link", data="-rf"),
    Entry("absolute", "symlink", data="/etc/passwd", uid=3, gid=4),
    Entry("out", "symlink", data="../../..", mtime=-5),
    Entry("odd", "symlink", data="\xff\n"),
    Entry("sticky/hard symlink", "link", data="absolute"),
    Entry("fifo", "fifo", mode=0o622),
    Entry("null", "device", mode=0o666),
    Entry("setuid", data="x", mode=0o6755, uid=1234, gid=65534),
    Entry("capable", uid=5, gid=5, xattrs={"security.capability": _CAPABILITY}),
    Entry("listed", mode=0o640, xattrs={"system.posix_acl_access": _ACL}),
    Entry("xattrs", xattrs={"user.zz": "00ff", "user.aa": "31", "user.mm": "32"}),
    Entry("xattrs of a directory", "dir", xattrs={"user.d": "33"}),
    Entry("sparse", data="begin", hole=20 << 20),
    Entry("sparse \xff\xc3\xbc", hole=20 << 20),
    Entry("hard sparse", "link", data="sparse \xff\xc3\xbc"),
    Entry("old", mtime=-(10**18) + 123456789),
    Entry("new", mtime=10**19 // 5 + 1),
    Entry("closed", "dir", mode=0),
    Entry("closed/inside", mode=0, data="secret"),
    Entry("empty", "dir", mode=0o700, uid=7, gid=8, mtime=1),
    *(Entry("/".join(["deep"] * n), "dir", uid=n) for n in range(1, 11)),
    Entry("x" * 255),
    *(Entry("/".join(["y" * 200] * n), "dir") for n in range(1, 4)),
)


def build(volume: str, entries: Sequence[Entry] = ODD) -> None:
    """Make a tree in an empty volume; the engine makes the volume if it is not there."""
    _inside(volume, _BUILD, json.dumps([asdict(entry) for entry in entries]))


def scan(volume: str) -> dict[str, Any]:
    """Return everything that can be seen of a volume, by path."""
    found: dict[str, Any] = json.loads(_inside(volume, _SCAN, ""))
    return found


def _inside(volume: str, program: str, text: str) -> str:
    words = ["run", "--rm", "--interactive", "--network=none", "--user=0", "--entrypoint=python3"]
    words += ["--cap-add=MKNOD"]  # Podman's containers may make no devices by themselves
    mount = f"type=volume,src={volume},dst=/devenv/tree,volume-nocopy"
    return docker(
        *words, f"--mount={mount}", IMAGE, "-c", program, "/devenv/tree", input=text
    ).stdout
