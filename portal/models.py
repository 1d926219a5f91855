"""What the portal keeps: links that sign patients in, their sessions, who asked for a link, taps already counted."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import ClinicForeignKey, ClinicModel

CASCADE = models.CASCADE


class SignInLink(ClinicModel):
    """A link in a mail that signs in whoever reads that address, once and soon (portal/signing_in.py).

    Only the SHA-256 of its token is kept; `salt` and the site's key write it again. Its times are real time.
    """

    patient = ClinicForeignKey("patients.Patient", related_name="+")
    contact = ClinicForeignKey("patients.Contact", null=True, blank=True, related_name="+", on_delete=CASCADE)
    delivery = ClinicForeignKey("messaging.Delivery", related_name="sign_in_links")
    email = models.EmailField(_("email"))
    salt = models.CharField(max_length=32, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("sign-in link")
        verbose_name_plural = _("sign-in links")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"


class PatientSession(ClinicModel):
    """A browser in which somebody reads a patient's pages: the patient, or a contact of a child.

    It belongs to an address at a clinic; `patient` is empty until one of `several` with that address is chosen. Its
    times are real time, whatever the clinic's clock says.
    """

    email = models.EmailField(_("email"))
    patient = ClinicForeignKey("patients.Patient", null=True, blank=True, related_name="+")
    contact = ClinicForeignKey("patients.Contact", null=True, blank=True, related_name="+", on_delete=CASCADE)
    several = models.BooleanField(default=False, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("patient's session")
        verbose_name_plural = _("patients' sessions")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"


class SignInAsk(models.Model):
    """Somebody asked for a link: what tells the address from another one, where from, and when (real time)."""

    mark = models.CharField(max_length=16)
    ip = models.GenericIPAddressField(null=True)
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = _("request for a link")
        verbose_name_plural = _("requests for links")
        indexes = [
            models.Index(fields=["mark", "asked_at"], name="sign_in_ask_mark"),
            models.Index(fields=["ip", "asked_at"], name="sign_in_ask_ip"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"


class Tap(ClinicModel):
    """A page's form that logged a session: sent twice, it logs no second one."""

    patient = ClinicForeignKey("patients.Patient", db_index=False, related_name="+")
    key = models.CharField(max_length=64)
    session = ClinicForeignKey("treatments.ExerciseSession", related_name="+")

    class Meta:
        verbose_name = _("tap")
        verbose_name_plural = _("taps")
        constraints = [models.UniqueConstraint(fields=["patient", "key"], name="one_session_a_tap")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"
