"""Examine host, engine, image, volumes and environments, and mend what can be without loss."""

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.doctor.examining import Examination, examine
    from devenv_lib.doctor.mending import Mended, mend, rehearse_mend

__all__ = ["Examination", "Mended", "examine", "mend", "rehearse_mend"]

lazily(
    __name__,
    {
        "examining": ("Examination", "examine"),
        "mending": ("Mended", "mend", "rehearse_mend"),
    },
)
