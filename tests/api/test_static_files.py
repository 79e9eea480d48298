"""api/static_files.py: what is in the folder is served, and nothing else."""

import gzip
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from remote_assist.api.problems import ApiProblem
from remote_assist.api.static_files import FILE_MAX_BYTES, StaticFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bundle/assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("canary")
    (tmp_path / "bundle/j.html").write_text("<p>" + "x" * 5_000)
    (tmp_path / "bundle/assets/a-1.js").write_text("1")
    (tmp_path / "bundle/odd.exe").write_text("1")
    (tmp_path / "bundle/large.js").write_bytes(b" " * (FILE_MAX_BYTES + 1))
    return tmp_path / "bundle"


def test_known_types_of_bearable_size_are_listed(folder: Path) -> None:
    """Unknown types and giants are left out."""
    assert StaticFiles(folder).names() == ["assets/a-1.js", "j.html"]


def test_missing_folder_is_empty(tmp_path: Path) -> None:
    """A server without its bundle starts, and says so on its pages."""
    assert StaticFiles(tmp_path / "nope").names() == []


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/passwd", "assets/../../secret.txt", "", ".", "odd.exe", "\0"]
)
def test_nothing_else_is_served(folder: Path, name: str) -> None:
    """Names are looked up, never joined to a path."""
    with pytest.raises(ApiProblem) as refused:
        StaticFiles(folder).respond(make_mocked_request("GET", "/"), name)
    assert refused.value.status == 404


def test_large_texts_are_compressed_for_who_takes_it(folder: Path) -> None:
    """Both forms hold the same page, and neither is mistaken for the other by a cache."""
    files = StaticFiles(folder)
    plain = files.respond(make_mocked_request("GET", "/"), "j.html")
    packed = files.respond(make_mocked_request("GET", "/", headers={"Accept-Encoding": "br, gzip"}), "j.html")
    assert isinstance(plain.body, bytes)
    assert isinstance(packed.body, bytes)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_what_the_browser_has_is_not_sent_again(folder: Path) -> None:
    """The same entity tag is answered 304, another one with the file."""
    files = StaticFiles(folder)
    tag = files.respond(make_mocked_request("GET", "/"), "assets/a-1.js").headers["ETag"]
    again = files.respond(make_mocked_request("GET", "/", headers={"If-None-Match": tag}), "assets/a-1.js")
    other = files.respond(make_mocked_request("GET", "/", headers={"If-None-Match": '"x"'}), "assets/a-1.js")
    assert (again.status, other.status) == (304, 200)
    assert "immutable" in other.headers["Cache-Control"]
