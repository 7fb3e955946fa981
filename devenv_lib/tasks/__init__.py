"""Thin Invoke tasks over the library: parse, load, plan, ask, act, report.

``ns`` is the namespace, for ``add_collection``. Its tasks have flags only: an Invoke task with
a required bare word swallows ``--help`` and ``--dry`` and then runs.
"""

from invoke import Collection

from devenv_lib.tasks import environment, ssh, volume

ns = Collection(*environment.TASKS, *ssh.TASKS)
ns.add_collection(Collection("volume", *volume.TASKS))

__all__ = ["ns"]
