import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

import clinic.text
import patients.models
from clinic.text import fold

FOLDED = ("given_name", "family_name", "external_id")
BATCH = 2_000


def fold_stored(apps, schema_editor):
    """Fill the folded columns of the patients who are there already."""
    rows = apps.get_model("patients", "Patient").objects.order_by("pk").only("pk", *FOLDED)
    after = 0
    while batch := list(rows.filter(pk__gt=after)[:BATCH]):
        for row in batch:
            for name in FOLDED:
                setattr(row, f"{name}_folded", fold(getattr(row, name) or ""))
        rows.bulk_update(batch, [f"{name}_folded" for name in FOLDED])
        after = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_api_tokens"),
        ("patients", "0002_consents_grants_library"),
    ]

    operations = [
        TrigramExtension(),
        migrations.AddField(
            model_name="patient", name="external_id_folded", field=clinic.text.FoldedField("external_id")
        ),
        migrations.AddField(
            model_name="patient", name="family_name_folded", field=clinic.text.FoldedField("family_name")
        ),
        migrations.AddField(
            model_name="patient", name="given_name_folded", field=clinic.text.FoldedField("given_name")
        ),
        migrations.AddField(
            model_name="patient",
            name="searched",
            field=models.GeneratedField(
                db_persist=True, expression=patients.models.Searched(), output_field=models.TextField()
            ),
        ),
        migrations.RunPython(fold_stored, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="patient",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("searched", name="gin_trgm_ops"), name="patient_searched"
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["clinic", "family_name", "given_name", "id"], name="patient_by_name"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(
                models.F("clinic"), django.db.models.functions.text.Upper("email"), name="patient_by_email"
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["clinic", "birth_date"], name="patient_by_birth_date"),
        ),
    ]
