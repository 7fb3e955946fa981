"""Task: settings from Invoke's layers, errors as exit codes, words after ``--``."""

from __future__ import annotations

import inspect
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke import Collection, Config, Context, Exit

from devenv_lib import tasks
from devenv_lib.errors import (
    Declined,
    DevenvError,
    EngineNotRunning,
    Refused,
    SettingsError,
    UsageError,
)
from devenv_lib.settings import Settings
from devenv_lib.tasks._config import ProjectConfig
from devenv_lib.tasks._flags import words_after
from devenv_lib.tasks._task import dry, finish, settings_of, task


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests do not count."""
    for name in list(os.environ):
        if name.startswith(("DEVENV_", "INVOKE_")):
            monkeypatch.delenv(name)


class Files:
    """The configuration files that Invoke reads, each in a directory of this test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("etc", "home", "project"):
            (root / name).mkdir()

    def write(self, name: str, text: str) -> None:
        """Write one of ``etc/invoke.yaml``, ``home/.invoke.yaml``, ``project/invoke.yaml``."""
        (self.root / name).write_text(text)

    def context(self, collection: dict[str, Any] | None = None) -> Context:
        """Load them as Invoke does, and return the context that a task gets."""
        runtime = self.root / "runtime.yaml"
        config = Config(
            system_prefix=f"{self.root}/etc/",
            user_prefix=f"{self.root}/home/.",
            project_location=self.root / "project",
            runtime_path=runtime if runtime.exists() else None,
        )
        config.load_project()
        config.load_runtime()
        config.load_collection(collection or {})
        config.load_shell_env()
        return Context(config)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def image(value: str) -> str:
    return f"devenv: {{image: {value}}}\n"


# Settings


def test_without_files_and_variables_there_are_the_defaults(files: Files) -> None:
    assert Settings() == settings_of(files.context())


def test_without_a_task_the_users_file_and_the_variables_count(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a script: no project's file, wherever the script runs."""
    monkeypatch.setenv("HOME", str(files.root / "home"))
    monkeypatch.setenv("DEVENV_PREFIX", "mine")
    monkeypatch.chdir(files.root / "project")
    files.write("home/.invoke.yaml", image("of-home"))
    files.write("project/invoke.yaml", image("of-project"))

    assert (settings_of().image, settings_of().prefix) == ("of-home", "mine")


def test_the_layers_win_in_invokes_order(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collection, system, user, project, -f, INVOKE_DEVENV_*, DEVENV_*, flags."""
    seen = [settings_of(files.context({"devenv": {"image": "collection"}})).image]
    for name in ("etc/invoke.yaml", "home/.invoke.yaml", "project/invoke.yaml", "runtime.yaml"):
        files.write(name, image(name.replace("/", "_").replace(".", "_")[:5].strip("_")))
        seen.append(settings_of(files.context({"devenv": {"image": "collection"}})).image)
    monkeypatch.setenv("INVOKE_DEVENV_IMAGE", "invoke-variable")
    seen.append(settings_of(files.context()).image)
    monkeypatch.setenv("DEVENV_IMAGE", "variable")
    seen.append(settings_of(files.context()).image)
    seen.append(settings_of(files.context(), {"image": "flag"}).image)

    assert seen == [
        "collection",
        "etc_i",
        "home",
        "proje",
        "runti",
        "invoke-variable",
        "variable",
        "flag",
    ]


def test_each_layer_adds_to_the_others(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key by key, below ``build`` too."""
    files.write("home/.invoke.yaml", "devenv: {build: {ca_certificates: [/ca.pem]}, user: alice}\n")
    files.write("etc/invoke.yaml", "devenv: {build: {base: debian:bookworm}}\n")
    monkeypatch.setenv("DEVENV_PREFIX", "mine")
    settings = settings_of(files.context())

    assert (settings.prefix, settings.user) == ("mine", "alice")
    assert settings.build.base == "debian:bookworm"
    assert settings.build.ca_certificates == ("/ca.pem",)


def test_a_flag_that_was_not_given_does_not_count(files: Files) -> None:
    files.write("home/.invoke.yaml", image("mine"))

    assert settings_of(files.context(), {"image": ""}).image == "mine"


def test_a_list_can_be_a_variable_in_json(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoke itself would fail on it."""
    monkeypatch.setenv("INVOKE_DEVENV_PORTS", "[8080]")

    assert settings_of(files.context()).ports[0].host == 8080


@pytest.mark.parametrize(
    ("name", "text"),
    [("etc/invoke.yaml", "etc"), ("home/.invoke.yaml", "home"), ("runtime.yaml", "runtime")],
)
def test_a_mistake_in_a_file_names_the_file(files: Files, name: str, text: str) -> None:
    files.write(name, "devenv: {memory: lots}\n")
    with pytest.raises(SettingsError, match=r"'devenv\.memory' in ") as caught:
        settings_of(files.context())

    assert str(files.root / name) in str(caught.value)
    assert text in name


@pytest.mark.parametrize("name", ["DEVENV_CPUS", "INVOKE_DEVENV_CPUS"])
def test_a_mistake_in_a_variable_names_the_variable(
    files: Files, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "many")

    with pytest.raises(SettingsError, match=rf"'devenv\.cpus' in {name} is 'many'"):
        settings_of(files.context())


def test_a_mistake_in_a_flag_names_the_command_line(files: Files) -> None:
    with pytest.raises(SettingsError, match=r"'devenv\.image' in the command line is '--x'"):
        settings_of(files.context(), {"image": "--x"})


def test_a_mistake_in_a_task_file_names_its_configure(files: Files) -> None:
    with pytest.raises(SettingsError, match=r"in the task file's configure\(\)"):
        settings_of(files.context({"devenv": {"memory": "lots"}}))


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_projects_file_may_not_widen_its_reach(files: Files, suffix: str) -> None:
    """Whatever runs in an environment can write it."""
    text = '{"devenv": {"mounts": [{"source": "~/.ssh", "target": "/ssh"}]}}'
    files.write(f"project/invoke.{suffix}", text)

    with pytest.raises(SettingsError, match="a file of the project") as caught:
        settings_of(files.context())

    assert str(files.root / "project" / f"invoke.{suffix}") in str(caught.value)


@pytest.mark.parametrize("name", ["etc/invoke.yaml", "home/.invoke.yaml", "runtime.yaml"])
def test_other_files_may(files: Files, name: str) -> None:
    files.write(name, "devenv: {user: alice}\n")

    assert settings_of(files.context()).user == "alice"


def test_a_projects_file_cannot_widen_by_what_another_layer_repeats(files: Files) -> None:
    """The weaker layer is an error even where a stronger one says the same."""
    files.write("project/invoke.yaml", "devenv: {user: alice}\n")

    with pytest.raises(SettingsError, match="widens"):
        settings_of(files.context(), {"user": "alice"})


def test_other_tools_configuration_is_no_concern(files: Files) -> None:
    files.write("project/invoke.yaml", "run: {echo: true}\nother: {x: 1}\n")

    assert Settings() == settings_of(files.context())


# Errors


def ending(error: BaseException) -> int | None:
    """Return the exit code that a task ends with when its body raises ``error``."""

    @task()
    def body(_: Context) -> None:
        """Fail."""
        raise error

    with pytest.raises(Exit) as caught:
        body(Context())  # type: ignore[call-arg, unused-ignore]
    code: int | None = caught.value.code
    return code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x", "y"), 4),
        (SettingsError("x"), 4),
        (Refused("x"), 1),
        (Declined("x"), 1),
        (EngineNotRunning("x"), 1),
        (DevenvError("x"), 1),
        (KeyboardInterrupt(), 2),
        (ZeroDivisionError("x"), 3),
        (OSError("x"), 3),
    ],
)
def test_an_error_ends_a_task_with_its_exit_code(error: BaseException, code: int) -> None:
    """Pytest's codes: refused or failed, interrupted, a defect, wrong usage."""
    assert code == ending(error)


def test_an_error_is_said_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    ending(Refused("what happened", "what next"))

    assert capsys.readouterr() == ("", "error: what happened\n    what next\n")


def test_an_interruption_is_said_in_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    ending(KeyboardInterrupt())

    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_defect_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    ending(ZeroDivisionError("boom"))

    assert "ZeroDivisionError: boom" in capsys.readouterr().err


def test_an_exit_of_the_body_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    """Such as the status of the program inside; silently."""
    assert ending(Exit(code=42)) == 42
    assert capsys.readouterr() == ("", "")


def test_a_status_of_zero_lets_further_tasks_go_on() -> None:
    finish(0)

    with pytest.raises(Exit) as caught:
        finish(7)
    assert caught.value.code == 7


def test_a_task_returns_what_its_body_returns() -> None:
    @task()
    def body(_: Context) -> int:
        """Return."""
        return 5

    assert body(Context()) == 5


def test_a_task_takes_flags_only() -> None:
    """A required bare word would swallow ``--help`` and ``--dry`` and then run the body."""

    @task()
    def body(_: Context, word: str, flag: bool = False) -> None:
        """Do nothing."""
        assert word
        assert flag

    arguments = Collection(body)["body"].get_arguments()

    assert [argument.positional for argument in arguments] == [False, False]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_dry_run_is_invokes_own(wanted: bool) -> None:
    assert wanted is dry(Context(Config(overrides={"run": {"dry": wanted}})))


# Words after --


def after(remainder: str, *argv: str) -> list[str]:
    context = Context()
    context.remainder = remainder
    return words_after(context, argv)


def test_words_are_those_that_were_typed() -> None:
    """Invoke joins them with spaces, which loses their bounds."""
    assert after("echo a b  c", "inv", "exec", "--", "echo", "a b ", "c") == ["echo", "a b ", "c"]


def test_an_empty_word_is_a_word() -> None:
    assert after("printf %s ", "inv", "exec", "--", "printf", "%s", "") == ["printf", "%s", ""]


def test_only_the_first_two_hyphens_end_the_flags() -> None:
    """The others are the command's."""
    assert after("git log -- x", "inv", "--", "git", "log", "--", "x") == [
        "git",
        "log",
        "--",
        "x",
    ]


def test_words_of_a_program_that_calls_the_task_are_split_as_a_shell_does() -> None:
    """This process's words are another command's then."""
    assert after("echo 'a b' c", "pytest", "-q") == ["echo", "a b", "c"]
    assert after("echo 'a b'", "pytest", "--", "x") == ["echo", "a b"]


@pytest.mark.parametrize("argv", [("inv", "exec"), ("inv", "exec", "--")])
def test_without_words_there_is_nothing_to_run(argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="no command to run") as caught:
        after("", *argv)

    assert "inv exec -- COMMAND" in caught.value.hint


def test_the_processs_own_words_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["inv", "exec", "--", "a b"])
    context = Context()
    context.remainder = "a b"

    assert words_after(context) == ["a b"]


@given(st.lists(st.text(), min_size=1))
def test_any_words_pass_unchanged(words: list[str]) -> None:
    """Quotes, spaces, hyphens, nothing: none is read anew."""
    assert words == after(" ".join(words), "inv", "exec", "--", *words)


@given(st.lists(st.text(st.characters(exclude_characters="\x00")), min_size=1))
def test_words_that_a_program_quotes_pass_unchanged(words: list[str]) -> None:
    assert words == after(shlex.join(words), "program")


def test_every_task_can_be_called_with_its_context_alone() -> None:
    """By another task, or as one that comes before or after it: Invoke gives them nothing else."""
    bodies = [tasks.ns[name].body for name in tasks.ns.task_names]
    given = [inspect.signature(body).parameters.values() for body in bodies]
    needed = [
        f"{body.__name__} {one.name}"
        for body, (_, *flags) in zip(bodies, given, strict=True)
        for one in flags
        if one.default is one.empty
    ]
    assert (needed, len(bodies) > 15) == ([], True)


@pytest.mark.parametrize("text", ["devenv: {memory: 4g", "- a"])
def test_without_a_context_a_broken_file_is_an_error_of_devenvs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".invoke.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"\.invoke\.yaml"):
        settings_of()
    (tmp_path / ".invoke.yaml").write_text("devenv: {memory: 4g}")
    assert settings_of().memory == 4 << 30


@pytest.mark.parametrize(
    ("text", "variable"),
    [("on: {push: 1}", ""), ("a: {8080: web}", ""), ("retries: 3", "RETRIES"), ("run_dry: 1", "")],
)
def test_what_others_keep_in_invokes_files_is_no_concern_of_devenvs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, variable: str
) -> None:
    """Invoke itself fails on some of it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INVOKE_RUN_ECHO", "1")
    if variable:
        monkeypatch.setenv(f"INVOKE_{variable}", "x")
    (tmp_path / ".invoke.yaml").write_text(text)
    config = ProjectConfig()
    config.load_shell_env()
    assert (config.run.echo, config.run.dry) == (True, False)


def test_a_variable_that_invoke_cannot_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_RUN_WATCHERS", "x")
    with pytest.raises(UsageError, match="do not go together"):
        ProjectConfig().load_shell_env()
