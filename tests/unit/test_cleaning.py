"""A folder is emptied whatever is in it, in constant memory, and the proof notices what is left."""

import os
import resource
import socket
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from code_runner.runner.cleaning import CleanFolder, NotClean

SERVICE = Path(__file__).parents[2] / "service"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "writable"
    path.mkdir()
    return path


def _clean(folder: Path) -> None:
    CleanFolder(str(folder)).clean()
    assert list(folder.iterdir()) == []


def test_files_folders_links_and_pipes(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    (folder / "file").write_text("x")
    (folder / "a/b/c").mkdir(parents=True)
    (folder / "a/b/link").symlink_to(outside)
    (folder / "to-root").symlink_to("/")
    os.mkfifo(folder / "a/pipe")
    socket.socket(socket.AF_UNIX).bind(str(folder / "socket"))
    _clean(folder)
    assert (outside / "precious").read_text() == "kept"


def test_a_folder_deeper_than_any_path(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(20_000):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    _clean(folder)


def test_a_tree_that_is_both_wide_and_deep(folder: Path) -> None:
    for number in range(2500):
        (folder / f"{number}/x/y").mkdir(parents=True)
        (folder / f"{number}/x/file").touch()
    _clean(folder)


def test_many_files_take_no_memory_and_no_descriptors(folder: Path) -> None:
    for number in range(30_000):
        os.close(os.open(folder / str(number), os.O_CREAT))
    cleaner = CleanFolder(str(folder.parent / "writable"))
    for number in range(30_000):
        os.close(os.open(folder / str(number), os.O_CREAT))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    tracemalloc.start()
    try:
        cleaner.clean()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert peak < 2**20


def test_names_that_are_no_text(folder: Path) -> None:
    for number in set(range(1, 256)) - {ord("/"), ord(".")}:
        path = os.fsencode(folder) + b"/" + bytes([number])
        os.mkdir(path)
        os.mkdir(path + b"/" + bytes([number]) * 200)
    _clean(folder)


def test_folders_that_forbid_everything(folder: Path) -> None:
    path = folder / "a/b/c/d"
    path.mkdir(parents=True)
    for locked in (path, *list(path.parents)[:3]):
        locked.chmod(0)
    _clean(folder)


def test_attributes_and_mode_of_the_folder_itself(folder: Path) -> None:
    folder.chmod(0o755)
    cleaner = CleanFolder(str(folder))
    try:
        os.setxattr(folder, "user.note", b"x" * 100)
    except OSError as error:
        pytest.fail(f"the file system of {folder} has no user attributes: {error}")
    folder.chmod(0o700)
    cleaner.clean()
    assert os.listxattr(folder) == []
    assert folder.stat().st_mode & 0o777 == 0o755


def test_what_cannot_be_removed_is_named(folder: Path) -> None:
    cleaner = CleanFolder(str(folder))
    os.close(cleaner._folder)
    with pytest.raises(NotClean, match="cannot be emptied"):
        cleaner.clean()


ON_ITS_OWN = """
import ctypes, os, sys
from code_runner.runner import cleaning
folder, mess = sys.argv[1:]
libc = ctypes.CDLL(None)
assert libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, b"size=1m") == 0
cleaner = cleaning.CleanFolder(folder)
searches = []
empty = cleaning._empty
cleaning._empty = lambda root: (searches.append(root), empty(root))
os.chdir(folder)
exec(mess)
cleaner.clean()
print(len(searches), os.listdir(folder), cleaner._use() == cleaner._baseline)
"""


def _on_its_own(mess: str, folder: Path) -> str:
    """Whether it searched for entries, what it found at last, and whether all was as before."""
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", ON_ITS_OWN]
    ended = subprocess.run(
        [*command, str(folder), mess],
        env={"PYTHONPATH": str(SERVICE)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert not ended.returncode, ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize(
    "mess",
    [
        "open('file', 'w')",
        "os.mkdir('folder')",
        "os.symlink('/', 'link')",
        "os.mkfifo('pipe')",
        "open('a', 'w'); os.link('a', 'b'); os.unlink('a')",
        "os.mkdir('a'); os.mkdir('b'); os.rename('a', 'b/a')",
        "[os.mkdir(str(n)) for n in range(9)]; [os.rmdir(str(n)) for n in range(8)]",
        # Linked into place when it was open already.
        "f = os.open('.', os.O_TMPFILE | os.O_RDWR);"
        "libc.linkat(-100, b'/proc/self/fd/%d' % f, -100, b'x', 0x400); os.close(f)",
        # What moves leaves a whiteout in its place (2), or changes places (4).
        "open('a', 'w'); libc.renameat2(-100, b'a', -100, b'b', 2)",
        "open('a', 'w'); os.mkdir('b'); libc.renameat2(-100, b'a', -100, b'b', 4)",
    ],
)
def test_on_a_file_system_of_its_own_no_entry_is_overlooked(mess: str, folder: Path) -> None:
    assert _on_its_own(mess, folder) == "1 [] True"


@pytest.mark.parametrize("mess", ["", "os.mkdir('a'); os.rmdir('a')", "os.chmod('.', 0)"])
def test_on_a_file_system_of_its_own_nothing_is_searched_for_in_vain(
    mess: str, folder: Path
) -> None:
    assert _on_its_own(mess, folder) == "0 [] True"
