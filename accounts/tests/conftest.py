"""What the tests of accounts share."""

import pytest
from django.test import Client


@pytest.fixture
def client_factory():
    """Make a browser of its own."""
    return Client
