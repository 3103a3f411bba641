"""What is to be loaded, held so that the bytes that were scanned are the bytes that are loaded.

Up to a limit the bytes are copied into memory first. A larger file stays behind a handle of its own: device, inode,
size and times are compared after the scan and at every read of the loader.
"""

from __future__ import annotations

import io
import mmap
import os
import shutil
import stat
import sys
import tempfile
import threading
from typing import Any, Iterator, Optional, Tuple
from contextlib import contextmanager

from ._errors import UnsafeModelError

# Bytes up to which a file is copied into memory, where no writer can change it any more.
SNAPSHOT_BYTES = 64 << 20

# Bytes that a compressed stream may unpack to: all of them are held in memory. CWE-409.
STREAM_BYTES = 4 << 30

# Bytes that a loader's reader holds ahead.
_BUFFER_BYTES = 1 << 18

Identity = Tuple[int, int, int, int, int]


def _identity(fd: int) -> Identity:
    it = os.fstat(fd)
    # The time of the last change of the inode cannot be set back as that of the content can.
    return (it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns)


class HeldBytes:
    """Bytes in memory."""

    def __init__(self, data: bytes, label: str) -> None:
        self.data = data
        self.label = label
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> memoryview:
        return memoryview(self.data)[offset : offset + length]

    def reader(self) -> io.BytesIO:
        return io.BytesIO(self.data)

    def expect_unchanged(self) -> None:
        """Nothing can change it."""


class HeldFile:
    """An open file, from an offset to its end. The descriptor is this object's own."""

    def __init__(self, fd: int, label: str, start: int = 0) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self.label = label
        self.start = start
        self.mode = os.fstat(fd).st_mode
        self.identity = _identity(fd)
        self.size = max(0, self.identity[2] - start)

    def __del__(self) -> None:
        try:
            os.close(self._fd)
        except (AttributeError, OSError):
            pass

    def read_at(self, offset: int, length: int) -> bytes:
        wanted = max(0, min(length, self.size - offset))
        if hasattr(os, "pread"):
            return os.pread(self._fd, wanted, self.start + offset)
        with self._lock:
            os.lseek(self._fd, self.start + offset, os.SEEK_SET)
            return os.read(self._fd, wanted)

    def read_into(self, offset: int, target: memoryview) -> int:
        wanted = target[: max(0, min(len(target), self.size - offset))]
        if hasattr(os, "preadv"):
            count = os.preadv(self._fd, [wanted], self.start + offset) if wanted else 0
        else:
            data = self.read_at(offset, len(wanted))
            count = len(data)
            wanted[:count] = data
        self.expect_unchanged()
        return count

    def expect_unchanged(self) -> None:
        """Raises UnsafeModelError where the file is not as it was when it was opened."""
        if _identity(self._fd) != self.identity:
            raise UnsafeModelError(
                f"Refused to load {printable(self.label)}: it was changed while it was scanned or loaded",
                path=self.label,
            )

    def reader(self) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self), _BUFFER_BYTES)

    def descriptor_path(self) -> Optional[str]:
        """A path that leads to this very file, whatever lies at its own path; None where there is none."""
        path = f"/proc/self/fd/{self._fd}"
        if self.start or not sys.platform.startswith("linux"):
            return None
        try:
            found = os.stat(path)
        except OSError:
            return None
        return path if (found.st_dev, found.st_ino) == self.identity[:2] else None


class _Reader(io.RawIOBase):
    """What a loader reads a held file by. It has no descriptor to read past it."""

    def __init__(self, held: HeldFile) -> None:
        self._held = held
        self._at = 0

    @property
    def name(self) -> str:
        return self._held.label

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._held.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, target: Any) -> int:
        count = self._held.read_into(self._at, memoryview(target).cast("B"))
        self._at += count
        return count


def printable(text: str) -> str:
    """Text of a file or a path without what a terminal would obey."""
    return "".join(it if it.isprintable() else it.encode("unicode_escape", "replace").decode() for it in text)


def _not_regular(label: str) -> UnsafeModelError:
    return UnsafeModelError(
        f"Refused to load {printable(label)}: it is no regular file, and can give other bytes when it is read again",
        path=label,
    )


def hold_path(path: Any, *, in_memory: bool = True) -> Any:
    """Opens a regular file and holds it. Raises as ``open`` does, and UnsafeModelError for what is no regular file."""
    path = os.fspath(path)
    label = os.fsdecode(path)
    flags = os.O_RDONLY
    # A FIFO must not block, a terminal not become ours.
    for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_NOINHERIT"):
        flags |= getattr(os, name, 0)
    held = HeldFile(os.open(path, flags), label)
    if not stat.S_ISREG(held.mode):
        raise _not_regular(label)
    return _in_memory(held) if in_memory else held


def _in_memory(held: HeldFile) -> Any:
    if held.size > SNAPSHOT_BYTES:
        return held
    chunks = []
    at = 0
    while at < held.size:
        chunk = held.read_at(at, held.size - at)
        if not chunk:
            break
        chunks.append(chunk)
        at += len(chunk)
    held.expect_unchanged()
    return HeldBytes(b"".join(chunks), held.label)


def hold_buffer(data: Any) -> HeldBytes:
    """Bytes of any object with a buffer. Memory that can change is copied."""
    if type(data) is bytes:
        return HeldBytes(data, "<bytes>")
    # Not bytes(data): a subclass may define what that gives, and C code reads the buffer.
    with memoryview(data) as view:
        return HeldBytes(view.tobytes(), "<bytes>")


def hold_stream(file: Any) -> Tuple[Any, int]:
    """What is left of a file object, and its position. What is no plain file is read, once, to its end.

    Raises UnsafeModelError where the position cannot be had or set: what is read could not be given back.
    """
    name = getattr(file, "name", None)
    label = name if isinstance(name, str) else f"<{type(file).__name__}>"
    kind = type(file)
    if kind is io.BytesIO:
        position = file.tell()
        data = file.getvalue()
        return HeldBytes(data[position:] if position else data, label), position
    if kind in (io.BufferedReader, io.BufferedRandom, io.FileIO) and type(getattr(file, "raw", file)) is io.FileIO:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _not_regular(label)
        if kind is io.BufferedRandom:
            file.flush()
        position = file.tell()
        return _in_memory(HeldFile(os.dup(file.fileno()), label, position)), position
    if kind is mmap.mmap:
        position = file.tell()
        return HeldBytes(file[position:], label), position
    try:
        seekable = file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")
        position = file.tell() if seekable else None
    except (AttributeError, OSError, ValueError):
        position = None
    if not isinstance(position, int):
        raise UnsafeModelError(
            f"Refused to load from {printable(label)}: the stream cannot be set back. Read it into memory and load "
            "from that",
            path=label,
        )
    # One call reads all, since another may give anything; only of a decompressor is known that it stops at a length.
    unpacks = isinstance(file, _decompressors())
    data: Any = file.read(STREAM_BYTES + 1) if unpacks else file.read()
    if unpacks and len(data) > STREAM_BYTES:
        raise UnsafeModelError(
            f"Refused to load {printable(label)}: it unpacks to more than {STREAM_BYTES} bytes", path=label
        )
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")
    held_bytes = hold_buffer(data)
    held_bytes.label = label
    return held_bytes, position


def _decompressors() -> Tuple[type, ...]:
    """The classes of the standard library that decompress, as far as they are loaded."""
    places = (("gzip", "GzipFile"), ("bz2", "BZ2File"), ("lzma", "LZMAFile"), ("zipfile", "ZipExtFile"))
    found = (getattr(sys.modules.get(module), name, None) for module, name in places)
    return tuple(it for it in found if isinstance(it, type))


@contextmanager
def named(held: Any, suffix_of: str) -> Iterator[str]:
    """A path for loaders that take nothing else: a link to the open file in a folder of our own, else a copy."""
    folder = tempfile.mkdtemp(prefix="modelaudit-")
    try:
        path = os.path.join(folder, os.path.basename(suffix_of) or "model")
        target = held.descriptor_path() if isinstance(held, HeldFile) else None
        if target is not None:
            os.symlink(target, path)
        else:
            with open(path, "xb") as copy:
                shutil.copyfileobj(held.reader(), copy, 1 << 20)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)
