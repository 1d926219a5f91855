import pytest
from django.db import connection


@pytest.mark.django_db
def test_tests_run_on_their_own_database_on_postgresql_18():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_database(), current_setting('server_version_num')::int / 10000, current_setting('fsync')"
        )
        name, version, fsync = cursor.fetchone()

    assert name.startswith("test_clinic_")
    assert version == 18
    assert fsync == "off"
