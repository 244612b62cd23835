"""Who may run code: API keys, read from a file that may change while we serve."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from pathlib import Path

from aiohttp import web

from code_runner.gateway.errors import Refused
from code_runner.settings import SettingsError

MIN_KEY_CHARACTERS = 16
MAX_FILE_BYTES = 2**16
HOW_TO_SEND = "as `Authorization: Bearer KEY` or `X-API-Key: KEY`"

logger = logging.getLogger(__name__)


class UnusableKeys(Exception):
    """The file of keys is missing or wrong; the text says how, and holds nothing of its content."""


class ApiKeys:
    """The keys of one file, one on each line; read again whenever the file has changed.

    A change is seen by the next request. Where the file has vanished or holds something unusable,
    the keys read before stay valid, for a slip in their rotation must not shut everybody out.
    Only hashes are kept: they have one length, so comparing them tells nothing about a key.
    """

    def __init__(self, path: Path) -> None:
        """Read the keys; raises `SettingsError`."""
        self._path = path
        self._seen: tuple[int, ...] | None = None
        try:
            self._digests, self._seen = _read(path)
        except UnusableKeys as error:
            raise SettingsError(f"CODE_RUNNER_API_KEYS_FILE: {error}") from None
        logger.info("%d API keys read", len(self._digests))

    def admit(self, request: web.Request) -> str:
        """Whose key the request's headers name, for telling clients apart; never to be shown.

        Raises `Refused` with 401 unless there is one, and all of them are keys.
        """
        self._read_again()
        digests = [_digest(candidate) for candidate in _candidates(request)]
        if not digests:
            raise _unauthorized(f"An API key is needed; send it {HOW_TO_SEND}")
        if not all(self._holds(digest) for digest in digests):
            raise _unauthorized("The API key is wrong")
        return digests[0].hex()

    def _holds(self, digest: bytes) -> bool:
        """Compare with every key, and each to its end, so that the time tells nothing."""
        found = False
        for known in self._digests:
            found |= hmac.compare_digest(known, digest)
        return found

    def _read_again(self) -> None:
        # Kubernetes replaces a mounted Secret by pointing a link at another folder.
        try:
            now = _identity(self._path.stat())
        except OSError:
            now = None
        if now == self._seen:
            return
        self._seen = now  # whatever is found there is said once
        try:
            self._digests, self._seen = _read(self._path)
        except UnusableKeys as error:
            logger.warning("the API keys read before stay valid: %s", error)
        else:
            logger.info("%d API keys read", len(self._digests))


def _read(path: Path) -> tuple[list[bytes], tuple[int, ...]]:
    """The hashes of the keys, and which state of the file they are; raises `UnusableKeys`."""
    try:
        with path.open("rb") as file:
            identity = _identity(os.fstat(file.fileno()))
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnusableKeys(f"cannot read {path}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise UnusableKeys(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    digests = []
    for number, line in enumerate(content.splitlines(), 1):
        key = line.strip()
        if not key:
            continue
        if not all(0x21 <= byte <= 0x7E for byte in key):
            raise UnusableKeys(f"{path}, line {number}: a key has visible ASCII characters only")
        if len(key) < MIN_KEY_CHARACTERS:
            raise UnusableKeys(
                f"{path}, line {number}: a key has at least {MIN_KEY_CHARACTERS} characters"
            )
        digests.append(hashlib.sha256(key).digest())
    if not digests:
        raise UnusableKeys(f"{path} holds no key; write one on each line")
    return digests, identity


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _candidates(request: web.Request) -> list[str]:
    """What the request offers as keys; raises `Refused` where that is not clear."""
    offered = []
    for name in ("Authorization", "X-API-Key"):
        values = request.headers.getall(name, [])
        if len(values) > 1:
            raise _unauthorized(f"{name} was sent {len(values)} times")
        offered += [(name, value) for value in values]
    candidates = []
    for name, value in offered:
        candidate = value
        if name == "Authorization":
            scheme, _, candidate = value.partition(" ")
            if scheme.lower() != "bearer":
                raise _unauthorized(f"Authorization must be of the scheme Bearer; {HOW_TO_SEND}")
        candidates.append(candidate.strip())
    return candidates


def _digest(candidate: str) -> bytes:
    # What is not ASCII arrives as it was sent, in surrogates, and equals no key.
    return hashlib.sha256(candidate.encode("utf-8", "surrogateescape")).digest()


def _unauthorized(detail: str) -> Refused:
    return Refused(401, detail, {"WWW-Authenticate": "Bearer"})
