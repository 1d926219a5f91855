from django.db import migrations

LOOSE = "ALTER TABLE clinic_clock DROP CONSTRAINT clinic_clock_ahead_check"
STRICT = "ALTER TABLE clinic_clock ADD CONSTRAINT clinic_clock_ahead_check CHECK (ahead >= '0')"


class Migration(migrations.Migration):
    """Let the clock of a demo start in the past, so that its history is made by the engine."""

    dependencies = [("clinic", "0001_clock")]
    operations = [migrations.RunSQL(LOOSE, STRICT)]
