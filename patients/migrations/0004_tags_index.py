import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0003_search"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="patient",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="patient_tags"),
        ),
    ]
