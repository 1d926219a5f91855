"""The look of the admin; clinic.settings takes it in."""

from django.utils.translation import gettext_lazy as _

_SHADES = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")
_TEAL = (  # from 500 on a shade darker than is usual: white text on a button must be easy to read
    *("98.4% .014 180.7", "95.3% .051 180.8", "91% .096 180.4", "85.5% .138 181.1", "77.7% .152 181.9"),
    *("60% .118 184.7", "51.1% .096 186.4", "43.7% .078 188.2", "38.6% .063 188.4", "33% .055 190", "27.7% .046 192.5"),
)
UNFOLD = {
    "SITE_TITLE": _("Clinic automations"),
    "SITE_HEADER": _("Clinic automations"),
    "SITE_SYMBOL": "clinical_notes",
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {"primary": {shade: f"oklch({value})" for shade, value in zip(_SHADES, _TEAL, strict=True)}},
    "SIDEBAR": {"show_search": False, "navigation": "clinic.navigation.sidebar"},
}
