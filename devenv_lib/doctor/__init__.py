"""Examine host, engine, image, volumes and environments, and mend what can be without loss."""

from devenv_lib.doctor.examining import Examination, examine
from devenv_lib.doctor.mending import Mended, mend, rehearse_mend

__all__ = ["Examination", "Mended", "examine", "mend", "rehearse_mend"]
