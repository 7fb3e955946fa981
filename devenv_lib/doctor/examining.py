"""The examination: each part in its turn, whatever became of those before it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from devenv_lib import engine as engines
from devenv_lib import host as machine
from devenv_lib import images
from devenv_lib.doctor.engines import engine_findings, program_findings
from devenv_lib.doctor.environments import environments
from devenv_lib.doctor.grounds import Grounds, image_facts, mounts_alone, planned
from devenv_lib.doctor.parts import Parts
from devenv_lib.doctor.versions import private, versions
from devenv_lib.doctor.volumes import volumes
from devenv_lib.errors import DevenvError
from devenv_lib.plans.health.configuration import agent_finding, configuration_findings
from devenv_lib.plans.health.engine import Program
from devenv_lib.plans.health.environments import environment_findings
from devenv_lib.plans.health.finding import Finding, Mend
from devenv_lib.plans.health.image import image_finding, user_finding
from devenv_lib.plans.health.settings import settings_findings, sound
from devenv_lib.plans.health.versions import versions_finding
from devenv_lib.plans.health.volumes import volume_findings
from devenv_lib.settings import Layer


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
    A part that fails is a finding: no failure is raised.
    """
    settings, wrong = sound(layers)
    examining = _Examining(Grounds(settings), path, environ)
    examining.parts.add("settings", settings_findings, layers, [*errors, *wrong])
    return examining.result()


class _Examining:
    """What is known so far, ``at``, and what was found."""

    def __init__(self, at: Grounds, path: str, environ: Mapping[str, str]) -> None:
        self.at, self._path, self._environ = at, path, environ
        self.parts = Parts()

    def result(self) -> Examination:
        """Go through all parts."""
        program = self._engine()
        self._project()
        agent = machine.ask_agent(self._environ)
        self.parts.findings.append(agent_finding(agent))
        self._image()
        self._mounts()
        self._containers()
        engine, hidden = self.at.engine, private(self._environ)
        if told := self.parts.look("versions", versions, engine, program):
            self.parts.findings.append(versions_finding(told))
        title = hidden.text(engine.endpoint.title) if engine else "no engine"
        return Examination(hidden.findings(self.parts.findings), self.at, title)

    def _engine(self) -> Program | None:
        """Look for the engine and for the docker program, and return what that said."""
        engine = self.parts.look("engine", engines.connect, self._environ)
        self.at = replace(self.at, engine=engine)
        if engine:
            self.parts.add("engine", engine_findings, engine, self._environ)
        program = self.parts.look("docker program", engines.ask_program)
        self.parts.add("docker program", program_findings, engine, program, self._environ)
        return program

    def _project(self) -> None:
        settings, engine = self.at.settings, self.at.engine
        project = self.parts.look("project", machine.locate, self._path, settings.prefix)
        if project:
            sockets = engine.endpoint.sockets if engine else ()
            here = machine.look(project, settings, self._environ, sockets)
            self.at = replace(self.at, project=project, host=here)

    def _image(self) -> None:
        """Look at the image, and at who its user is."""
        at, parts = self.at, self.parts
        if not (at.project and at.host):
            return
        choice = parts.look("image", images.choose, at.project, at.settings)
        self.at = replace(at, choice=choice)
        if not (choice and at.engine):
            return
        facts = parts.look("image", image_facts, at.engine, choice, at.settings, at.host)
        if facts is None:
            return
        parts.findings.append(image_finding(facts, at.project))
        if facts.image is None:
            self.at = replace(self.at, missing=True)
            return
        words = (at.engine, facts.image, choice.name, at.project.prefix, at.settings.user)
        if who := parts.look("image", images.identity, *words, keep=False):
            self.at = replace(self.at, who=who)
            parts.findings.append(user_finding(who, at.host.owner[0], at.project, choice.kind))

    def _mounts(self) -> None:
        """Draft what would be mounted, for an environment where one could run."""
        at, parts = self.at, self.parts
        if not (at.project and at.host and at.choice):
            return
        failures = len(parts.findings)
        plan = parts.look("configuration", planned, at)
        mounts = plan.mounts if plan else None
        if mounts is None and len(parts.findings) == failures:
            words = (at.project, at.settings, at.host, at.choice)
            mounts = parts.look("configuration", mounts_alone, *words)
        self.at = replace(at, plan=plan, mounts=mounts)
        if mounts:
            parts.add("configuration", configuration_findings, mounts)

    def _containers(self) -> None:
        """Look at the volumes and the environments."""
        engine, parts = self.at.engine, self.parts
        if engine is None:
            return
        if facts := parts.look("volumes", volumes, engine, self.at, parts):
            parts.add("volumes", volume_findings, facts)
        found = parts.look("environments", environments, engine, self.at, parts)
        if found is not None:
            parts.add("environments", environment_findings, found)
