"""What is made in the project inside is the project's owner's on the host."""

from __future__ import annotations

import pytest

from devenv_lib.checks.look import Seen
from devenv_lib.checks.subject import Subject


def test_project_files_belong_to_the_hosts_user(subject: Subject, seen: Seen) -> None:
    """The user makes a file inside, and the host sees whose it is; then it is removed."""
    if subject.owner == 0 != subject.uid:
        pytest.skip(f"{subject.project} belongs to root, and the user inside is another one")
    said = seen.said("keep", subject.path)
    assert said == "written", (
        f"the user inside ({subject.uid}) cannot write {subject.path}, which is uid "
        f"{subject.owner}'s: {said or 'no answer'}"
    )
    assert seen.kept is not None, (
        f"a file that was made in {subject.path} did not come to {subject.project}. "
        "inv run --recreate"
    )
    assert seen.kept == subject.owner, (
        f"a file that was made inside belongs to uid {seen.kept}, the project to {subject.owner}. "
        "To use an image for its owner: inv build, inv run --recreate"
    )
