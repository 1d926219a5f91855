from django.db import migrations

MAKE = """
CREATE UNLOGGED TABLE clinic_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX clinic_cache_expires ON clinic_cache (expires);
"""


class Migration(migrations.Migration):
    """Make the table of Django's cache: what one web process noted, a code that was used, every other must know."""

    dependencies = [("clinic", "0002_clock_may_stand_behind")]
    operations = [migrations.RunSQL(MAKE, "DROP TABLE clinic_cache")]
