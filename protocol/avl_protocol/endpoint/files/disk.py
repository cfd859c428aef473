"""Disk: a folder of this machine as a tree (`files/tree.py`), from which no link leads out.

Where the system opens files by their folder's handle (openat), each name on the way is opened by the one before and
never followed, so that nobody can put a link in the way between a check and a use. Elsewhere (Windows) each folder on
the way is looked at first; making links there needs a right that users rarely have.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.files.locking import lock
from avl_protocol.endpoint.files.writeout import write_out
from avl_protocol.files.names import Naming, naming_here, part_of
from avl_protocol.files.tree import FileTrouble, Found, Names
from avl_protocol.wire.registry import FileKind, FileReason

#: Whether this system opens files by their folder's handle.
HANDLES = {os.open, os.stat, os.mkdir, os.rename, os.unlink, os.symlink, os.readlink} <= os.supports_dir_fd
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _PLAIN | getattr(os, "O_NONBLOCK", 0)
_FOLDER = os.O_RDONLY | _PLAIN | getattr(os, "O_DIRECTORY", 0)
_WRITE = os.O_RDWR | os.O_CREAT | _PLAIN
_REASONS = {
    errno.ENOENT: FileReason.NOT_FOUND,
    errno.EACCES: FileReason.NO_ACCESS,
    errno.EPERM: FileReason.NO_ACCESS,
    errno.EROFS: FileReason.NO_ACCESS,
    errno.ENOSPC: FileReason.NO_SPACE,
    errno.EDQUOT: FileReason.QUOTA,
    errno.EFBIG: FileReason.TOO_LARGE,
    errno.ENAMETOOLONG: FileReason.BAD_NAME,
    errno.EILSEQ: FileReason.BAD_NAME,
    errno.EINVAL: FileReason.BAD_NAME,
    errno.EMFILE: FileReason.TOO_MANY,
    errno.ENFILE: FileReason.TOO_MANY,
    errno.ENOTDIR: FileReason.NOT_A_FOLDER,
    errno.EEXIST: FileReason.EXISTS,
    errno.ELOOP: FileReason.LINK_ON_THE_WAY,
}
#: What a file system says that has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def trouble_of(error: OSError, about: str = "") -> FileTrouble:
    """What an error of the system means to a transfer."""
    return FileTrouble(_REASONS.get(error.errno or 0, FileReason.FAILED), about)


@dataclass(slots=True)
class _Folder:
    """An open folder. `handle`: None where the system works by paths."""

    path: str
    handle: int | None

    def at(self, name: str) -> tuple[str, dict[str, Any]]:
        """How the system is told of a name in it: a path, and arguments."""
        return (name, {"dir_fd": self.handle}) if self.handle is not None else (os.path.join(self.path, name), {})

    def close(self) -> None:
        if self.handle is not None:
            os.close(self.handle)


class DiskTree:
    """Everything beneath a folder. `by_handle`: how files are opened."""

    def __init__(self, root: Path, naming: Naming | None = None, *, by_handle: bool = HANDLES) -> None:
        self.root = root
        self.naming = naming_here() if naming is None else naming
        self._by_handle = by_handle
        self._kept: tuple[Names, _Folder] | None = None

    # the way down

    def _open_folder(self, names: Names) -> _Folder:
        """The folder at these names; the last one is kept open, since what follows is mostly in the same."""
        if self._kept is not None and self._kept[0] == names:
            return self._kept[1]
        self.close()
        folder = self._descend(names)
        self._kept = (names, folder)
        return folder

    def close(self) -> None:
        """See Tree."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _descend(self, names: Names) -> _Folder:
        path = str(self.root)
        if not self._by_handle:
            for name in names:
                path = os.path.join(path, name)
                self._check_folder(_found(path, os.lstat(path)) if os.path.lexists(path) else None)
            return _Folder(path, None)
        try:
            folder = _Folder(path, os.open(path, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0)))
        except OSError as error:
            raise trouble_of(error) from error
        for name in names:
            try:
                handle = os.open(name, _FOLDER, dir_fd=folder.handle)
            except OSError as error:
                found = self._look_at(folder, name)
                folder.close()
                self._check_folder(found)
                raise trouble_of(error) from error
            folder.close()
            folder = _Folder(os.path.join(folder.path, name), handle)
        return folder

    def _check_folder(self, found: Found | None) -> None:
        """Raises FileTrouble unless this is a folder."""
        if found is None:
            raise FileTrouble(FileReason.NOT_FOUND)
        if found.kind is not FileKind.FOLDER:
            raise FileTrouble(FileReason.LINK_ON_THE_WAY if found.kind is FileKind.LINK else FileReason.NOT_A_FOLDER)

    def _look_at(self, folder: _Folder, name: str) -> Found | None:
        target, more = folder.at(name)
        try:
            seen = os.stat(target, follow_symlinks=False, **more)
            link = os.readlink(target, **more) if stat.S_ISLNK(seen.st_mode) else ""
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise trouble_of(error) if isinstance(error, OSError) else FileTrouble(FileReason.BAD_NAME) from error
        return _found(name, seen, link)

    # what is there

    def look(self, names: Names) -> Found | None:
        """See Tree."""
        if not names:
            try:
                return _found(str(self.root), os.stat(self.root))
            except OSError as error:
                raise trouble_of(error) from error
        try:
            folder = self._open_folder(names[:-1])
        except FileTrouble as trouble:
            if trouble.reason is FileReason.NOT_FOUND:
                return None
            raise
        return self._look_at(folder, names[-1])

    def spelled(self, names: Names) -> str:
        """See Tree."""
        key = self.naming.key(names[-1])
        return next((name for name in self.names(names[:-1]) if self.naming.key(name) == key), names[-1])

    def names(self, folder: Names) -> Iterator[str]:
        """See Tree."""
        opened = self._open_folder(folder)
        try:
            found = os.scandir(opened.path if opened.handle is None else opened.handle)
        except OSError as error:
            raise trouble_of(error) from error
        with found:
            for one in found:
                yield one.name

    def read(self, names: Names) -> DiskReader:
        """See Tree."""
        folder = self._open_folder(names[:-1])
        found = self._look_at(folder, names[-1])
        if found is None:
            raise FileTrouble(FileReason.NOT_FOUND)
        if found.kind is not FileKind.FILE:
            raise FileTrouble(FileReason.LINK_ON_THE_WAY if found.kind is FileKind.LINK else FileReason.IS_A_FOLDER)
        target, more = folder.at(names[-1])
        try:
            handle = os.open(target, _READ, **more)
        except OSError as error:
            raise trouble_of(error) from error
        return _reader(handle)

    def part(self, names: Names) -> DiskReader | None:
        """See Tree."""
        target, more = self._open_folder(names[:-1]).at(part_of(names[-1]))
        try:
            handle = os.open(target, _READ, **more)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise trouble_of(error) from error
        if not lock(handle, shared=True):
            os.close(handle)
            raise FileTrouble(FileReason.BUSY)
        return _reader(handle)

    def free(self) -> int:
        """See Tree."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError as error:
            raise trouble_of(error) from error

    # what is made

    def write(self, names: Names) -> DiskWriter:
        """See Tree."""
        folder, part = self._open_folder(names[:-1]), part_of(names[-1])
        target, more = folder.at(part)
        try:
            handle = os.open(target, _WRITE, 0o600, **more)
        except OSError as error:
            raise trouble_of(error) from error
        seen = os.fstat(handle)
        there = self._look_at(folder, part)
        if not stat.S_ISREG(seen.st_mode) or not lock(handle) or there is None or there.version[0] != seen.st_ino:
            os.close(handle)  # somebody else writes it, or has just finished
            raise FileTrouble(FileReason.BUSY)
        kept = _Folder(folder.path, None if folder.handle is None else os.dup(folder.handle))
        return DiskWriter(self, kept, names[-1], part, handle, _version(seen) if seen.st_size else ())

    def make_folder(self, names: Names, mode: int) -> None:
        """See Tree."""
        target, more = self._open_folder(names[:-1]).at(names[-1])
        try:
            os.mkdir(target, mode | 0o700, **more)
        except OSError as error:
            raise trouble_of(error) from error

    def finish_folder(self, names: Names, mode: int, modified_us: int) -> None:
        """See Tree."""
        folder = self._open_folder(names)
        target: str | int = folder.path if folder.handle is None else folder.handle
        try:
            if folder.handle is not None:
                os.fsync(folder.handle)
            if mode:
                os.chmod(target, mode)
            os.utime(target, ns=(modified_us * 1000, modified_us * 1000))
        except OSError as error:
            raise trouble_of(error) from error

    def make_link(self, names: Names, text: str) -> None:
        """See Tree."""
        folder = self._open_folder(names[:-1])
        there = self._look_at(folder, names[-1])
        target, more = folder.at(names[-1])
        try:
            if there is not None and there.kind is FileKind.LINK:
                os.unlink(target, **more)
            os.symlink(text, target, **more)
        except (OSError, ValueError) as error:
            raise trouble_of(error) if isinstance(error, OSError) else FileTrouble(FileReason.BAD_NAME) from error


def _version(seen: os.stat_result) -> tuple[int, ...]:
    return (seen.st_ino, seen.st_dev, seen.st_size, seen.st_mtime_ns)


def _found(name: str, seen: os.stat_result, link: str = "") -> Found:
    """What is seen at a name. Raises FileTrouble(SPECIAL) for a device, a pipe or a socket."""
    modified_us, mode = seen.st_mtime_ns // 1000, seen.st_mode & 0o777
    if stat.S_ISREG(seen.st_mode):
        return Found(FileKind.FILE, seen.st_size, modified_us, mode, "", _version(seen))
    if stat.S_ISDIR(seen.st_mode):
        return Found(FileKind.FOLDER, 0, modified_us, mode, "", _version(seen)[:2])
    if stat.S_ISLNK(seen.st_mode):
        return Found(FileKind.LINK, 0, modified_us, 0, link, _version(seen))
    raise FileTrouble(FileReason.SPECIAL, name)


def _reader(handle: int) -> DiskReader:
    seen = os.fstat(handle)
    if not stat.S_ISREG(seen.st_mode):
        os.close(handle)
        raise FileTrouble(FileReason.SPECIAL)
    return DiskReader(handle, _found("", seen))


class DiskReader:
    """A file that is open for reading."""

    __slots__ = ("_handle", "found")

    def __init__(self, handle: int, found: Found) -> None:
        self._handle = handle
        self.found = found

    def read(self, offset: int, size: int) -> bytes:
        """See Reader."""
        try:
            data = _read_at(self._handle, size, offset)
            while 0 < len(data) < size and (more := _read_at(self._handle, size - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise trouble_of(error) from error
        return data

    def next_data(self, offset: int) -> int:
        """See Reader: where the file system tells its holes."""
        if not hasattr(os, "SEEK_DATA") or offset >= self.found.size:
            return offset
        try:
            return os.lseek(self._handle, offset, os.SEEK_DATA)
        except OSError as error:
            return self.found.size if error.errno == errno.ENXIO else offset

    def unchanged(self) -> bool:
        """See Reader."""
        return _version(os.fstat(self._handle)) == self.found.version

    def close(self) -> None:
        """See Reader."""
        os.close(self._handle)


if hasattr(os, "pread"):

    def _read_at(handle: int, size: int, offset: int) -> bytes:
        return os.pread(handle, size, offset)

    def _write_at(handle: int, data: bytes | memoryview, offset: int) -> int:
        return os.pwrite(handle, data, offset)
else:  # Windows: one thread at a time works on a file

    def _read_at(handle: int, size: int, offset: int) -> bytes:
        os.lseek(handle, offset, os.SEEK_SET)
        return os.read(handle, size)

    def _write_at(handle: int, data: bytes | memoryview, offset: int) -> int:
        os.lseek(handle, offset, os.SEEK_SET)
        return os.write(handle, data)


class DiskWriter:
    """A file that is being written beside its place."""

    __slots__ = ("_folder", "_handle", "_name", "_part", "_tree", "version")

    def __init__(
        self, tree: DiskTree, folder: _Folder, name: str, part: str, handle: int, version: tuple[int, ...]
    ) -> None:
        self._tree, self._folder, self._name, self._part, self._handle = tree, folder, name, part, handle
        self.version = version

    def write(self, offset: int, data: bytes) -> None:
        """See Writer."""
        try:
            written = _write_at(self._handle, data, offset)
            while written < len(data):
                written += _write_at(self._handle, memoryview(data)[written:], offset + written)
        except OSError as error:
            raise trouble_of(error) from error

    def resize(self, size: int) -> None:
        """See Writer."""
        try:
            os.ftruncate(self._handle, size)
        except OSError as error:
            raise trouble_of(error) from error

    def write_out(self) -> None:
        """See Writer."""
        write_out(self._handle)

    def finish(self, mode: int, modified_us: int, replaces: tuple[int, ...] | None) -> None:
        """See Writer."""
        part, more = self._folder.at(self._part)
        place, _ = self._folder.at(self._name)
        try:
            os.fsync(self._handle)
            if hasattr(os, "fchmod"):
                os.fchmod(self._handle, mode or 0o644)
            times = (modified_us * 1000, modified_us * 1000)
            if os.utime in os.supports_fd:
                os.utime(self._handle, ns=times)
                self._put_in_place(part, place, more, replaces)
            else:
                os.utime(part, ns=times)
                os.close(self._handle)  # an open file is not renamed there
                self._handle = -1
                self._put_in_place(part, place, more, replaces)
        except OSError as error:
            raise trouble_of(error) from error
        self.close()

    def _put_in_place(self, part: str, place: str, more: dict[str, Any], replaces: tuple[int, ...] | None) -> None:
        """Give it its name, if there is still what there was. Raises FileTrouble, OSError."""
        folder = {"src_dir_fd": more["dir_fd"], "dst_dir_fd": more["dir_fd"]} if more else {}
        if replaces is None:
            try:
                os.link(part, place, **folder)
                os.unlink(part, **more)
                return
            except FileExistsError:
                raise FileTrouble(FileReason.EXISTS) from None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
        there = self._tree._look_at(self._folder, self._name)
        if (None if there is None else there.version) != replaces:
            raise FileTrouble(FileReason.EXISTS)
        os.replace(part, place, **folder)

    def discard(self) -> None:
        """See Writer."""
        part, more = self._folder.at(self._part)
        if os.name == "nt":
            os.close(self._handle)
            self._handle = -1
        try:
            os.unlink(part, **more)
        except OSError:
            pass  # it is gone already, or the folder is
        self.close()

    def close(self) -> None:
        """See Writer."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._folder.close()
