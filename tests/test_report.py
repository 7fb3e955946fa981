"""Report: what is written where, what a terminal is spared, and the one question."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib import report, texts
from devenv_lib.errors import DevenvError, Refused
from tests.builders import Stream


def written(action: Callable[[], object], *, terminal: bool = False) -> tuple[str, str]:
    """Return what an action writes to stdout and to stderr."""
    out, err = Stream(terminal=terminal), Stream(terminal=terminal)
    with redirect_stdout(out), redirect_stderr(err):
        action()
    return out.getvalue(), err.getvalue()


@pytest.fixture
def colourful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who has not asked for no colour."""
    monkeypatch.delenv("NO_COLOR", raising=False)


# Where it goes


def test_results_go_to_stdout_and_the_rest_to_stderr() -> None:
    """So that a program reads the one while a person reads the other."""
    assert written(lambda: report.out("x")) == ("x\n", "")
    assert written(lambda: report.say("x")) == ("", "x\n")
    assert written(lambda: report.lines(["a", "b"])) == ("a\nb\n", "")
    assert written(lambda: report.reason("x")) == ("", "    x\n")
    assert written(lambda: report.outcome("a", "OK")) == ("", "a OK\n")


def test_an_outcome_may_have_a_detail() -> None:
    assert written(lambda: report.outcome("a", "REFUSED", "in use"))[1] == "a REFUSED  in use\n"


def test_a_failure_says_what_happened_and_what_to_run_next() -> None:
    error = DevenvError("it broke", "inv mend")

    assert written(lambda: report.failure(error)) == ("", "error: it broke\n    inv mend\n")


def test_a_failure_without_a_hint_is_one_line() -> None:
    assert written(lambda: report.failure(DevenvError("it broke")))[1] == "error: it broke\n"


def test_a_defect_shows_its_traceback_and_asks_for_a_report() -> None:
    def fail() -> None:
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            report.defect()

    out, err = written(fail)

    assert out == ""
    assert "ZeroDivisionError: integer division" in err
    assert err.endswith("Please report it with the lines above.\n")


# Tables and JSON


def test_a_table_has_a_line_for_each_row_below_the_headers() -> None:
    rows = [{"name": "a", "size": "1 B"}, {"name": "bcd", "size": "n/a"}]
    out, err = written(lambda: report.table(rows, ("NAME", "SIZE")))

    assert [line.split() for line in out.splitlines()] == [
        ["NAME", "SIZE"],
        ["a", "1", "B"],
        ["bcd", "n/a"],
    ]
    assert err == ""


def test_a_table_without_rows_is_nothing_at_all() -> None:
    """Not even headers: a program counts lines."""
    assert written(lambda: report.table([], ("NAME",))) == ("", "")


def test_numbers_in_a_table_are_shown_as_they_are() -> None:
    """A name such as ``1e3`` is no number."""
    assert "1e3" in written(lambda: report.table([{"name": "1e3"}], ("NAME",)))[0]


def test_json_can_be_read_back() -> None:
    """Whatever the names, and without devenv's own escaping."""
    records = [{"name": "ä\x1b\n", "size": None}]
    out, err = written(lambda: report.as_json(records))

    assert records == json.loads(out)
    assert (err, "\x1b" in out) == ("", False)


def test_an_empty_list_is_json_too() -> None:
    assert written(lambda: report.as_json([]))[0] == "[]\n"


# The summary


def test_the_summary_says_what_there_was_how_long_and_where() -> None:
    """Counts of nothing are left out."""
    counts = {"removed": 2, "failed": 0, "kept": 1}
    line = written(lambda: report.summary(counts, "default", 1.5))[1]

    assert line.strip("=\n") == " 2 removed, 1 kept in 1.50s on default "
    assert line.startswith("==")
    assert line.endswith("==\n")


def test_the_summary_of_nothing_says_so() -> None:
    line = written(lambda: report.summary({"removed": 0}, "default", 0))[1]

    assert line.strip("=\n") == " nothing to do in 0.00s on default "


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("5", 44)])
def test_the_summary_is_as_wide_as_the_terminal_or_as_its_text(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    line = written(lambda: report.summary({"environments running": 1}, "x" * 3, 1))[1]

    assert width == len(line.rstrip("\n"))


# Sizes


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "n/a"),
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - (1 << 7), "1023.9 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (1 << 20, "1.0 MiB"),
        ((1 << 30) - 1, "1.0 GiB"),
        (5 << 30, "5.0 GiB"),
        (3 << 40, "3.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_a_size_is_in_binary_units(number: int | None, text: str) -> None:
    """A size that the engine does not tell is ``n/a``, never -1."""
    assert text == texts.size(number)


# What a terminal would obey


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 日本 — …", "plain äöü 日本 — …"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\x0db"),
        ("a\tb", "a\\x09b"),
        ("a\bb", "a\\x08b"),
        ("a\x00b", "a\\x00b"),
        ("a\x7fb", "a\\x7fb"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("two\nlines", "two\nlines"),
        ("not utf-8: \udcff", "not utf-8: \\xff"),
        ("a lone surrogate: \ud800", "a lone surrogate: \\ud800"),
        ("right to left: \u202egpj.exe", "right to left: \\u202egpj.exe"),
        ("isolated: \u2066a\u2069", "isolated: \\u2066a\\u2069"),
        ("not seen: a\u200bb\ufeff\xad", "not seen: a\\u200bb\\ufeff\\xad"),
        ("a line: a\u2028b", "a line: a\\u2028b"),
        ("a tag: \U000e0041", "a tag: \\U000e0041"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    """Both sets, C0 and C1, but for the end of a line; and what no stream can encode."""
    assert shown == texts.printable(text)


@given(st.text(st.characters() | st.characters(categories=["Cc", "Cs"])))
def test_what_is_printable_has_no_controls_and_can_be_encoded(text: str) -> None:
    shown = texts.printable(text)

    assert not any(ord(c) < 32 and c != "\n" for c in shown)
    assert not any(0x7F <= ord(c) <= 0x9F for c in shown)
    assert shown.encode().decode() == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_needs_no_care_is_left_alone(text: str) -> None:
    assert text == texts.printable(text)


ESCAPE = "\x1b]0;x\x07"


@pytest.mark.parametrize(
    "action",
    [
        lambda: report.outcome(ESCAPE, "OK", ESCAPE),
        lambda: report.reason(ESCAPE),
        lambda: report.summary({"a": 1}, ESCAPE, 0),
        lambda: report.table([{"a": ESCAPE}], ("A",)),
        lambda: report.lines([ESCAPE]),
        lambda: report.as_json([ESCAPE]),
        lambda: report.failure(DevenvError(ESCAPE, ESCAPE)),
    ],
)
def test_no_report_passes_an_escape_sequence_on(action: Callable[[], object]) -> None:
    """Labels and the engine's messages are somebody else's text."""
    assert ESCAPE not in "".join(written(action))


@pytest.mark.parametrize(
    "action",
    [
        lambda: report.outcome("a\nFORGED", "OK"),
        lambda: report.outcome("a", "OK", "b\nFORGED"),
        lambda: report.reason("a\nFORGED"),
        lambda: report.say("a\nFORGED"),
        lambda: report.summary({"a": 1}, "b\nFORGED", 0),
        lambda: report.found("a\nFORGED", "OK", "b\nFORGED", "c\nFORGED"),
        lambda: report.table([{"a": "a\nFORGED"}], ("A",)),
        lambda: report.lines(["# a\nFORGED"]),
        lambda: report.failure(DevenvError("a\nFORGED", "b\nFORGED")),
    ],
)
def test_a_newline_forges_no_line(action: Callable[[], object]) -> None:
    """At the margin are devenv's own lines alone."""
    lines = "".join(written(action)).splitlines()

    assert "FORGED" in "".join(lines)
    assert not [line for line in lines if line.startswith("FORGED")]


def test_a_defects_traceback_passes_no_escape_sequence_on() -> None:
    def fail() -> None:
        try:
            int(ESCAPE)
        except ValueError as error:
            error.add_note(ESCAPE)
            report.defect()

    assert "\n\\x1b]0;x\\x07\n" in written(fail)[1]
    assert ESCAPE not in written(fail)[1]


# Colour


@pytest.mark.usefixtures("colourful")
def test_on_a_terminal_the_outcome_is_coloured() -> None:
    assert written(lambda: report.outcome("a", "REMOVED"), terminal=True) == (
        "",
        "a \x1b[32mREMOVED\x1b[0m\n",
    )


@pytest.mark.usefixtures("colourful")
def test_bad_outcomes_have_another_colour_than_good_ones() -> None:
    lines = [
        written(lambda word=word: report.outcome("a", word), terminal=True)[1].split("m")[0]  # type: ignore[misc]
        for word in ("REFUSED", "FAILED", "CREATED", "KEPT")
    ]

    assert lines[0] == lines[1]
    assert len(set(lines)) == 3


@pytest.mark.usefixtures("colourful")
def test_a_word_without_a_colour_is_plain() -> None:
    assert written(lambda: report.outcome("a", "ODD"), terminal=True)[1] == "a ODD\n"


@pytest.mark.usefixtures("colourful")
def test_without_a_terminal_there_is_no_colour() -> None:
    assert written(lambda: report.outcome("a", "REMOVED"))[1] == "a REMOVED\n"


@pytest.mark.usefixtures("colourful")
def test_when_stdout_alone_is_no_terminal_there_is_no_colour() -> None:
    """``inv volume.rm > log``."""
    err = Stream(terminal=True)
    with redirect_stdout(Stream()), redirect_stderr(err):
        report.outcome("a", "REMOVED")

    assert err.getvalue() == "a REMOVED\n"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org."""
    monkeypatch.setenv("NO_COLOR", "1")
    line = written(lambda: report.failure(DevenvError("x")), terminal=True)[1]

    assert line == "error: x\n"


# The question


def asked(
    answer: str, monkeypatch: pytest.MonkeyPatch, question: str = "Remove it?"
) -> tuple[bool, str]:
    """Return what an answer means, and what the person saw."""
    err, out = Stream(terminal=True), Stream(terminal=True)
    monkeypatch.setattr(sys, "stdin", Stream(answer, terminal=True))
    with redirect_stdout(out), redirect_stderr(err):
        yes = report.confirm(question, "Nothing was done")
    assert out.getvalue() == ""
    return yes, err.getvalue()


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "y"])
def test_y_is_yes(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(answer, monkeypatch) == (True, "Remove it? [y/N]: ")


@pytest.mark.parametrize(
    "answer", ["", "\n", "n\n", "N\n", "yes\n", "j\n", "yy\n", "\x1b\n", "ÿ\n"]
)
def test_anything_else_is_no(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the input too."""
    assert not asked(answer, monkeypatch)[0]


def test_bytes_that_are_no_text_are_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a terminal sends them that speaks another encoding."""
    stdin = io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8")
    monkeypatch.setattr(stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", stdin)
    with redirect_stderr(Stream(terminal=True)):
        assert not report.confirm("Remove it?", "Nothing was removed")


def test_the_question_passes_no_escape_sequence_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a volume's name could hide what is being asked."""
    assert ESCAPE not in asked("n\n", monkeypatch, f"Remove {ESCAPE}?")[1]


@pytest.mark.parametrize(("stdin", "stderr"), [(False, True), (True, False), (False, False)])
def test_without_a_terminal_nothing_is_asked_and_nothing_assumed(
    stdin: bool, stderr: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a person who could not see it, nor a pipe that says y."""
    monkeypatch.setattr(sys, "stdin", Stream("y\n", terminal=stdin))
    err = Stream(terminal=stderr)
    with (
        redirect_stderr(err),
        pytest.raises(Refused, match="no terminal to ask on") as caught,
    ):
        report.confirm("Remove it?", "Nothing was removed")

    assert err.getvalue() == ""
    assert "--force" in caught.value.hint


# A stream that is not UTF-8


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", b"\\xe9 \\u65e5\\u672c\n"),
        ("latin-1", b"\xe9 \\u65e5\\u672c\n"),
        ("utf-8", "é 日本\n".encode()),
    ],
)
@pytest.mark.parametrize("stream", ["out", "say"])
def test_what_a_stream_cannot_encode_is_spelled_out(
    stream: str, encoding: str, shown: bytes
) -> None:
    """``LC_ALL=C inv volume.list``, or a log of another time: no traceback."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding, newline="\n") as text:
        with redirect_stdout(text), redirect_stderr(text):
            getattr(report, stream)("é 日本")

        assert shown == raw.getvalue()


# A reader that has gone


@pytest.mark.parametrize("many", [1, 20_000])
@pytest.mark.parametrize("stream", ["out", "say"])
def test_a_reader_that_has_gone_ends_it_silently(stream: str, many: int) -> None:
    """``inv volume.list | head -1``: no traceback, and no status 120 at the interpreter's end."""
    script = (
        "import sys; from devenv_lib import report; sys.stdin.read()\n"
        f"for n in range({many}): report.{stream}(f'line {{n}}')\n"
    )
    read, write = os.pipe()
    other = {"out": "stdout", "say": "stderr"}
    streams = {other[stream]: write, other["say" if stream == "out" else "out"]: subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        **streams,  # type: ignore[call-overload]
    ) as process:
        os.close(write)
        os.close(read)
        rest = process.communicate(b"go")

    assert process.returncode == 0
    assert {b"", None} >= set(rest)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_an_output_that_cannot_be_written_is_an_error() -> None:
    """``inv volume.list > /full/disk`` has not listed anything."""
    script = (
        "from devenv_lib import report; from devenv_lib.errors import DevenvError\n"
        "try: report.out('x')\n"
        "except DevenvError as error: report.failure(error); raise SystemExit(error.exit_code)"
    )
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", script],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    first, next_ = done.stderr.splitlines()
    assert first == "error: The output could not be written: No space left on device."
    assert "df -h" in next_
