import django.db.models.deletion
from django.db import migrations, models

import clinic.clock
import clinic.db
from clinic.migration_operations import ClinicKeys

# Who tells of what is open: the steps that say so themselves, or, where none does, a person.
FILL = """
INSERT INTO forms_app_formtelling (clinic_id, request_id, delivery_id, step_id, not_after)
SELECT f.clinic_id, f.id, d.id, s.id, s.not_after
  FROM forms_app_formrequest f
  JOIN automations_step s ON s.patient_id = f.patient_id AND s.action = 'require_form' AND s.state = 'done'
                         AND s.result->>'form_request' = f.id::text
  JOIN messaging_delivery d ON d.patient_id = f.patient_id AND s.result->'deliveries' ? d.id::text
 WHERE f.status IN ('required', 'in_progress');
INSERT INTO forms_app_formtelling (clinic_id, request_id, delivery_id)
SELECT f.clinic_id, f.id, f.message_id
  FROM forms_app_formrequest f
 WHERE f.status IN ('required', 'in_progress') AND f.message_id IS NOT NULL
   AND (f.told_by IS NULL OR NOT EXISTS (SELECT 1 FROM forms_app_formtelling t WHERE t.request_id = f.id));
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_phone"),
        ("automations", "0004_step_version"),
        ("forms_app", "0006_told_by"),
        ("messaging", "0005_notification_not_after"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormTelling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(db_default=clinic.clock.ClinicNow(), editable=False)),
                ("not_after", models.DateTimeField(editable=False, null=True)),
                (
                    "clinic",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.clinic",
                    ),
                ),
                (
                    "delivery",
                    clinic.db.ClinicForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="form_tellings",
                        to="messaging.delivery",
                    ),
                ),
                (
                    "request",
                    clinic.db.ClinicForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tellings",
                        to="forms_app.formrequest",
                    ),
                ),
                (
                    "step",
                    clinic.db.ClinicForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="automations.step",
                    ),
                ),
            ],
            options={"verbose_name": "message about a form", "verbose_name_plural": "messages about forms"},
        ),
        migrations.AddConstraint(
            model_name="formtelling",
            constraint=models.UniqueConstraint(
                fields=("request", "delivery", "step"), name="form_told_once_a_step", nulls_distinct=False
            ),
        ),
        ClinicKeys("FormTelling"),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="formrequest", name="form_request_told_by"),
        migrations.RemoveField(model_name="formrequest", name="told_by"),
    ]
