from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0005_notification_not_after"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="on_behalf_of",
            field=ArrayField(base_field=models.BigIntegerField(), editable=False, null=True, size=None),
        ),
    ]
