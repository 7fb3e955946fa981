"""Compose: devenv's namespace under a name, and grafted beside other tasks, all or nothing."""

from __future__ import annotations

import copy
import pickle
import sys
from types import ModuleType
from typing import Any, cast

import pytest
from invoke import Collection, Context, Exit, task

import devenv_lib as devenv
from devenv_lib.errors import DevenvError, UsageError
from devenv_lib.tasks import TaskFileError


@task
def hello(_: Context) -> None:
    """Say hello."""


def test_the_namespace_has_a_name_for_add_collection() -> None:
    parent = Collection(hello)
    parent.add_collection(devenv.ns)

    assert {"hello", "devenv.run", "devenv.volume.list"} <= set(parent.task_names)


def test_the_library_itself_can_be_added_too() -> None:
    """Invoke looks for ``ns`` in a module, and takes that one's name."""
    parent, library = Collection(hello), cast("Any", devenv)  # which Invoke's types do not know
    parent.add_collection(library)

    assert "devenv.run" in parent.task_names


def test_the_namespace_still_serves_as_a_root() -> None:
    """Of a file of one line: Invoke makes a copy of it, and its name heads nothing."""
    module = ModuleType("tasks")
    module.ns = devenv.ns  # type: ignore[attr-defined]

    assert sorted(Collection.from_module(module).task_names) == sorted(devenv.ns.task_names)


def test_the_namespace_says_what_it_is_in_a_nested_list() -> None:
    assert (devenv.ns.__doc__ or "").splitlines()[0].startswith("Development containers")


def test_a_graft_adds_every_task_and_collection_and_returns_the_file() -> None:
    mine = Collection(hello)

    assert devenv.graft(mine) is mine
    assert {*devenv.ns.task_names, "hello"} == set(mine.task_names)


def test_a_graft_leaves_devenvs_own_namespace_alone() -> None:
    before = sorted(devenv.ns.task_names)
    devenv.graft(Collection(hello))

    assert before == sorted(devenv.ns.task_names)


def test_two_files_can_have_one() -> None:
    assert devenv.graft(Collection()).task_names == devenv.graft(Collection()).task_names


def taken(mine: Collection) -> TaskFileError:
    """Return the error of a graft that is refused, and hold that nothing was added."""
    before = copy.deepcopy((dict(mine.task_names), list(mine.collections), mine.default))
    with pytest.raises(TaskFileError) as caught:
        devenv.graft(mine)
    assert before == (dict(mine.task_names), list(mine.collections), mine.default)
    return caught.value


def test_a_task_of_the_same_name_is_in_the_way() -> None:
    assert "already has 'run', so" in str(taken(Collection(run=hello)))


def test_a_collection_of_the_same_name_is_in_the_way() -> None:
    """Of a sub-collection's name, and of a task's."""
    assert "'volume'" in str(taken(Collection(Collection("volume", hello))))
    assert "'run'" in str(taken(Collection(Collection("run", hello))))


def test_a_task_of_a_collections_name_is_in_the_way() -> None:
    assert "'volume'" in str(taken(Collection(volume=hello)))


def test_an_alias_of_the_same_name_is_in_the_way() -> None:
    @task(aliases=("exec",))
    def execute(_: Context) -> None:
        """Do something else."""

    assert "'exec'" in str(taken(Collection(execute)))


def test_all_that_are_in_the_way_are_named() -> None:
    said = str(taken(Collection(Collection("volume", hello), run=hello, stop=hello)))

    assert "already has 'run', 'stop', 'volume', so" in said


def test_a_second_graft_is_refused() -> None:
    """Every name is taken then, by the first."""
    error = taken(devenv.graft(Collection(hello)))

    assert "'run'" in str(error)
    assert "graft only once" in error.hint


def test_the_same_name_with_underscores_is_the_same() -> None:
    """A collection may keep Invoke from turning them into dashes."""
    mine = Collection(hello, auto_dash_names=False)

    assert {"run", "hello"} <= set(devenv.graft(mine).task_names)


def test_the_refusal_is_of_our_tree_and_an_end_for_invoke() -> None:
    """So that programs can catch it as any other, and `inv` shows no traceback."""
    error = taken(Collection(run=hello))

    assert isinstance(error, UsageError)
    assert isinstance(error, DevenvError)
    assert isinstance(error, Exit)
    assert (error.code, error.exit_code) == (4, 4)
    assert error.message == f"error: {error}\n    {error.hint}"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def test_grafting_needs_no_engine() -> None:
    """A task file is read for `inv --list` too."""
    assert devenv.graft(Collection()).task_names
    assert "devenv_lib.tasks.compose" in sys.modules
