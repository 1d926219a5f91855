import django.db.models.deletion
from django.db import migrations, models

import clinic.clock
import clinic.db
from clinic.migration_operations import ClinicKeys

# Who tells of what is open: of what has not left, the step that was kept as telling; of what has, those that say so
# themselves; else a person.
# A message that no step queued was sent by a person, about all that is open.
FILL = """
INSERT INTO forms_app_formtelling (clinic_id, request_id, delivery_id, step_id, not_after)
SELECT f.clinic_id, f.id, d.id, s.id, s.not_after
  FROM forms_app_formrequest f
  JOIN automations_step s ON s.patient_id = f.patient_id AND s.action = 'require_form' AND s.state = 'done'
                         AND s.result->>'form_request' = f.id::text
  JOIN messaging_delivery d ON d.patient_id = f.patient_id AND s.result->'deliveries' ? d.id::text
 WHERE f.status IN ('required', 'in_progress')
   AND (f.told_by = s.id OR d.state NOT IN ('queued', 'retry', 'sending'));
INSERT INTO forms_app_formtelling (clinic_id, request_id, delivery_id, step_id, not_after)
SELECT f.clinic_id, f.id, f.message_id, f.told_by, s.not_after
  FROM forms_app_formrequest f LEFT JOIN automations_step s ON s.id = f.told_by
 WHERE f.status IN ('required', 'in_progress') AND f.message_id IS NOT NULL
   AND (f.told_by IS NULL OR s.id IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM forms_app_formtelling t WHERE t.request_id = f.id AND t.delivery_id = f.message_id);
INSERT INTO forms_app_formtelling (clinic_id, request_id, delivery_id)
SELECT f.clinic_id, f.id, d.id
  FROM messaging_delivery d JOIN forms_app_formrequest f ON f.patient_id = d.patient_id
 WHERE d.purpose = 'forms' AND d.source_step_id IS NULL AND d.state IN ('queued', 'retry', 'sending')
   AND f.status IN ('required', 'in_progress')
ON CONFLICT DO NOTHING;
"""
BACK = """
UPDATE forms_app_formrequest f
   SET told_by = (SELECT max(t.step_id) FROM forms_app_formtelling t JOIN messaging_delivery d ON d.id = t.delivery_id
                   WHERE t.request_id = f.id AND d.state IN ('queued', 'retry', 'sending'))
 WHERE f.status IN ('required', 'in_progress');
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
        migrations.RunSQL(FILL, BACK),
        ClinicKeys("FormTelling"),
        migrations.RemoveIndex(model_name="formrequest", name="form_request_told_by"),
        migrations.RemoveField(model_name="formrequest", name="told_by"),
    ]
