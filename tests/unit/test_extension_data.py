"""Tables that the extension reads too are the host's."""

import pytest
from tests.tools import extension_data


@pytest.mark.parametrize("name", extension_data.modules())
def test_the_committed_module_is_that_of_the_table(name: str) -> None:
    written = (extension_data.DATA / name).read_text(encoding="utf-8")
    assert written == extension_data.modules()[name], "run `make types`"
