"""`make walls` takes half an hour and runs rarely: what it leaves out has to be there still."""

import pytest
from wall_by_wall import EDITS, REPOSITORY, Edit


@pytest.mark.parametrize("edit", [edit for edits in EDITS.values() for edit in edits])
def test_each_wall_is_where_it_would_be_left_out(edit: Edit) -> None:
    file, old, _ = edit
    assert (REPOSITORY / "service" / "code_runner" / file).read_text().count(old) == 1
