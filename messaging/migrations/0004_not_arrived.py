from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0003_push_subscriptions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["failed", "unknown"])),
                fields=["clinic", "-id"],
                name="delivery_not_arrived",
            ),
        ),
    ]
