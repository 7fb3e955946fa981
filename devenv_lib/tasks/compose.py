"""The namespace of devenv's tasks, and the two ways it gets into other people's task files."""

from __future__ import annotations

from invoke import Collection, Exit

from devenv_lib.errors import UsageError
from devenv_lib.tasks import (
    checking,
    environment,
    examining,
    inside,
    living,
    mending,
    repairing,
    restoring,
    saving,
    ssh,
    volume,
)

#: Named, so that ``add_collection(ns)`` needs no name; a root's name is shown nowhere.
_own = (environment, living, ssh, checking, examining)
ns = Collection("devenv", *(task for module in _own for task in module.TASKS))
_volume = (volume, saving, restoring, inside, mending, repairing)
ns.add_collection(Collection("volume", *(task for module in _volume for task in module.TASKS)))
# Invoke shows the first line in `inv --list -F nested`.
ns.__doc__ = """Development containers: one per project, with volumes that outlive them.

The tasks as a collection named ``devenv``. It has no configuration of its own: what a parent
configures adds to the defaults key by key.

Example::

    from invoke import Collection

    parent = Collection()
    parent.add_collection(devenv.ns)
    assert "devenv.volume.list" in parent.task_names
"""


class TaskFileError(UsageError, Exit):
    """A task file puts devenv's tasks where they cannot be.

    It happens while Invoke loads the file, outside every task: there Invoke ends with the message
    and the status of an ``Exit``, and shows anything else as a traceback.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        Exit.__init__(self, f"error: {message}\n    {hint}", self.exit_code)
        self.args = (message,)  # which Exit does not set: it is what str() shows


def graft(into: Collection) -> Collection:
    """Add devenv's tasks and sub-collections at the root of ``into``, and return ``into``.

    ``inv run`` and ``inv volume.list`` are then beside the file's own tasks. Graft last: Invoke
    lets a task that is added later take the place of another one without a word.

    Raises:
        TaskFileError: a name is taken, be it a task's, a collection's or an alias, or because it
            was done before; nothing is added then. A `DevenvError` with the exit code 4, which
            ``inv`` shows without a traceback.

    Example::

        from invoke import Collection, task

        @task
        def hello(c):
            print("hello")

        ns = devenv.graft(Collection(hello))
        assert {"hello", "run", "volume.list"} <= set(ns.task_names)
    """
    aliases = [name for task in ns.tasks.values() for name in task.aliases]
    names = map(into.transform, (*ns.tasks, *aliases, *ns.collections))
    taken = [name for name in names if name in into.tasks or name in into.collections]
    if taken:
        raise TaskFileError(
            f"This task file already has {', '.join(map(repr, taken))}, so nothing of devenv's "
            "was grafted.",
            "Rename yours (or graft only once), or keep devenv's under a name of their own: "
            "ns.add_collection(devenv.ns)",
        )
    for name, task in ns.tasks.items():
        into.add_task(task, name)
    for name, collection in ns.collections.items():
        into.add_collection(collection, name)
    return into
