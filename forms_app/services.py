"""The verbs of forms: every change of a template or a request goes through one of these."""

from forms_app.errors import FormInvalid
from forms_app.lifecycle import (
    about_moved,
    begin,
    cancel_open,
    decline,
    expire,
    save_draft,
    void,
    void_about,
    void_of_patients,
    withdraw,
)
from forms_app.overdue import note_overdue
from forms_app.paper import read_scan, record_paper
from forms_app.publishing import (
    archive_template,
    checked_wording,
    create_template,
    current_version,
    publish_template_version,
    restore_template,
    save_template_draft,
)
from forms_app.reminding import Asked, ask_and_tell, send_again
from forms_app.requesting import Requested, Wanted, request_form, request_forms
from forms_app.signing import amend, content_hash, is_intact, sign, who_may_sign
from forms_app.witnessing import InPerson, checked_scan

__all__ = [
    "Asked",
    "FormInvalid",
    "InPerson",
    "Requested",
    "Wanted",
    "about_moved",
    "amend",
    "archive_template",
    "ask_and_tell",
    "begin",
    "cancel_open",
    "checked_scan",
    "checked_wording",
    "content_hash",
    "create_template",
    "current_version",
    "decline",
    "expire",
    "is_intact",
    "note_overdue",
    "publish_template_version",
    "read_scan",
    "record_paper",
    "request_form",
    "request_forms",
    "restore_template",
    "save_draft",
    "save_template_draft",
    "send_again",
    "sign",
    "void",
    "void_about",
    "void_of_patients",
    "who_may_sign",
    "withdraw",
]
