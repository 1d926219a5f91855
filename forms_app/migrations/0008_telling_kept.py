from django.db import migrations, models

FILL = """
UPDATE forms_app_formtelling t SET category = 'survey'
  FROM forms_app_formrequest f JOIN forms_app_formtemplate k ON k.id = f.template_id, messaging_delivery d
 WHERE f.id = t.request_id AND k.kind = 'survey' AND d.id = t.delivery_id
   AND NOT (t.step_id IS NULL AND d.source_step_id IS NULL AND d.category = 'transactional');  -- a link that was asked for
UPDATE messaging_delivery d SET on_behalf_of = told.rules
  FROM (SELECT t.delivery_id,
               CASE WHEN bool_or(t.step_id IS NULL) THEN '{}' ELSE array_agg(DISTINCT s.rule_id) END AS rules
          FROM forms_app_formtelling t
          JOIN forms_app_formrequest f ON f.id = t.request_id AND f.status IN ('required', 'in_progress')
          LEFT JOIN automations_step s ON s.id = t.step_id
         GROUP BY t.delivery_id) told
 WHERE d.id = told.delivery_id AND d.state IN ('queued', 'retry', 'sending');
"""
BACK = "DELETE FROM forms_app_formtelling WHERE stopped_at IS NOT NULL"  # who was stopped had no line before


class Migration(migrations.Migration):
    dependencies = [
        ("automations", "0004_step_version"),
        ("forms_app", "0007_telling"),
        ("messaging", "0006_on_behalf_of"),
    ]

    operations = [
        migrations.AddField(
            model_name="formtelling",
            name="category",
            field=models.CharField(
                choices=[
                    ("transactional", "transactional"),
                    ("clinical", "clinical"),
                    ("survey", "survey"),
                    ("marketing", "marketing"),
                ],
                default="transactional",
                editable=False,
                max_length=20,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="formtelling",
            name="stopped_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunSQL(FILL, BACK),
    ]
