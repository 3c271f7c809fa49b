"""What the server says of the nodes is what the English file says, and languages are served."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_locales import ENGLISH, english, read

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def test_the_english_file_is_what_the_nodes_say(server: "ComfyServer"):
    """Else: python3 dev.py python -m elect_tino.harness.author_locales."""
    assert read(ENGLISH) == english(server.object_info())


def test_the_frontend_gets_the_nodes_in_its_language(server: "ComfyServer"):
    served = server.get("/i18n")
    assert served["de"]["nodeDefs"]["BISSelect"] == read("de")["BISSelect"]
    assert served["de"]["elect"]["sort_score"] == "Wertung"
