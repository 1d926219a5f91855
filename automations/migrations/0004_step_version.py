import django.db.models.deletion
from django.db import migrations

import clinic.db
from clinic.migration_operations import ClinicKeys


class Migration(migrations.Migration):
    dependencies = [("automations", "0003_dates_and_enrolments")]

    operations = [
        migrations.AddField(
            model_name="step",
            name="version",
            field=clinic.db.ClinicForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="automations.ruleversion",
            ),
        ),
        ClinicKeys("Step", references=["version"], unique=False),
    ]
