"""What the documentation says is still so: its links, targets, variables, lists and examples."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Leave out the blocks of code."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the names by which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(name: str, text: str) -> list[str]:
    """Return the links of a page that lead to no file or heading of the repository."""
    broken = []
    for target in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        place = (ROOT / name).parent / path if path else ROOT / name
        if not place.exists() or (heading and heading not in anchors(place.read_text(encoding="utf-8"))):
            broken.append(target)
    return broken


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE))


def added(diff: str) -> dict[str, str]:
    """Return the new files that a diff adds."""
    parts = re.findall(r"^--- /dev/null\n\+\+\+ b/(\S+)\n@@[^\n]*\n((?:\+[^\n]*\n)+)", diff, re.MULTILINE)
    return {name: "".join(line[1:] for line in body.splitlines(keepends=True)) for name, body in parts}


def test_the_pages_that_people_look_for_are_there():
    wanted = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
    wanted += [f"docs/{name}.md" for name in ("architecture", "rules", "spec", "api", "operations", "security")]
    assert set(wanted) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_or_heading(name):
    assert broken_links(name, read(name)) == []


def test_a_broken_link_would_be_found():
    page = "[a](docs/rules.md#modes) [b](docs/nowhere.md) [c](docs/rules.md#no-such-heading) [d](https://example.com)"
    assert broken_links("README.md", page) == ["docs/nowhere.md", "docs/rules.md#no-such-heading"]


def test_each_decision_has_its_own_number_and_is_written_the_same_way():
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for page, number in zip(pages, numbers, strict=True):
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. "), page.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Alternatives", "Consequences"], page.name


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_is_named_exists(name):
    named = set(re.findall(r"`(?:PORT=\d+ )?make ([a-z-]+)|^(?:PORT=\d+ )?make ([a-z-]+)", read(name), re.MULTILINE))
    assert {first or second for first, second in named} - make_targets() == set()


def test_contributing_names_every_make_target_for_people():
    described = set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE)) - {"help"}
    assert {target for target in described if f"`make {target}`" not in read("CONTRIBUTING.md")} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_named_exists(name):
    named = set(re.findall(r"manage\.py ([a-z_]+)", read(name)))
    assert named - set(get_commands()) == set()


def test_every_documented_variable_is_read_somewhere():
    documented = set(re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    code = read("clinic/settings.py")
    read_names = set(re.findall(r'env\.\w+\(\s*f?"(?:\{_PREFIX\})?([A-Z_]+)"', code))
    read_names |= {f"TEST_{name}" for name in re.findall(r'f"\{_PREFIX\}([A-Z_]+)"', code)}
    assert documented - read_names == set()


def test_no_variable_is_documented_twice():
    documented = re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE)
    assert sorted(documented) == sorted(set(documented))


def test_operations_names_only_variables_that_are_documented():
    documented = set(re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    table = set(re.findall(r"`([A-Z][A-Z_]{4,})(?:=\d)?`", read("docs/operations.md")))
    assert table - documented == {"SIGTERM"} & table


def test_the_lists_are_those_of_the_catalog_and_the_tables_those_of_the_models():
    result = subprocess.run(
        [sys.executable, "manage.py", "catalog_docs", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_the_new_trigger_of_contributing_is_whole_and_fits_the_tree():
    diffs = [body for kind, body in FENCE.findall(read("CONTRIBUTING.md")) if kind == "diff"]
    files = {name: text for diff in diffs for name, text in added(diff).items()}
    assert sorted(files) == [
        "appointments/automation/appointment_relocated.py",
        "appointments/tests/automation/test_appointment_relocated.py",
    ]
    for name, text in files.items():
        ast.parse(text)
        assert not (ROOT / name).exists(), f"{name} exists by now: take another example"
        assert (ROOT / name).parent.is_dir()
    tables = next(body for body in diffs if "+++ b/automations/tests/transitions.py" in body)
    [removed] = re.findall(r"^-(?!--)(.*)$", tables, re.MULTILINE)
    assert removed + "\n" in read("automations/tests/transitions.py")


def test_the_new_trigger_of_contributing_works():
    diff = next(body for kind, body in FENCE.findall(read("CONTRIBUTING.md")) if kind == "diff")
    source = added(diff)["appointments/automation/appointment_relocated.py"]
    from clinic.changes import Change

    space: dict[str, object] = {"__name__": "tried"}
    exec(source.replace("@register\n", ""), space)
    trigger = space["AppointmentRelocated"]()  # type: ignore[operator]
    told = {
        "model": "",
        "instance": None,
        "at": None,
        "occurred_at": None,
        "muted": "",
        "origin": "",
        "caused_by_id": None,
    }

    def moved(status: str, **new: str) -> Change:
        before = {"location": "Room 2", "status": status}
        return Change(created=False, old=before, new={**before, **new}, **told)

    assert trigger.fires(moved("booked", location="Room 3")) is True
    assert trigger.fires(moved("completed", location="Room 3")) is False
    assert trigger.fires(moved("booked")) is False


@pytest.mark.parametrize("name", [*NAMES, ".env.example", "compose.yaml", "Dockerfile", "Makefile"])
def test_nothing_speaks_of_one_machine_or_of_unfinished_text(name):
    text = read(name)
    found = re.findall(r"/(?:work|home|root|Users|tmp)/\S*|\b(?:TODO|TBD|FIXME|XXX|lorem)\b", text)
    assert found == []
    assert re.findall(r"pypi\.org|--index-url|--extra-index-url", text) == []


def test_the_readme_has_a_place_for_the_figures():
    before, _, rest = read("README.md").partition("<!-- bench -->\n")
    figures, end, _after = rest.partition("<!-- /bench -->")
    assert before
    assert end
    assert figures.strip()
