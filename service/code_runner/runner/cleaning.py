"""Empties the folders that a run can write to, and proves that nothing of it is left.

In constant memory and with a constant number of descriptors, whatever a client has made: millions
of files, folders a hundred thousand deep, modes that forbid everything, names that are no text.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from typing import NamedTuple

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDERS_AT_ONCE = 1000
# To remove so many files, with so many blocks in all, takes a millisecond or two.
FEW_FILES = 50
FEW_BLOCKS = 1024
# The kernel may give back what a file used a little after its last process has ended: descriptors
# that were sent through a socket and never received wait for its garbage collector.
LATE_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0)


class NotClean(Exception):
    """Something of a run is still there; the text says what and where."""


class _Use(NamedTuple):
    """What a folder and the file system below it hold, by what the kernel counts."""

    blocks: int
    inodes: int
    entries: int
    """Of the folder itself: a size that grows with each."""
    folders: int
    """Of the folder itself: its links, of which each inner folder has one."""


class CleanFolder:
    """One writable folder that is emptied after each run.

    The proof is that it has no entry; where it is a file system of its own, also that the kernel
    counts in it what it has counted in the empty folder.
    """

    def __init__(self, path: str) -> None:
        """Empty `path` and take what is in use then as the baseline; raises `NotClean`."""
        self.path = path
        self.is_own_file_system = os.path.ismount(path)
        self._folder = os.open(path, OPEN_FOLDER)
        self._mode = stat.S_IMODE(os.fstat(self._folder).st_mode)
        self._baseline: _Use | None = None
        self._counts_entries = False
        try:
            self.clean()
            if self.is_own_file_system:
                self._baseline = self._use()
                self._counts_entries = self._notices_a_file()
        except (NotClean, OSError):
            os.close(self._folder)
            raise

    def _notices_a_file(self) -> bool:
        """Whether an empty file shows in the size of the folder, so that the numbers are proof.

        Those of the file system alone are not, where somebody else may use it too.
        """
        os.close(os.open("probe", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, dir_fd=self._folder))
        with_file = self._use()
        os.unlink("probe", dir_fd=self._folder)
        return with_file.entries > self._use().entries and self._is_as_it_was()

    def is_cleaned_soon(self) -> bool:
        """Whether only a few files and folders have to be removed, as far as one look tells."""
        if not self._baseline:
            return False
        blocks, inodes = self._count()
        return (
            blocks <= self._baseline.blocks + FEW_BLOCKS
            and inodes <= self._baseline.inodes + FEW_FILES
        )

    def clean(self) -> None:
        """Remove every entry, and what was done to the folder itself; raises `NotClean`."""
        try:
            self._restore_root()
            if self._counts_entries and self._is_as_it_was():
                return
            _empty(self._folder)
        except OSError as error:
            raise NotClean(f"{self.path} cannot be emptied: {error}") from error
        self._prove()

    def _restore_root(self) -> None:
        if stat.S_IMODE(os.fstat(self._folder).st_mode) != self._mode:
            os.fchmod(self._folder, self._mode)
        for name in os.listxattr(self._folder):
            if name.startswith(("user.", "system.posix_acl_")):
                os.removexattr(self._folder, name)

    def _prove(self) -> None:
        for pause in LATE_SECONDS:
            if not self._baseline or self._is_as_it_was():
                return
            time.sleep(pause)
        raise NotClean(f"{self.path} is empty, yet it uses {self._use()}, not {self._baseline}")

    def _is_as_it_was(self) -> bool:
        return self._use() == self._baseline

    def _use(self) -> _Use:
        folder = os.fstat(self._folder)
        return _Use(*self._count(), folder.st_size, folder.st_nlink)

    def _count(self) -> tuple[int, int]:
        numbers = os.statvfs(self._folder)
        return numbers.f_blocks - numbers.f_bfree, numbers.f_files - numbers.f_ffree


def _empty(root: int) -> None:
    """Remove all below the folder of descriptor `root`, until it has been seen without an entry.

    A folder found inside a folder is moved up to the root before it is looked into: so the work is
    never more than two levels deep, and neither recursion nor a path is needed.
    """
    while (folders := _remove_files(root)) is not None:
        for name in folders:
            _remove_folder(name, root)


def _remove_folder(name: str, root: int) -> None:
    os.chmod(name, 0o700, dir_fd=root)
    folder = os.open(name, OPEN_FOLDER, dir_fd=root)
    try:
        while True:
            for inner in _remove_files(folder) or ():
                # Without the owner's permission to write to it, a folder cannot change its parent.
                os.chmod(inner, 0o700, dir_fd=folder)
                # A name that no client could have guessed, and taken.
                os.rename(inner, f".{secrets.token_hex(16)}", src_dir_fd=folder, dst_dir_fd=root)
            try:
                os.rmdir(name, dir_fd=root)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
    finally:
        os.close(folder)


def _remove_files(folder: int) -> list[str] | None:
    """Unlink what is no folder in `folder`; returns some of its folders, None where it is empty."""
    folders: list[str] = []
    is_empty = True
    with os.scandir(folder) as entries:
        for entry in entries:
            is_empty = False
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=folder)
            elif len(folders) < FOLDERS_AT_ONCE:
                folders.append(entry.name)
    return None if is_empty else folders
