"""What a person's browser posts from the rule editor, made from the page that it was shown."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from django.test import Client

ADD = "/admin/automations/rule/add/"
PARTS = ("trigger_config", "conditions", "actions")


def change(rule: Any) -> str:
    """Return the address of a rule's editor."""
    return f"/admin/automations/rule/{rule.pk}/change/"


def config_of(page: str, part: str) -> dict[str, Any]:
    """Return what the page gives django-jsonform for a part: schema, data, error map."""
    found = re.search(rf'name="{part}"[^>]*data-django-jsonform="([^"]*)"', page)
    assert found, f"The page has no part {part}."
    config = json.loads(html.unescape(found.group(1)))
    config["data"] = json.loads(config["data"])
    return config


def opened(client: Client, address: str) -> dict[str, Any]:
    """Open the editor and return its form as the browser would post it unchanged."""
    response = client.get(address)
    assert response.status_code == 200, response.status_code
    form = response.context["adminform"].form
    page = response.content.decode()
    posted: dict[str, Any] = {}
    for name, field in form.fields.items():
        if name in PARTS:
            posted[name] = json.dumps(config_of(page, name)["data"])
            continue
        value = form.get_initial_for_field(field, name)
        posted[name] = "" if value is None else value
        if name == "stop_on":
            posted[name] = [key for key, _label in field.choices if key in value]  # boxes post in the page's order
    return posted


def lines(posted: dict[str, Any], part: str) -> Any:
    """Return the posted data of a part."""
    return json.loads(posted[part])
