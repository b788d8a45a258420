"""Tables that the extension reads too are the host's."""

import pytest
from tests.tools import extension_data, extension_pages


@pytest.mark.parametrize("name", extension_data.modules())
def test_the_committed_module_is_that_of_the_table(name: str) -> None:
    written = (extension_data.DATA / name).read_text(encoding="utf-8")
    assert written == extension_data.modules()[name], "run `make types`"


@pytest.mark.parametrize("path", extension_pages.documents())
def test_the_committed_page_is_the_generated_one(path: str) -> None:
    written = (extension_pages.EXTENSION / path).read_text(encoding="utf-8")
    assert written == extension_pages.documents()[path], "run `make types`"
