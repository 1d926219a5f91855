"""What holds of every address of a patient's pages: a stranger finds nothing and changes nothing."""

from __future__ import annotations

from typing import Any

from accounts.models import AuditEntry


def assert_closed(client: Any, addresses: list[str], method: str = "get") -> None:
    """Assert that each address answers 404 without a name in it, and that nothing goes on record."""
    for address in addresses:
        response = getattr(client, method)(address)
        assert response.status_code == 404, address
        assert "Maria" not in response.content.decode()
    assert not AuditEntry.objects.filter(actor_kind="user").exists()
