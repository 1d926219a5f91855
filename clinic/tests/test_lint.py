"""Our own checks find what they look for."""

import ast

from clinic.lint import ROOT, delayed_tasks, foreign_imports, main, wide_locks


def test_a_lock_without_no_key_is_found():
    tree = ast.parse(
        "Patient.objects.select_for_update()\n"
        "Patient.objects.select_for_update(no_key=True, skip_locked=True)\n"
        "Patient.objects.select_for_update(skip_locked=True)\n"
        "Patient.objects.select_for_update(no_key=flag)\n"
    )
    assert list(wide_locks(tree)) == [1, 3, 4]


def test_a_delayed_or_retried_task_is_found():
    tree = ast.parse(
        "drain.apply_async(countdown=5)\ndrain.delay()\nself.retry(exc=error)\n"
        "step.retry(now)\napp.send_task('x', expires=5)\n"
    )
    assert list(delayed_tasks(tree)) == [1, 3]


def test_an_import_that_makes_the_engine_impure_is_found():
    tree = ast.parse(
        "import json, django\n"
        "from zoneinfo import ZoneInfo\n"
        "from automations.engine.values import Verdict\n"
        "from automations.models import Rule\n"
        "def inside():\n    import clinic.clock\n"
        "from .values import Verdict\n"
        "from ..models import Rule\n"
    )
    assert sorted(foreign_imports(tree)) == [1, 4, 6, 8]


def test_the_file_and_line_are_named(tmp_path, capsys):
    path = tmp_path / "bad.py"
    path.write_text("\nx.select_for_update()\n")

    assert main([str(path)]) == 1
    assert capsys.readouterr().out.startswith(f"{path}:2: select_for_update needs no_key=True")


def test_the_repository_is_clean(capsys):
    assert (ROOT / "manage.py").exists()
    assert main([]) == 0
    assert capsys.readouterr().out == ""
