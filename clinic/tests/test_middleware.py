"""What no request may carry."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    ["/admin/appointments/appointment/?status__exact=%00", "/admin/patients/patient/?q=a%00b"],
)
def test_an_address_with_a_nul_is_refused_in_words(as_admin, address):
    response = as_admin.get(address)
    assert response.status_code == 400
    assert response.content.decode() == "This address holds a NUL character, which nothing here is named with."


def test_any_other_address_is_let_through(as_admin):
    assert as_admin.get("/admin/appointments/appointment/?status__exact=%01").status_code in (200, 302)
