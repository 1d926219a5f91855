"""What the documentation says of the API is what the API says of itself."""

from __future__ import annotations

import re

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


def test_the_first_page_says_how_to_begin_and_where_the_server_is():
    drawn = document()
    told = drawn["info"]["description"]
    for word in (
        "apitoken create", "GET automations/catalog/", "Idempotent-Replayed", "4xx is kept too", "?fire=true",
        "settings.stop_on", "6,000 requests", "Retry-After", "RFC 9457",
    ):  # fmt: skip
        assert word in told
    assert [one["url"] for one in drawn["servers"]] == ["/"]


def headers_of(path, method, status):
    return set(document()["paths"][f"/api/v1/{path}"][method]["responses"][status].get("headers", {}))


def test_what_is_read_and_sent_in_headers_is_described():
    paths = document()["paths"]
    sent = {
        (path.removeprefix("/api/v1/"), method): {
            one["name"]: one.get("required", False) for one in operation.get("parameters", []) if one["in"] == "header"
        }
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert all(("Idempotency-Key" in names) is (method == "post") for (_path, method), names in sent.items())
    matching = {key: names["If-Match"] for key, names in sent.items() if "If-Match" in names}
    rule = "automations/rules/{id}/"
    assert matching == {
        (rule, "patch"): True,
        (rule, "delete"): False,
        **{(f"{rule}{verb}/", "post"): False for verb in ("publish", "pause", "resume")},
    }
    assert headers_of(rule, "get", "200") == {"ETag"}
    assert headers_of(rule, "patch", "200") == {"ETag"}
    assert headers_of("automations/rules/", "post", "201") == {"ETag", "Idempotent-Replayed"}
    assert headers_of("automations/recipes/{slug}/install/", "post", "201") == {"ETag", "Idempotent-Replayed"}
    assert headers_of("patients/", "post", "201") == {"Idempotent-Replayed"}
    assert headers_of("patients/", "get", "200") == set()
    answers = document()["components"]["responses"]
    waiting = {name for name, one in answers.items() if "Retry-After" in one.get("headers", {})}
    assert waiting == {"Problem429", "Problem503"}


def test_each_operation_says_which_scope_a_token_needs():
    scopes = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            [scope] = next(one["token"] for one in operation["security"] if "token" in one)
            assert operation["description"].endswith(f"A token needs the scope `{scope}`.")
            scopes[path.removeprefix("/api/v1/"), method] = scope
    assert scopes["patients/", "get"] == "read"
    assert scopes["patients/", "post"] == "write"
    assert scopes["automations/rules/{id}/publish/", "post"] == "rules"
    assert scopes["automations/rules/{id}/dry-run/", "post"] == "read"
    assert scopes["automations/events/", "post"] == "events"


def test_a_schema_of_anything_is_no_choice_between_anything_and_null():
    """With oneOf, null would be both, and so neither."""

    def choices(part):
        if isinstance(part, dict):
            yield from [part["oneOf"]] if "oneOf" in part else []
            part = list(part.values())
        if isinstance(part, list):
            for one in part:
                yield from choices(one)

    assert [one for one in choices(document()) if {} in one] == []
    schemas = document()["components"]["schemas"]
    assert set(schemas["Step"]["properties"]["result"]) == {"description"}


def test_the_schema_of_a_named_event_and_of_a_slug_says_what_is_refused():
    schemas = document()["components"]["schemas"]
    event = schemas["NamedEventBody"]["properties"]
    assert (event["name"]["maxLength"], event["data"]["type"]) == (60, "object")
    assert re.search(event["name"]["pattern"], "wearable.off")
    assert not re.search(event["name"]["pattern"], "Wearable")
    slugs = [schemas[name]["properties"]["slug"] for name in ("RuleWrite", "SegmentBody", "FormTemplateBody")]
    slugs += [schemas[name]["properties"]["slug"] for name in ("ServiceBody", "ProgramBody", "MessageTemplateBody")]
    for slug in slugs:
        for good in ("a", "a-1", "1-a", "1a", "visit_2", "2026-11"):
            assert re.search(slug["pattern"], good), (slug, good)
        for bad in ("", "17", "a b", "ă"):
            assert not re.search(slug["pattern"], bad), (slug, bad)
