from django.db import migrations

CREATE = """
CREATE TABLE clinic_clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ahead interval NOT NULL DEFAULT '0' CHECK (ahead >= '0')
);
INSERT INTO clinic_clock DEFAULT VALUES;
CREATE FUNCTION clinic_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT clock_timestamp() + (SELECT coalesce(max(ahead), '0') FROM public.clinic_clock) $$;
CREATE FUNCTION clinic_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME
       USING ERRCODE = 'insufficient_privilege'; END $$;
"""
DROP = """
DROP FUNCTION clinic_append_only();
DROP FUNCTION clinic_now();
DROP TABLE clinic_clock;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(CREATE, DROP)]
