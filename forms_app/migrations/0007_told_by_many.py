import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

TO_MANY = """
ALTER TABLE forms_app_formrequest
    ALTER COLUMN told_by TYPE bigint[] USING CASE WHEN told_by IS NULL THEN '{}' ELSE ARRAY[told_by] END,
    ALTER COLUMN told_by SET NOT NULL
"""
TO_ONE = """
ALTER TABLE forms_app_formrequest
    ALTER COLUMN told_by DROP NOT NULL,
    ALTER COLUMN told_by TYPE bigint USING told_by[1]
"""


class Migration(migrations.Migration):

    dependencies = [
        ("forms_app", "0006_told_by"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="formrequest", name="form_request_told_by"),
        migrations.RunSQL(
            TO_MANY,
            TO_ONE,
            state_operations=[
                migrations.AlterField(
                    model_name="formrequest",
                    name="told_by",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, editable=False, size=None
                    ),
                )
            ],
        ),
        migrations.AddIndex(
            model_name="formrequest",
            index=django.contrib.postgres.indexes.GinIndex(fields=["told_by"], name="form_request_told_by", fastupdate=False),
        ),
    ]
