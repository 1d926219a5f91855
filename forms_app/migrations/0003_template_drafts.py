from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("forms_app", "0002_overdue_and_folded")]

    operations = [
        migrations.AddField(
            model_name="formtemplate",
            name="draft",
            field=models.JSONField(blank=True, default=dict, editable=False, verbose_name="draft"),
        ),
        migrations.AddField(
            model_name="formtemplate",
            name="external_id",
            field=models.CharField(blank=True, max_length=100, verbose_name="external id"),
        ),
        migrations.AddConstraint(
            model_name="formtemplate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("clinic", "external_id"),
                name="form_template_external_id",
            ),
        ),
    ]
