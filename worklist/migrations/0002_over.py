from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("worklist", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("status", "open"), _negated=True),
                fields=["clinic", "-finished_at", "-id"],
                name="task_over",
            ),
        ),
    ]
