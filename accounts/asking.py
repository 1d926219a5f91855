"""Asking for the password, or a code, once more before what changes who gets in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _


def ask_again(request: Any) -> None:
    """Go on if the person gave it a moment ago; else lead them to where it is asked.

    What was posted waits in the session and goes on afterwards, but not if it holds a password: no session keeps one.
    """
    if not is_reauthentication_required(request, app=""):
        return
    if request.method != "POST" or not any("password" in name for name in request.POST):
        raise ReauthenticationRequired
    messages.warning(request, _("Nothing was saved: your own password comes first. Then fill in the form again."))
    where = {REDIRECT_FIELD_NAME: request.get_full_path()}
    raise ImmediateHttpResponse(HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{urlencode(where)}"))
