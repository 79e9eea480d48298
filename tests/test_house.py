"""The house rules that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "remote_assist").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def tracked_files() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines()]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_at_most_five_hundred_lines(module: Path) -> None:
    """No file of the program is longer than 500 lines."""
    assert len(module.read_text().splitlines()) <= 500


def test_the_readme_fits_in_one_reading() -> None:
    """The README has at most 150 lines."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_documents_leads_somewhere(document: Path) -> None:
    """A relative link in a document names a file that exists."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert missing == []


def test_every_decision_record_is_listed() -> None:
    """The index of decisions names each record."""
    index = (ROOT / "docs/adr/README.md").read_text()
    records = [path.name for path in (ROOT / "docs/adr").glob("0*.md")]
    assert records
    assert [name for name in records if name not in index] == []


def test_the_web_lock_names_no_host() -> None:
    """The lock of the web packages holds integrity hashes and no address."""
    assert "://" not in re.sub(r'"(url|funding)": "[^"]*"', "", (ROOT / "web/package-lock.json").read_text())


def test_the_repository_holds_no_machine_path() -> None:
    """No tracked text names a home or work folder of a machine."""
    here = str(ROOT)
    offenders = [
        path
        for path in tracked_files()
        if path.is_file() and path.suffix not in {".png", ".bin"} and here in path.read_text(errors="ignore")
    ]
    assert offenders == []
