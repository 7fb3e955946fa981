"""The directories of links that stand in for configuration with lockfiles."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from devenv_lib.containers.links import make_links
from devenv_lib.mounts import LockDirectory, MountPlan

ENTRIES = tuple(f"link{n}" for n in range(40))


def test_stale_links_go_and_those_that_are_wanted_come(tmp_path: Path) -> None:
    (tmp_path / "stale").symlink_to("/elsewhere")
    (tmp_path / "link1").symlink_to("/elsewhere")
    (tmp_path / "somebodys").touch()
    make_links(plan(tmp_path))
    found = {path.name: str(path.readlink()) for path in tmp_path.iterdir() if path.is_symlink()}
    assert found == {name: f"/config/{name}" for name in ENTRIES} | {"lock.json": "/lock/lock.json"}
    assert (tmp_path / "somebodys").exists()


def test_two_that_bring_them_up_to_date_at_once_both_succeed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            for n in range(200):
                (tmp_path / f"stale{n}").symlink_to("/elsewhere")
            list(pool.map(lambda _: make_links(plan(tmp_path)), range(2)))
            assert {path.name for path in tmp_path.iterdir()} == {*ENTRIES, "lock.json"}


def plan(directory: Path) -> MountPlan:
    target, config, lock = map(PurePosixPath, ("/target", "/config", "/lock"))
    links = LockDirectory(PurePosixPath(directory), target, config, lock, ("lock.json",), ENTRIES)
    return MountPlan(mounts=(), locks=(links,))
