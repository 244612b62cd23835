#!/usr/bin/env python3
"""Write an image of one layer as an archive, without a container engine.

`ctr images import`, `minikube image load` and `podman load` take it. Equal inputs give equal
bytes: no time, owner or order of this machine gets in.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
from pathlib import Path


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(plain(entry), io.BytesIO(content))


def layer(program: Path, place: Path, tree: Path | None) -> bytes:
    """Return the layer: everything below `tree`, and `program` at the absolute path `place`."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in sorted(tree.rglob("*")) if tree else []:
            archive.add(path, path.relative_to(tree or path).as_posix(), False, filter=plain)
        for folder in reversed(place.parents):
            name = folder.relative_to("/").as_posix()
            if name != "." and not (tree and (tree / name).is_dir()):
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(plain(entry))
        entry = archive.gettarinfo(program, place.relative_to("/").as_posix())
        entry.mode = 0o755
        with program.open("rb") as file:
            archive.addfile(plain(entry), file)
    return content.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("name", help="name:tag")
    parser.add_argument("program", type=Path, help="the file that the image runs")
    parser.add_argument("place", type=Path, help="its path in the image")
    parser.add_argument("--architecture", required=True, help="as in Go: amd64, arm64")
    parser.add_argument("--tree", type=Path, help="a folder with the rest of the file system")
    parser.add_argument("--user", default="", help="uid:gid")
    wanted = parser.parse_args()

    content = layer(wanted.program, wanted.place, wanted.tree)
    digest = hashlib.sha256(content).hexdigest()
    config = json.dumps(
        {
            "architecture": wanted.architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "Entrypoint": [str(wanted.place)],
                "User": wanted.user,
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        },
        sort_keys=True,
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [wanted.name], "Layers": [f"{digest}.tar"]}]
    unfinished = wanted.archive.with_suffix(".unfinished")
    with tarfile.open(unfinished, "w") as archive:
        add_bytes(archive, config_name, config)
        add_bytes(archive, f"{digest}.tar", content)
        add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
    unfinished.rename(wanted.archive)


if __name__ == "__main__":
    main()
