"""Host: one look at this machine, on real files, links, sockets and git worktrees."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from devenv_lib.errors import ProjectError
from devenv_lib.host import displaced, find, home, links, locate, look
from devenv_lib.host.worktree import worktree_of
from devenv_lib.project import Project, project_at
from devenv_lib.records import Found, Host, Worktree
from devenv_lib.settings import Settings
from devenv_lib.terminal import terminal
from tests.builders import P

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


@pytest.fixture
def me(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of this test's own, which is the user's."""
    mine = tmp_path / "home" / "me"
    mine.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(mine))
    return mine


@pytest.fixture
def app(me: Path) -> Path:
    """A project directory below the home."""
    path = me / "code" / "app"
    path.mkdir(parents=True)
    return path


def project(app: Path) -> Project:
    """Return the project at ``app``, which is two levels below the home."""
    return project_at(P(app), P(app.parent.parent))


def seen(app: Path, **environ: str) -> Host:
    """Look at the machine for the project at ``app``."""
    return look(project(app), Settings(), environ)


def git(where: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=where, env=GIT, check=True, capture_output=True)


def repository(path: Path) -> Path:
    """Make a repository with a commit."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet")
    git(path, "commit", "--quiet", "--allow-empty", "--message=x")
    return path


def forge(app: Path, record: Path, common: Path) -> None:
    """Write all that makes ``app`` a worktree, by hand: ``.git``, its record, a repository."""
    for path in (app, record, common / "objects", common / "refs"):
        path.mkdir(parents=True, exist_ok=True)
    (common / "HEAD").write_text("ref: refs/heads/main\n")
    (record / "commondir").write_text("../..\n")
    (record / "gitdir").write_text(f"{app}/.git\n")
    (app / ".git").write_text(f"gitdir: {record}\n")


# Locating the project


def test_a_directory_is_located_with_the_home_and_the_prefix(me: Path, app: Path) -> None:
    located = locate(str(app), "mine")

    assert Project(P(app), P(me), "mine") == located


def test_a_relative_path_begins_at_the_working_directory(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two dots included: what counts is where it leads."""
    monkeypatch.chdir(app)

    assert P(app) == locate(".", "devenv").path
    assert P(app.parent) == locate("..", "devenv").path


def test_a_tilde_is_the_home(app: Path) -> None:
    """A shell does not expand it in ``--path=~/code/app``."""
    assert P(app) == locate("~/code/app", "devenv").path


def test_a_symlink_to_a_project_is_the_project_itself(app: Path, tmp_path: Path) -> None:
    """One directory is one project, however it is reached."""
    (tmp_path / "link").symlink_to(app)

    assert P(app) == locate(str(tmp_path / "link"), "devenv").path


def test_a_home_behind_a_symlink_is_resolved(
    me: Path, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else no project would be below it."""
    (tmp_path / "link").symlink_to(me)
    monkeypatch.setenv("HOME", str(tmp_path / "link"))

    assert P(me) == home()
    assert P("/h/code/app") == locate(str(app), "devenv").target(P("/h"))


@pytest.mark.parametrize("name", ["a b", "a:b", "a'b\"c", "日本", "a\nb", "-a", "a,b"])
def test_a_directory_may_have_any_name(me: Path, name: str) -> None:
    (me / name).mkdir()

    assert P(me / name) == locate(str(me / name), "devenv").path


@pytest.mark.usefixtures("me")
def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=f"{tmp_path}/gone does not exist") as caught:
        locate(str(tmp_path / "gone"), "devenv")

    assert "inv run --path" in caught.value.hint


@pytest.mark.usefixtures("me")
def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ProjectError, match="file is not a directory"):
        locate(str(tmp_path / "file"), "devenv")


@pytest.mark.usefixtures("me")
def test_a_project_that_is_gone_can_still_be_named(tmp_path: Path) -> None:
    """Its environment may be there, and has to be stopped."""
    located = locate(str(tmp_path / "gone"), "devenv", must_exist=False)

    assert P(tmp_path / "gone") == located.path


@pytest.mark.parametrize("path", ["/", "~", "~/..", "~/code/.."])
def test_the_root_the_home_and_what_is_above_are_refused(app: Path, path: str) -> None:
    """However they are written."""
    assert app.is_dir()
    with pytest.raises(ProjectError, match="cannot be a project"):
        locate(path, "devenv")


def test_a_symlink_to_the_home_is_refused(me: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(me)

    with pytest.raises(ProjectError, match="it is the home directory"):
        locate(str(tmp_path / "link"), "devenv")


@pytest.mark.usefixtures("me")
def test_an_empty_path_is_refused() -> None:
    """An unset variable in a script is hardly the current directory."""
    with pytest.raises(ProjectError, match="The path is empty"):
        locate("", "devenv")


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize("path", ["a\0b", "~nobody-has-this-name/x", "a" * 5000])
def test_what_is_no_path_is_refused(path: str) -> None:
    """A NUL, an unknown user's home, a name that no file system takes."""
    with pytest.raises(ProjectError, match="is not a path"):
        locate(path, "devenv")


# Finding what is at a path


def test_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    place = P(tmp_path / "a")

    assert Found(place, place, "file") == find(place)


def test_a_directory_is_found_without_its_entries_unless_asked(tmp_path: Path) -> None:
    """Only a directory of links needs them; they are sorted."""
    for name in ("b", "a", ".c"):
        (tmp_path / name).touch()
    place = P(tmp_path)

    assert Found(place, place, "directory") == find(place)
    assert Found(place, place, "directory", (".c", "a", "b")) == find(place, entries=True)


def test_a_socket_is_found(tmp_path: Path) -> None:
    place = P(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(place))

        assert Found(place, place, "socket") == find(place)


def test_a_pipe_is_something_else(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")

    assert find(P(tmp_path / "p")).kind == "other"


def test_nothing_is_missing(tmp_path: Path) -> None:
    """Also below a file, where there can be nothing."""
    (tmp_path / "file").touch()

    assert find(P(tmp_path / "no")).kind == "missing"
    assert find(P(tmp_path / "file" / "no")).kind == "missing"


def test_a_symlink_is_what_it_leads_to_and_says_where(tmp_path: Path) -> None:
    """Also when a directory above is the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    (tmp_path / "link").symlink_to("real")
    place, real = P(tmp_path / "link" / "file"), P(tmp_path / "real" / "file")

    assert Found(place, real, "file", links=(P(tmp_path / "link"),)) == find(place)
    assert find(P(tmp_path / "link")).kind == "directory"


def test_every_symlink_on_the_way_is_said(tmp_path: Path) -> None:
    """Where it really is: whoever may write there decides where it leads."""
    for name in ("dotfiles/nvim", "home", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home/config").symlink_to("../links")
    (tmp_path / "links").symlink_to(tmp_path / "dotfiles")
    (tmp_path / "dotfiles/vim").symlink_to("./nvim/../../elsewhere")
    found = find(P(tmp_path / "home/config/vim"))

    assert P(tmp_path / "elsewhere") == found.real
    links = ("home/config", "links", "dotfiles/vim")
    assert tuple(P(tmp_path / link) for link in links) == found.links


def test_a_symlink_that_leads_nowhere_is_dangling(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone")
    place = P(tmp_path / "link")

    assert Found(place, P(tmp_path / "gone"), "dangling") == find(place)


def test_a_symlink_that_leads_to_itself_is_dangling(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")

    assert find(P(tmp_path / "loop")).kind == "dangling"


def test_the_links_of_a_path_that_leads_to_itself_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "deep").symlink_to("deep/er")
    for name in ("loop/x", "deep/x"):
        with pytest.raises(OSError, match="symbolic links"):
            list(links(P(tmp_path / name)))


def test_a_source_is_still_there_or_gone(tmp_path: Path) -> None:
    assert displaced(str(tmp_path)) is None
    assert displaced(str(tmp_path / "gone")) == ("is gone", True)
    (tmp_path / "loop").symlink_to("loop")
    assert displaced(str(tmp_path / "loop")) == ("is gone", True)


def test_a_source_in_whose_way_a_symlink_was_put_is_no_longer_in_place(tmp_path: Path) -> None:
    """The engine would follow it at the next start."""
    (tmp_path / "dir/source").mkdir(parents=True)
    assert displaced(str(tmp_path / "dir/source")) is None
    (tmp_path / "dir").rename(tmp_path / "moved")
    (tmp_path / "dir").symlink_to("moved")
    assert displaced(str(tmp_path / "dir/source")) == ("leads elsewhere", True)


# Looking at the machine


def test_the_look_finds_what_mounts_depend_on(me: Path, app: Path) -> None:
    """And marks the rest as missing."""
    (me / ".bashrc").touch()
    (me / ".config" / "git").mkdir(parents=True)
    here = seen(app)

    assert here.at(P(me / ".bashrc")).kind == "file"
    assert here.at(P(me / ".config/git")).kind == "directory"
    assert here.at(P(me / ".inputrc")).kind == "missing"
    assert P(me) == here.home


def test_the_look_lists_what_is_in_a_directory_with_lockfiles_and_in_no_other(
    me: Path, app: Path
) -> None:
    for name in ("tvim", "nvim"):
        (me / ".config" / name).mkdir(parents=True)
        (me / ".config" / name / "init.lua").touch()
    here = seen(app)

    assert here.at(P(me / ".config/tvim")).entries == ("init.lua",)
    assert here.at(P(me / ".config/nvim")).entries == ()


def test_further_gitconfigs_are_found_in_order(me: Path, app: Path) -> None:
    """``~/.gitconfig-*``, which people include from ``~/.gitconfig``."""
    for name in (".gitconfig-work", ".gitconfig-home", ".gitconfig", ".gitconfigs", "gitconfig-x"):
        (me / name).touch()

    here = seen(app)

    assert (P(me / ".gitconfig-home"), P(me / ".gitconfig-work")) == here.gitconfigs
    assert [here.at(path).kind for path in here.gitconfigs] == ["file", "file"]


def test_the_owner_is_the_projects(app: Path) -> None:
    """The image is built for that user."""
    info = app.stat()

    assert (info.st_uid, info.st_gid) == seen(app).owner


@pytest.mark.usefixtures("as_root")
def test_the_owner_is_not_this_process(app: Path) -> None:
    os.chown(app, 1234, 2345)

    assert seen(app).owner == (1234, 2345)


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("ssh-ed25519 AAAA me\n", True),
        ("# mine\n\n  ssh-ed25519 AAAA", True),
        ("", False),
        ("\n # none\n\t\n", False),
        ("#" * (1 << 20) + "\nssh-ed25519 AAAA\n", False),
    ],
)
def test_there_are_keys_where_a_line_is_one(me: Path, app: Path, content: str, keys: bool) -> None:
    """And no more is read than anybody's file has."""
    (me / ".ssh").mkdir()
    (me / ".ssh/authorized_keys").write_text(content)
    assert keys == seen(app).keys


def test_what_is_no_file_has_no_keys(me: Path, app: Path) -> None:
    """A pipe would wait for a writer."""
    assert not seen(app).keys
    (me / ".ssh").mkdir()
    os.mkfifo(me / ".ssh/authorized_keys")
    assert not seen(app).keys


def test_the_agent_is_what_ssh_auth_sock_names(app: Path, tmp_path: Path) -> None:
    """A socket, through a symlink too; what is there is said, a file as well."""
    (tmp_path / "link").symlink_to("agent")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "agent"))
        agent = seen(app, SSH_AUTH_SOCK=str(tmp_path / "link")).agent

    link = P(tmp_path / "link")
    assert Found(link, P(tmp_path / "agent"), "socket", links=(link,)) == agent


@pytest.mark.parametrize("environ", [{}, {"SSH_AUTH_SOCK": ""}])
def test_without_the_variable_there_is_no_agent(app: Path, environ: dict[str, str]) -> None:
    assert seen(app, **environ).agent is None


def test_an_agent_that_is_gone_is_missing(app: Path, tmp_path: Path) -> None:
    agent = seen(app, SSH_AUTH_SOCK=str(tmp_path / "gone")).agent

    assert agent is not None
    assert agent.kind == "missing"


def test_the_engines_sockets_are_known_resolved_and_once(app: Path, tmp_path: Path) -> None:
    """The usual places, the user's own, and the one in use."""
    (tmp_path / "link").symlink_to("real.sock")
    more = [str(tmp_path / "link"), str(tmp_path / "real.sock")]
    here = look(project(app), Settings(), {"XDG_RUNTIME_DIR": str(tmp_path)}, more)

    assert P(os.path.realpath("/run/docker.sock")) in here.sockets
    assert {P(tmp_path / "docker.sock"), P(tmp_path / "podman/podman.sock")} <= set(here.sockets)
    assert here.sockets.count(P(tmp_path / "real.sock")) == 1
    assert len(set(here.sockets)) == len(here.sockets)


def test_looking_changes_nothing(me: Path, app: Path) -> None:
    """The host's configuration is never written to."""
    (me / ".config" / "tvim").mkdir(parents=True)
    before = sorted(str(path) for path in me.rglob("*"))
    seen(app)

    assert before == sorted(str(path) for path in me.rglob("*"))


# The terminal


def test_the_terminal_is_told_by_three_variables() -> None:
    environ = {"TERM": "xterm-kitty", "COLORTERM": "truecolor", "TZ": "Asia/Tokyo", "LANG": "C"}

    assert terminal(environ) == {
        "TERM": "xterm-kitty",
        "COLORTERM": "truecolor",
        "TZ": "Asia/Tokyo",
    }


def test_what_is_unset_or_empty_is_not_passed_on() -> None:
    """An empty ``TERM`` inside would be worse than none."""
    assert terminal({"TERM": "", "TZ": "UTC"}) == {"TZ": "UTC"}


def test_without_tz_the_zone_is_the_machines() -> None:
    """As ``/etc/localtime`` links to it, if it does."""
    zone = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]

    assert terminal({}) == ({"TZ": zone} if zone else {})


# Worktrees


def test_a_genuine_worktree_has_its_repositorys_common_directory(me: Path) -> None:
    main = repository(me / "main")
    git(main, "worktree", "add", "--quiet", "-b", "x", str(me / "code" / "wt"))
    common = P(main / ".git")

    assert Worktree(common, common) == seen(me / "code" / "wt").worktree


def test_a_worktree_of_a_bare_repository_has_it(me: Path) -> None:
    """A layout that people use: ``repo.git`` and worktrees beside it."""
    main, bare = repository(me / "main"), me / "bare.git"
    git(me, "clone", "--quiet", "--bare", str(main), str(bare))
    git(bare, "worktree", "add", "--quiet", "-b", "x", str(me / "code" / "wt"))

    assert Worktree(P(bare), P(bare)) == seen(me / "code" / "wt").worktree


def test_a_worktree_that_names_a_symlink_has_that_name_and_the_real_place(me: Path) -> None:
    """The path in ``.git`` is what git follows inside."""
    main, worktree = repository(me / "main"), me / "code" / "wt"
    git(main, "worktree", "add", "--quiet", "-b", "x", str(worktree))
    (me / "link").symlink_to("main")
    (worktree / ".git").write_text(f"gitdir: {me}/link/.git/worktrees/wt\n")

    assert Worktree(P(me / "link/.git"), P(main / ".git")) == seen(worktree).worktree


def test_a_worktree_with_relative_paths_is_genuine_too(me: Path) -> None:
    """As newer versions of git can write them, on both sides."""
    main, worktree = repository(me / "main"), me / "code" / "wt"
    git(main, "worktree", "add", "--quiet", "-b", "x", str(worktree))
    (worktree / ".git").write_text("gitdir: ../../main/.git/worktrees/wt\n")
    (main / ".git/worktrees/wt/gitdir").write_text("../../../../code/wt/.git\n")

    assert Worktree(P("../../main/.git"), P(main / ".git")) == seen(worktree).worktree


def test_a_repository_is_no_worktree(me: Path) -> None:
    assert seen(repository(me / "code" / "app")).worktree is None


def test_a_directory_without_git_is_no_worktree(app: Path) -> None:
    assert seen(app).worktree is None


def test_a_submodule_is_no_worktree(me: Path) -> None:
    """Its ``.git`` is a file as well, which names a directory of its own."""
    inner, outer = repository(me / "inner"), repository(me / "code")
    allow = ("-c", "protocol.file.allow=always")
    git(outer, *allow, "submodule", "--quiet", "add", str(inner), "sub")

    assert (outer / "sub" / ".git").is_file()
    assert seen(outer / "sub").worktree is None


def mountable(path: Path) -> bool:
    """Whether the common directory of a worktree would be mounted."""
    tree = seen(path).worktree
    return tree is not None and not tree.unfit


def test_a_worktree_that_was_moved_says_how_to_mend_it(me: Path) -> None:
    """Git on the host goes on in it; inside it would be no repository."""
    main = repository(me / "main")
    git(main, "worktree", "add", "--quiet", "-b", "x", str(me / "code" / "wt"))
    moved = (me / "code" / "wt").rename(me / "code" / "moved")
    tree = seen(moved).worktree

    assert tree is not None
    assert "git worktree repair" in tree.unfit


def test_a_forged_file_that_names_another_repositorys_worktree_is_none(me: Path, app: Path) -> None:
    """Whoever writes in the project could else have any repository mounted writable."""
    main = repository(me / "main")
    git(main, "worktree", "add", "--quiet", "-b", "x", str(me / "code" / "wt"))
    (app / ".git").write_text(f"gitdir: {main}/.git/worktrees/wt\n")

    assert not mountable(app)


@pytest.mark.parametrize(
    "text",
    [
        "gitdir: {home}/main/.git",
        "gitdir: {home}",
        "gitdir: {home}/secret/worktrees/x",
        "gitdir: /",
        "gitdir: /etc/worktrees/x",
        "gitdir: ",
        "gitdir:",
        "",
        "{home}/main/.git",
        "gitdir: a\nb",
        "gitdir: a\0b",
    ],
)
def test_a_forged_file_that_names_anything_else_is_none(me: Path, app: Path, text: str) -> None:
    """A repository, the home, a directory that only looks like one, nothing, nonsense."""
    repository(me / "main")
    (me / "secret" / "worktrees" / "x").mkdir(parents=True)
    (app / ".git").write_text(text.format(home=me))

    assert not mountable(app)


def test_a_forged_file_that_is_not_text_is_none(app: Path) -> None:
    (app / ".git").write_bytes(b"gitdir: \xff\xfe\n")

    assert not mountable(app)


def test_a_forged_link_in_the_project_to_a_directory_outside_is_none(me: Path, app: Path) -> None:
    """The record that points back has to be where the directory really is."""
    (me / "secret" / "worktrees").mkdir(parents=True)
    (app / "x").mkdir()
    (app / "x" / "gitdir").write_text(f"{app}/.git\n")
    (app / "worktrees").symlink_to(me / "secret" / "worktrees")
    (app / ".git").write_text(f"gitdir: {app}/worktrees/x\n")

    assert not mountable(app)


@pytest.mark.parametrize(
    ("place", "record", "common"),
    [
        ("code/app", "code/app/worktrees/x", "code/app"),
        ("code/app", "code/app/fake/worktrees/x", "code/app/fake"),
        ("code/worktrees", "code/worktrees/x", "code"),
        ("code/app", "code/app/x", "code"),
        ("worktrees/app", "worktrees/app", "."),
    ],
)
def test_a_forged_record_that_the_project_itself_holds_is_none(
    me: Path, place: str, record: str, common: str
) -> None:
    """Else the project's own directory, its parent or the home would count as the repository."""
    forge(me / place, me / record, me / common)

    assert seen(me / place).worktree is None


def test_a_record_out_of_the_projects_reach_is_believed(me: Path, app: Path) -> None:
    """What the forgeries around this would be, if they were not forged."""
    forge(app, me / "main/.git/worktrees/x", me / "main/.git")
    common = P(me / "main/.git")

    assert Worktree(common, common) == seen(app).worktree


def test_a_record_in_a_directory_that_is_not_called_worktrees_is_none(me: Path, app: Path) -> None:
    """Git has none elsewhere."""
    forge(app, me / "main/.git/modules/x", me / "main/.git")

    assert not mountable(app)


@pytest.mark.parametrize("text", [None, "", "..\n", "/\n", "../../..\n"])
def test_a_record_that_does_not_name_its_common_directory_is_none(
    me: Path, app: Path, text: str | None
) -> None:
    """Git writes ``commondir`` into each: always two directories above."""
    record = me / "main/.git/worktrees/x"
    forge(app, record, me / "main/.git")
    (record / "commondir").unlink()
    if text is not None:
        (record / "commondir").write_text(text)

    assert not mountable(app)


@pytest.mark.parametrize("missing", ["HEAD", "objects", "refs"])
def test_a_common_directory_that_is_no_repository_is_none(
    me: Path, app: Path, missing: str
) -> None:
    """What git itself asks of one; any other directory is not to be mounted writable."""
    common = me / "main/.git"
    forge(app, common / "worktrees/x", common)
    (common / missing).rename(common / "elsewhere")

    assert not mountable(app)


def test_a_link_to_another_worktrees_file_is_none(me: Path, app: Path) -> None:
    """That one's record points back to where the link leads."""
    main = repository(me / "main")
    git(main, "worktree", "add", "--quiet", "-b", "x", str(me / "code" / "wt"))
    (app / ".git").symlink_to(me / "code" / "wt" / ".git")

    assert not mountable(app)


def test_a_worktree_whose_repository_is_gone_is_none(me: Path) -> None:
    main, worktree = repository(me / "main"), me / "code" / "wt"
    git(main, "worktree", "add", "--quiet", "-b", "x", str(worktree))
    main.rename(me / "elsewhere")

    assert not mountable(worktree)


def test_a_forged_file_without_end_is_not_read_whole(app: Path) -> None:
    """It costs whoever made it nothing, as a file with a hole."""
    with (app / ".git").open("wb") as file:
        file.write(b"gitdir: ")
        file.truncate(1 << 40)

    assert worktree_of(P(app)) is None


def test_a_project_that_went_is_an_error_with_a_hint(tmp_path: Path) -> None:
    project = locate(str(tmp_path / "gone"), "devenv", must_exist=False)
    with pytest.raises(ProjectError, match="cannot be looked at: No such file") as caught:
        look(project, Settings())
    assert "--path" in caught.value.hint
