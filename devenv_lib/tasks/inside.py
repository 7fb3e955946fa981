"""The tasks ``volume.cp`` and ``volume.usage``: what is in a volume, without an environment."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO

from invoke import Context

from devenv_lib import report, texts, volumes
from devenv_lib.errors import UsageError
from devenv_lib.plans.contents import Copied, parts_of, reachable
from devenv_lib.tasks._bars import draw
from devenv_lib.tasks._flags import check_format, needed, not_empty
from devenv_lib.tasks._hands import Hands, hands
from devenv_lib.tasks._task import dry, task

#: Directories that a table has at least, on however low a terminal.
_ROWS = 20


@task(
    help={
        "name": "the volume",
        "file": "a file or directory in it, relative to its top; . is all of it",
        "to": "where the copy goes: a directory, a new name, or - for stdout",
        "from": "what is copied there instead: a file, a directory, or - for stdin",
        "replace": "a file may take the place of a file; otherwise nothing is overwritten",
    },
)
def cp(
    c: Context,
    name: str = "",
    file: str = "",
    to: str | None = None,
    from_: str | None = None,
    replace: bool = False,
) -> None:
    """Copy a file or directory out of a volume, or into it as the environment's user's."""
    needed([name] if name else [])
    not_empty(**{"to": to, "from": from_})
    if bool(to) == bool(from_):
        raise UsageError(
            "It takes exactly one of --to and --from.",
            "Out: --to DIR; into the volume: --from PATH",
        )
    parts_of(file)
    began = time.monotonic()
    at = hands(c)
    users = reachable(at.engine.snapshot(), at.prefix, name)
    if dry(c):
        report.lines(_rehearsal(at, name, file, to or "", from_ or "", replace=replace))
        return
    if to == "-":
        with report.bytes_out() as stdout:
            made = volumes.copy_out(at.engine, at.prefix, name, file, stdout, at.made_image())
            _tell(made)
        return
    if to:
        made = volumes.copy_out(
            at.engine, at.prefix, name, file, _home(to), at.made_image(), replace=replace
        )
    else:
        made = _copy_in(at, name, file, from_ or "", replace=replace)
    what = f"{from_ or file} to {made.target}, {texts.size(made.bytes)}"
    report.outcome(name, "COPIED", what)
    _tell(made)
    if from_ and users:
        report.reason(f"in use by {', '.join(user.name for user in users)}, which sees it at once")
    counts = {_counted(made.files, "file"): made.files, "left out": made.omitted}
    report.summary(counts, at.engine.endpoint.title, time.monotonic() - began)


def _home(path: str) -> str:
    """Return a path with the home in it; the slash at its end, which says something, stays."""
    return os.path.expanduser(path)  # noqa: PTH111


def _counted(number: int, noun: str) -> str:
    return f"{noun} copied" if number == 1 else f"{noun}s copied"


def _copy_in(at: Hands, name: str, file: str, source: str, *, replace: bool) -> Copied:
    image = at.made_image()
    user = at.user_of(image)
    content: str | IO[bytes] = _home(source)
    if source == "-":
        if sys.stdin is None:
            raise UsageError("There is no stdin to read from.", "Name a file: --from PATH")
        content = sys.stdin.buffer
    owner = (user.uid, user.gid)
    return volumes.copy_in(at.engine, at.prefix, name, file, content, image, owner, replace=replace)


def _tell(made: Copied) -> None:
    for omission in made.omissions:
        report.reason(f"left out: {omission.path}  ({omission.why})")
    if made.omitted > len(made.omissions):
        report.reason(f"left out: {made.omitted - len(made.omissions):,} more")
    if made.changed:
        report.reason("something in it changed or went while it was copied")


def _rehearsal(
    at: Hands, name: str, file: str, to: str, source: str, *, replace: bool
) -> Iterator[str]:
    """Yield the docker line that comes nearest, and what else would be done."""
    over = "a file may take the place of a file" if replace else "over nothing"
    mount = f"type=volume,src={name},dst=/v{',readonly' if to else ''}"
    words = ["docker", "run", "--rm", "--interactive", "--network=none", "--user=0"]
    words += [f"--mount={mount}", "--workdir=/v", at.choice.name]
    if to:
        yield shlex.join([*words, "tar", "--create", "--", file])
        if to != "-":
            yield f"# what comes is written to {to}: as yours, whole or not at all, {over}"
    else:
        yield f"# {source} is read, as an archive in which all is the image's user's"
        yield shlex.join([*words, "tar", "--extract"])
        yield f"# it gets the name {file} when it is whole, {over}"


@task(
    help={
        "name": "the volume",
        "depth": "how many levels of directories to show; 2 is the default",
        "format": "table (the default) or json: bytes, and every directory down to the depth",
    },
)
def usage(
    c: Context,
    name: str = "",
    depth: str = "2",
    format: str = "table",  # noqa: A002
) -> None:
    """Show what takes the room in a volume: its largest directories."""
    check_format(format, "table", "json")
    levels = _number(depth)
    needed([name] if name else [])
    began = time.monotonic()
    at = hands(c)
    reachable(at.engine.snapshot(), at.prefix, name)  # before an image is made for it
    if dry(c):
        words = ["docker", "run", "--rm", "--network=none", "--user=0"]
        words += [f"--mount=type=volume,src={name},dst={volumes.WALK[1]},readonly"]
        report.lines([shlex.join([*words, at.choice.name, *volumes.WALK])])
        return
    found = volumes.measure(at.engine, at.prefix, name, at.made_image(), levels)
    if format == "json":
        directories = [asdict(one) for one in found]
        report.as_json(
            {"name": name, "engine": at.engine.endpoint.name, "directories": directories}
        )
        return
    width, height = shutil.get_terminal_size()
    plain = not report.can_write("├█…")
    drawn = draw(found, name, width, max(_ROWS, height - 4), plain=plain)
    if report.out("\n".join(drawn)):
        files = "file" if found[0].files == 1 else "files"
        counts = {files: found[0].files, _levels(len(found) - 1, levels): len(found) - 1}
        report.summary(counts, at.engine.endpoint.title, time.monotonic() - began)


def _number(depth: str) -> int:
    """Return a depth. Invoke's own reading of numbers ends in a traceback."""
    if not re.fullmatch("[0-9]{1,4}", str(depth)):
        raise UsageError(f"{depth!r} is no depth.", "A whole number: --depth 2; the top is 0.")
    return int(depth)


def _levels(number: int, depth: int) -> str:
    noun = "directory" if number == 1 else "directories"
    return f"{noun} down to depth {depth}"


TASKS = (cp, usage)
