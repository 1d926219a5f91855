import django.db.models.deletion
from django.db import migrations, models

import clinic.db
from clinic.migration_operations import ClinicKeys


class Migration(migrations.Migration):
    dependencies = [("automations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="occasion",
            field=models.CharField(blank=True, default="", max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="event",
            name="rule",
            field=clinic.db.ClinicForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="automations.rule",
                verbose_name="for rule",
            ),
        ),
        migrations.RemoveConstraint(model_name="event", name="one_event_a_transition"),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(
                fields=("trigger", "subject_type", "subject_id", "revision", "occasion"),
                name="one_event_a_transition",
            ),
        ),
        ClinicKeys("Event", references=["rule"], unique=False),
    ]
