"""What the patient wants to be sent, and saying no to mails by one click (RFC 8058)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.actor import acting_as
from clinic.changes import origin
from clinic.languages import spoken
from clinic.pages import guarded
from messaging import unsubscribe
from patients.categories import Category, Channel
from patients.consents import preferences, set_consents
from patients.grants import features_of
from portal.frame import as_patient, page, show

WORDS = {
    Category.TRANSACTIONAL: (_("Visits and forms"), _("Reminders, changes of time, forms to fill in.")),
    Category.CLINICAL: (_("Your care"), _("Guides, summaries, your exercises.")),
    Category.SURVEY: (_("Surveys"), _("Questions about how you liked it.")),
    Category.MARKETING: (_("News"), _("Offers and news of the clinic.")),
}


@page(methods=("GET", "HEAD", "POST"))
def wishes(request: Any) -> HttpResponse:
    """Show what may be sent and on which way; take what was changed, and nothing else."""
    patient = request.reader.patient
    said = preferences(patient)
    if request.method == "POST":
        wanted = set(request.POST.getlist("way"))
        posted = {way: f"{way[0]}-{way[1]}" in wanted for way in said}
        changed = [way for way in said if posted[way] != said[way]]
        lines = [{"category": one[0], "channel": one[1], "granted": posted[one]} for one in changed]
        if lines:
            set_consents(patient, lines)
        return redirect(f"{reverse('portal:preferences')}?done=1")
    context = {"blocks": _blocks(said), "done": request.GET.get("done") == "1", "features": features_of(patient)}
    return show(request, "preferences", context)


def _blocks(said: dict[tuple[str, str], bool]) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            "help": text,
            "ways": [
                {"value": f"{category}-{channel}", "label": channel.label, "checked": said[(category, channel)]}
                for channel in Channel
            ],
        }
        for category, (title, text) in WORDS.items()
    ]


@csrf_exempt  # the mailbox's own button posts here, without any cookie; the link can do nothing but say no
@require_http_methods(["GET", "HEAD", "POST"])
def no_more(request: Any, token: str) -> HttpResponse:
    """Show a button; pressed here or in the mailbox, mails of this kind end."""
    unwanted = unsubscribe.read(token)
    if unwanted is None:
        return guarded(show(request, "nothing", status=404))
    patient = unwanted.patient
    done = request.method == "POST"
    if done:
        with acting_as(as_patient(request, patient.clinic_id, patient.pk)), origin("system"):
            unsubscribe.say_no(unwanted)
    with translation.override(spoken(patient.language, patient.clinic.language)):
        title, _text = WORDS[Category(unwanted.category)]
        context = {"clinic": patient.clinic, "title": title, "done": done}
        return guarded(show(request, "unsubscribe", context))


urlpatterns = [
    path("preferences/", wishes, name="preferences"),
    path("unsubscribe/<str:token>/", no_more, name="unsubscribe"),
]
