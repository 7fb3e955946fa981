"""Images: which one an environment starts from, building it, and who its user is."""

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.images.build import (
        LOCAL_BASE,
        BuiltImage,
        base_image,
        build,
        build_words,
        outdated,
        stale,
    )
    from devenv_lib.images.choice import Choice, choose, default_image, shared_image, user_ids
    from devenv_lib.images.ensure import ensure, rehearse, rehearse_build
    from devenv_lib.images.identity import expected_identity, identity
    from devenv_lib.images.terminal import describes

__all__ = [
    "LOCAL_BASE",
    "BuiltImage",
    "Choice",
    "base_image",
    "build",
    "build_words",
    "choose",
    "default_image",
    "describes",
    "ensure",
    "expected_identity",
    "identity",
    "outdated",
    "rehearse",
    "rehearse_build",
    "shared_image",
    "stale",
    "user_ids",
]

lazily(
    __name__,
    {
        "build": (
            "LOCAL_BASE",
            "BuiltImage",
            "base_image",
            "build",
            "build_words",
            "outdated",
            "stale",
        ),
        "choice": ("Choice", "choose", "default_image", "shared_image", "user_ids"),
        "ensure": ("ensure", "rehearse", "rehearse_build"),
        "identity": ("expected_identity", "identity"),
        "terminal": ("describes",),
    },
)
