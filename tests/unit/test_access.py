"""The file of API keys: what it may hold, what happens when it changes, and what is told of it."""

import logging
import os
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from code_runner.gateway.access import ApiKeys
from code_runner.gateway.errors import Refused
from code_runner.settings import SettingsError

OLD = "old-key-0123456789"
NEW = "new-key-0123456789"


def _admits(keys: ApiKeys, key: str) -> bool:
    request = make_mocked_request("POST", "/run", CIMultiDict({"X-API-Key": key}))
    try:
        keys.admit(request)
    except Refused as refusal:
        assert refusal.status == 401
        return False
    return True


def _mount(folder: Path, version: str, content: str) -> None:
    """Put a Secret's new content in place as the kubelet does, by turning a link."""
    (folder / version).mkdir()
    (folder / version / "api-keys").write_text(content)
    (folder / "turning").symlink_to(version)
    (folder / "turning").rename(folder / "..data")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no key"),
        (b"\n \r\n", "holds no key"),
        (b"0123456789abcde\n", "line 1: a key has at least 16 characters"),
        (b"0123456789abcdef\n\nshort\n", "line 3: a key has at least 16 characters"),
        (b"0123456789 abcdef\n", "line 1: a key has visible ASCII characters only"),
        ("schlüssel-0123456789".encode(), "line 1: a key has visible ASCII characters only"),
        (b"k" * 70_000, "is larger than 65536 bytes"),
    ],
)
def test_an_unusable_file_is_named_but_not_quoted(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=complaint) as failure:
        ApiKeys(path)
    assert "CODE_RUNNER_API_KEYS_FILE" in str(failure.value)
    assert "0123456789" not in str(failure.value)


def test_a_folder_is_no_file_of_keys(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        ApiKeys(tmp_path)


def test_each_line_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{OLD}\r\n\n  {NEW}")
    keys = ApiKeys(path)
    assert _admits(keys, OLD)
    assert _admits(keys, NEW)
    assert not _admits(keys, OLD[:-1])
    assert not _admits(keys, OLD + "x")
    assert not _admits(keys, f"{OLD}\r\n\n  {NEW}")


def test_a_turned_link_is_a_changed_file(tmp_path: Path) -> None:
    _mount(tmp_path, "first", f"{OLD}\n")
    (tmp_path / "api-keys").symlink_to("..data/api-keys")
    keys = ApiKeys(tmp_path / "api-keys")
    assert _admits(keys, OLD)
    _mount(tmp_path, "second", f"{OLD}\n{NEW}\n")
    assert _admits(keys, OLD)
    assert _admits(keys, NEW)
    _mount(tmp_path, "third", f"{NEW}\n")
    assert not _admits(keys, OLD)
    assert _admits(keys, NEW)


@pytest.mark.parametrize("content", [None, "", "short\n"])
def test_a_slip_in_the_rotation_shuts_nobody_out_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD)
    keys = ApiKeys(path)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with caplog.at_level(logging.WARNING):
        assert all(_admits(keys, OLD) for _ in range(3))
    (record,) = caplog.records
    assert record.getMessage().startswith("the API keys read before stay valid: ")
    path.write_text(NEW)
    assert _admits(keys, NEW)
    assert not _admits(keys, OLD)


def test_a_key_replaced_in_place_within_a_tick_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD)
    keys = ApiKeys(path)
    before = path.stat()
    path.write_text(NEW)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _admits(keys, NEW)


def test_nothing_of_a_key_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD)
    with caplog.at_level(logging.DEBUG):
        keys = ApiKeys(path)
        _admits(keys, NEW)
        path.write_text(NEW + "\n" + OLD + "ü")
        _admits(keys, NEW)
    assert "0123456789" not in caplog.text
    assert caplog.records
