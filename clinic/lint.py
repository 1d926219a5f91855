"""Checks of our own that no linter knows: `python -m clinic.lint [PATH…]` prints what is wrong and exits with 1."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {".venv", ".local", "migrations", "node_modules"}


def sources(root: Path) -> Iterator[Path]:
    """Yield the Python files below `root` that are ours."""
    for path in sorted(root.rglob("*.py")):
        if not SKIPPED & set(path.relative_to(root).parts):
            yield path


def wide_locks(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that call `select_for_update` without `no_key=True`.

    A plain FOR UPDATE waits for every insert that refers to the row, and deadlocks with two of them.
    """
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "select_for_update"
        ):
            given = {keyword.arg: keyword.value for keyword in node.keywords}.get("no_key")
            if not (isinstance(given, ast.Constant) and given.value is True):
                yield node.lineno


def delayed_tasks(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that give a task an `eta` or a `countdown`, or retry it: what is due later is a row."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        keywords = {keyword.arg for keyword in node.keywords}
        if name in {"apply_async", "send_task", "signature", "s"} and keywords & {"eta", "countdown"}:
            yield node.lineno
        if name == "retry" and keywords & {"exc", "countdown", "eta", "max_retries"}:
            yield node.lineno


def foreign_imports(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that import anything but the standard library and the engine itself."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level > 1:  # `from ..models` leaves the engine; one dot stays in it
                yield node.lineno
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for name in names:
            if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("automations.engine"):
                yield node.lineno


PURE = ROOT / "automations" / "engine"
PURITY = "the engine imports the standard library alone: pass the value in, or move this out of automations/engine/"
RULES = {
    "select_for_update needs no_key=True: a plain FOR UPDATE deadlocks with foreign-key checks": wide_locks,
    "no eta, countdown or retry: keep what is due later as a row and let the tick find it": delayed_tasks,
}


def problems(path: Path) -> list[str]:
    """Return what is wrong in one file, as `path:line: remedy`."""
    tree = ast.parse(path.read_text(), filename=str(path))
    rules = RULES | ({PURITY: foreign_imports} if path.resolve().is_relative_to(PURE) else {})
    return [f"{path}:{line}: {text}" for text, rule in rules.items() for line in rule(tree)]


def main(arguments: list[str]) -> int:
    """Check the named files, or all."""
    found = [problem for path in (map(Path, arguments) if arguments else sources(ROOT)) for problem in problems(path)]
    for problem in found:
        sys.stdout.write(problem + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
