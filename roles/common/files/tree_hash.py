"""Print the SHA-256 of a folder's files: their relative paths and contents.

Modes, owners and times are left out, so that a clone and an installed
collection of the same sources give the same hash. Caches are left out too.

Usage: tree_hash.py FOLDER
"""

import hashlib
import sys
from pathlib import Path


def tree_hash(folder: Path) -> str:
    """Return the hex digest; raises OSError when a file cannot be read."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_cache = any("cache" in part for part in relative.parts)
        if is_cache or path.suffix == ".pyc" or not path.is_file():
            continue
        content = path.read_bytes()
        # Lengths keep "ab"+"c" apart from "a"+"bc".
        digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


if __name__ == "__main__":
    print(tree_hash(Path(sys.argv[1])))
