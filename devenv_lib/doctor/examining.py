"""The examination: each part in its turn, whatever became of those before it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devenv_lib import engine as engines
from devenv_lib import host as machine
from devenv_lib import images
from devenv_lib.containers.draft import check_reach, draft
from devenv_lib.doctor.engines import engine_findings, program_findings
from devenv_lib.doctor.environments import environments
from devenv_lib.doctor.grounds import Grounds
from devenv_lib.doctor.parts import Parts
from devenv_lib.doctor.versions import private, versions
from devenv_lib.doctor.volumes import volumes
from devenv_lib.errors import DevenvError
from devenv_lib.mounts import MountPlan, build_mounts
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.plans.health.configuration import agent_finding, configuration_findings
from devenv_lib.plans.health.environments import environment_findings
from devenv_lib.plans.health.finding import Finding, Mend
from devenv_lib.plans.health.image import ImageFacts, image_finding, user_finding
from devenv_lib.plans.health.settings import settings_findings
from devenv_lib.plans.health.versions import versions_finding
from devenv_lib.plans.health.volumes import volume_findings
from devenv_lib.project import Project
from devenv_lib.records import Host
from devenv_lib.settings import Layer, sound

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Examination:
    """All findings, ready to be shown to others, and what mends take.

    ``title`` is the engine's, or says that there is none.
    """

    findings: tuple[Finding, ...]
    grounds: Grounds
    title: str

    @property
    def mends(self) -> tuple[Mend, ...]:
        """What can be mended without loss: images first, since volumes are mended with them."""
        found = dict.fromkeys(finding.mend for finding in self.findings if finding.mend)
        return tuple(sorted(found, key=lambda mend: ("image", "adopt", "repair").index(mend.verb)))


def examine(
    layers: Sequence[Layer],
    errors: Iterable[DevenvError],
    path: str,
    environ: Mapping[str, str] = os.environ,
) -> Examination:
    """Return what is found about this machine and the project at ``path``. Nothing is changed.

    ``layers`` are all settings, right or wrong, and ``errors`` what was wrong with their files.
    A part that fails is a finding; no failure of devenv's is raised.
    """
    examining = _Examining(layers, errors, path, environ)
    return examining.result()


class _Examining:
    def __init__(
        self,
        layers: Sequence[Layer],
        errors: Iterable[DevenvError],
        path: str,
        environ: Mapping[str, str],
    ) -> None:
        self._parts, self._path, self._environ = Parts(), path, environ
        settings, wrong = sound(layers)
        self._parts.add("settings", lambda: settings_findings(layers, [*errors, *wrong]))
        self._at = Grounds(settings)
        self._plan: EnvironmentPlan | None = None
        self._mounts: MountPlan | None = None

    def result(self) -> Examination:
        """Go through all parts."""
        self._engine()
        self._project()
        self._parts.add("ssh agent", lambda: [agent_finding(machine.ask_agent(self._environ))])
        self._image()
        self._configuration()
        self._volumes()
        self._environments()
        hidden = private(self._environ)
        engine = self._at.engine
        self._parts.add("versions", lambda: [versions_finding(versions(engine, self._program))])
        title = hidden.text(engine.endpoint.title) if engine else "no engine"
        return Examination(hidden.findings(self._parts.findings), self._at, title)

    def _engine(self) -> None:
        parts, environ = self._parts, self._environ
        engine = parts.look("engine", lambda: engines.connect(environ))
        self._at = replace(self._at, engine=engine)
        if engine:
            parts.add("engine", lambda: engine_findings(engine, environ))
        self._program = parts.look("docker program", engines.ask_program)
        program = self._program
        parts.add("docker program", lambda: program_findings(engine, program, environ))

    def _project(self) -> None:
        settings, engine = self._at.settings, self._at.engine
        where = lambda: machine.locate(self._path, settings.prefix)  # noqa: E731
        if project := self._parts.look("project", where):
            sockets = engine.endpoint.sockets if engine else ()
            here = machine.look(project, settings, self._environ, sockets)
            self._at = replace(self._at, project=project, host=here)

    def _image(self) -> None:
        at = self._at
        project, host = at.project, at.host
        if not (project and host):
            return
        choice = self._parts.look("image", lambda: images.choose(project, at.settings))
        self._at = replace(self._at, choice=choice)
        if choice and at.engine:
            engine = at.engine
            self._parts.add("image", lambda: self._image_findings(engine, project, host, choice))

    def _image_findings(
        self, engine: Engine, project: Project, host: Host, choice: images.Choice
    ) -> Iterator[Finding]:
        settings = self._at.settings
        image = engine.image(choice.name)
        outdated = (
            image is not None
            and choice.kind != "given"
            and images.outdated(image, choice, settings, host.owner)
        )
        facts = ImageFacts(choice.name, choice.kind, image, str(choice.context), outdated)
        yield image_finding(facts, project)
        if image:
            who = images.identity(
                engine, image, choice.name, project.prefix, settings.user, keep=False
            )
            self._at = replace(self._at, who=who)
            yield user_finding(who, host.owner[0], project, choice.kind)

    def _configuration(self) -> None:
        at = self._at
        if at.project and at.host and at.choice:
            self._parts.add("configuration", self._configuration_findings)

    def _configuration_findings(self) -> Iterator[Finding]:
        at = self._at
        if not (at.project and at.host and at.choice):
            return
        if at.engine and at.who and self._reaches(at.engine):
            plan = draft(at.engine, at.project, at.settings, at.host, keep=False)
            self._plan, self._mounts = plan, plan.mounts
        else:
            who = at.who or images.expected_identity(
                None, at.choice.name, at.host.owner, at.settings.user
            )
            self._mounts = build_mounts(at.project, at.settings, at.host, who)
        yield from configuration_findings(self._mounts)

    def _reaches(self, engine: Engine) -> bool:
        """Whether environments can run there, which is a finding of the engine's otherwise."""
        try:
            check_reach(engine, engine.info())
        except DevenvError:
            return False
        return True

    def _volumes(self) -> None:
        at, mounts, parts = self._at, self._mounts, self._parts
        if at.engine:
            engine = at.engine
            parts.add("volumes", lambda: volume_findings(volumes(engine, at, mounts, parts)))

    def _environments(self) -> None:
        at = self._at
        if at.engine:
            engine = at.engine
            found = environments(engine, at.settings.prefix, at.project, self._plan, at.host)
            self._parts.add("environments", lambda: environment_findings(list(found)))
