"""What kinds of messages there are and which ways they take, and what holds of them while nobody has said anything."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Category(models.TextChoices):
    """What a message is, and so which consent and which limits apply."""

    TRANSACTIONAL = "transactional", _("transactional")
    CLINICAL = "clinical", _("clinical")
    SURVEY = "survey", _("survey")
    MARKETING = "marketing", _("marketing")


class Channel(models.TextChoices):
    """The way that a message takes."""

    EMAIL = "email", _("email")
    PUSH = "push", _("push")
    IN_PLATFORM = "in_platform", _("inside the platform")


OPT_IN = (Category.MARKETING,)
"""Categories that need an explicit yes; the others leave until the person says no."""
EXPECTED = (Category.TRANSACTIONAL, Category.CLINICAL)
"""Categories that care depends on: never held back by a cap, and one that cannot arrive is the front desk's task."""
