"""What the documentation says of the API is what the API says of itself."""

from __future__ import annotations

from django.core.management import call_command
from django.urls import reverse

from clinic.api.docs import document
from clinic.management.commands.api_docs import PAGE, written


def test_the_list_of_endpoints_is_that_of_the_description():
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page
    call_command("api_docs", check=True)


def test_the_description_draws_every_endpoint_without_a_guess(capsys):
    document.cache_clear()
    document()
    told = capsys.readouterr().err
    assert [line for line in told.splitlines() if "Warning [" in line or "Error [" in line] == []


def test_every_operation_is_described_and_names_its_problems():
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), (method, path)
            assert {"401", "403", "404", "422", "429"} <= set(operation["responses"]), (method, path)


def test_the_page_needs_nothing_from_elsewhere(client):
    page = client.get(reverse("api-docs")).content.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "<style" not in page
    assert client.get(reverse("api-schema")).json()["openapi"].startswith("3.1")
