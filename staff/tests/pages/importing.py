"""What the tests of importing a spreadsheet by hand share."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from staff.models import Sheet
from staff.tests.sheets.files import PATIENTS

LIST = "/staff/imports/"


def send(client, content=PATIENTS, noun="patients", name="list.csv", **more):
    """Upload a file and return the answer."""
    raw = content if isinstance(content, bytes) else content.encode()
    return client.post(LIST, {"noun": noun, "file": SimpleUploadedFile(name, raw), **more})


def uploaded(client, *args, **kwargs):
    """Upload a file and return the spreadsheet."""
    answer = send(client, *args, **kwargs)
    assert answer.status_code == 302, answer.content.decode()
    return Sheet.objects.latest("pk")


def columns(sheet):
    """Return the form with the columns as they were guessed."""
    return {f"column-{at}": key for at, key in enumerate(sheet.columns)}


def checked(client, *args, **kwargs):
    """Upload a file, take the guessed columns, and return the checked spreadsheet."""
    sheet = uploaded(client, *args, **kwargs)
    answer = client.post(page(sheet), columns(sheet))
    assert answer.status_code == 302, answer.content.decode()
    sheet.refresh_from_db()
    return sheet


def page(sheet, name="sheet"):
    return reverse(f"staff:{name}", args=[sheet.pk])
