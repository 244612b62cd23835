"""The table of attacks, read from the files in `attacks/FAMILY/NAME.py`.

Each file is one program. Its docstring has a title, what the attack tries, and what must come back:

    Expect:  one or several of
             contained   it ends by itself and says CONTAINED, never BREACH
             failure     it ends by itself, with an exit code other than 0
             signal      it dies of a signal of its own making
             timeout, memory, processes, output, cpu   the service ends it for that reason
    Timeout: seconds that it is given (2 where it does not say)
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent
KIT = (FOLDER / "kit.py").read_text()
ENDINGS = {"contained", "failure", "signal", "timeout", "memory", "processes", "output", "cpu"}


@dataclass(frozen=True)
class Attack:
    """One row of the table."""

    family: str
    name: str
    path: Path

    @cached_property
    def _text(self) -> str:
        return ast.get_docstring(ast.parse(self.path.read_text())) or ""

    def _field(self, name: str) -> str:
        found = re.search(rf"^{name}:(.*(?:\n .*)*)", self._text, re.MULTILINE)
        return " ".join(found[1].split()) if found else ""

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"

    @property
    def title(self) -> str:
        return self._text.partition("\n")[0]

    @property
    def tries(self) -> str:
        return self._field("Tries")

    @property
    def expected(self) -> set[str]:
        """The endings of which one must come back."""
        return set(re.findall(r"\w+", self._field("Expect")))

    @property
    def timeout(self) -> float:
        """Seconds."""
        return float(self._field("Timeout") or 2)

    def program(self, token: str) -> str:
        """What is sent: the kit, the attack, and a token by which its remains would be known."""
        # The kit has no __future__ import, so that it may stand in front of anything.
        return f"{KIT}\nTOKEN = {token!r}\n{self.path.read_text()}"


def all_attacks() -> list[Attack]:
    """Every attack, in the order of families and names."""
    paths = sorted((FOLDER / "attacks").glob("*/*.py"))
    return [Attack(path.parent.name, path.stem, path) for path in paths]
