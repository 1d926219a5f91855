"""The base of every endpoint: one clinic, one actor, one transaction, an answer that is one of those in the schema."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import viewsets
from rest_framework.exceptions import ErrorDetail, NotAuthenticated, UnsupportedMediaType
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.actor import Actor, acting_as
from accounts.api import idempotency, throttling
from accounts.api.authentication import BearerAuthentication, SessionAuthentication
from accounts.api.scopes import InScope, scope_of
from accounts.middleware import client_ip
from accounts.models import ApiToken, Clinic
from accounts.permissions import EVERYBODY, active_memberships, is_operator
from clinic.api import problems
from clinic.api.etags import refuse_if_match
from clinic.api.fields import id_of
from clinic.api.filters import FilterBackend, refuse_unknown
from clinic.api.pages import CursorPages
from clinic.api.parsers import JsonParser
from clinic.api.renderers import JsonRenderer
from clinic.changes import origin
from clinic.slugs import is_number

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


class ClinicView(GenericAPIView):
    """An endpoint of one clinic. `self.clinic` is the caller's; handlers make one service call.

    Class attributes that say how it differs: `read_scope`, `write_scope`, `action_scopes` (accounts.api.scopes),
    `read_roles`, `whole` (False: the handler commits by itself, as bulk does), `extra_params` (query parameters beside
    the filters), `gives_etag` (actions whose answer has an ETag), `if_match` (actions that take If-Match, and whether
    they need it).
    """

    authentication_classes = (BearerAuthentication, SessionAuthentication)
    permission_classes = (InScope,)
    parser_classes = (JsonParser,)
    renderer_classes = (JsonRenderer,)
    filter_backends: Any = (FilterBackend,)
    pagination_class: Any = CursorPages
    queryset: Any = None
    response: Any
    http_method_names = ("get", "head", "post", "put", "patch", "delete")
    read_roles: ClassVar[tuple[str, ...]] = EVERYBODY
    extra_params: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = True
    gives_etag: ClassVar[tuple[str, ...]] = ()
    if_match: ClassVar[dict[str, bool]] = {}
    clinic: Clinic

    # --- around the handler ---

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a request: find out who calls, call the handler in one transaction, turn refusals into problems."""
        self.args, self.kwargs = args, kwargs
        request = self.initialize_request(request, *args, **kwargs)
        self.request = request
        self.headers = self.default_response_headers
        with ExitStack() as self.stack:
            try:
                self.initial(request, *args, **kwargs)
                self.response = self._answer(request, *args, **kwargs)
            except Exception as error:
                self.response = self._finish(self.handle_exception(error))
        return self.response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Negotiate, authenticate, name the actor, and ask whether the caller may."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        self.clinic = self._find_clinic(request)
        throttling.check(request, self.clinic)
        self.check_permissions(request)
        if request.method in UNSAFE and getattr(self, "action", "") not in self.if_match:
            refuse_if_match(request)

    def _find_clinic(self, request: Request) -> Clinic:
        """Return the clinic that the request is about, and let the caller act there."""
        if isinstance(request.auth, ApiToken):
            token = request.auth
            actor = Actor("token", clinic_id=token.clinic_id, token_id=token.pk, ip=client_ip(request._request))
            self.stack.enter_context(acting_as(actor))
            self.stack.enter_context(origin("token"))
            clinic: Clinic = token.clinic
            return clinic
        if not request.user.is_authenticated:
            raise NotAuthenticated(_("Send “Authorization: Bearer <token>”."))
        return clinic_of_person(request)

    def _answer(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        handler = getattr(self, (request.method or "").lower(), self.http_method_not_allowed)

        def answer() -> HttpResponseBase:
            try:
                if not self.whole or request.method not in UNSAFE:
                    return self._finish(handler(request, *args, **kwargs))
                with transaction.atomic():
                    return self._finish(handler(request, *args, **kwargs))
            except Exception as error:
                return self._finish(self.handle_exception(error))

        key = idempotency.key_of(request) if request.method == "POST" else ""
        if not key:
            return answer()
        request.data  # noqa: B018 — reads the body, or raises what is wrong with it
        raw = request.parser_context.get("raw_body", b"")
        return idempotency.once(self.clinic, key, idempotency.fingerprint_of(request, raw), answer, whole=self.whole)

    def _finish(self, response: Any) -> HttpResponseBase:
        """Finalise and render, so that an answer can be kept."""
        final = self.finalize_response(self.request, response, *self.args, **self.kwargs)
        final["Cache-Control"] = "no-store"
        if hasattr(final, "render") and not final.is_rendered:
            final.render()
        return final

    def handle_exception(self, exc: Exception) -> Response:
        """Turn what was raised into a problem; nothing of a failed transaction stays."""
        if isinstance(exc, UnsupportedMediaType):
            kinds = {"right": self.parser_classes[0].media_type, "sent": str(self.request.content_type)[:60]}
            exc.detail = ErrorDetail(_("Send the body as %(right)s, not as %(sent)s.") % kinds, exc.default_code)
        challenge = self.get_authenticate_header(self.request)
        if getattr(exc, "status_code", None) == 401 and challenge:
            exc.auth_header = challenge  # type: ignore[attr-defined]
        answer = problems.exception_handler(exc, self.get_exception_handler_context())
        answer.exception = True
        return answer

    # --- for the handlers ---

    def scope_of(self, method: str) -> str:
        """Return the scope that a token needs for this method."""
        return scope_of(self, method)

    def get_serializer_context(self) -> dict[str, Any]:
        """Give serializers the clinic and its zone."""
        clinic = getattr(self, "clinic", None)
        return {
            "request": self.request,
            "view": self,
            "clinic": clinic,
            "zone": ZoneInfo(clinic.time_zone) if clinic is not None else None,
        }

    def body(self, serializer: type[Any], *, partial: bool = False) -> dict[str, Any]:
        """Read the request's body with a serializer, refusing every parameter in the address."""
        refuse_unknown(self.request, self.extra_params)
        form = serializer(data=self.request.data, partial=partial, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        return values

    def bodies(self, serializer: type[Any], *, most: int) -> list[dict[str, Any]]:
        """Read a body that is a list, of at most so many."""
        refuse_unknown(self.request, self.extra_params)
        form = serializer(data=self.request.data, many=True, max_length=most, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values: list[dict[str, Any]] = form.validated_data
        return values

    def shown(self, serializer: type[Any], rows: Any, *, many: bool = False, status: int = 200) -> Response:
        """Answer with a row (or rows) as a serializer shows it."""
        data = serializer(rows, many=many, context=self.get_serializer_context()).data
        return Response(data, status=status)


def clinic_of_person(request: Request) -> Clinic:
    """Return the clinic that a signed-in person means: the only one, or the one X-Clinic names."""
    slug = request.headers.get("X-Clinic", "")
    if is_operator(request.user):
        rows = Clinic.objects.filter(slug=slug) if slug else Clinic.objects.all()[:2]
        clinics = list(rows)
    else:
        clinics = list({one.clinic_id: one.clinic for one in active_memberships(request.user)}.values())
        clinics = [one for one in clinics if not slug or one.slug == slug]
    if len(clinics) == 1:
        return clinics[0]
    if slug:
        raise Http404(_("You work at no clinic of that name."))
    message = _("Name the clinic in the header X-Clinic.") if clinics else _("You work at no clinic.")
    status, code = (400, "clinic_needed") if clinics else (403, "forbidden")
    raise problems.ProblemError(status, message, code=code)


class ClinicViewSet(ClinicView, viewsets.GenericViewSet):
    """The endpoints of one kind of row.

    `answer` shows a row; `get_queryset` starts from the clinic's rows; `named_by_slug` lets paths name a row by slug as
    well. Where rows are a patient's records, looking at them is recorded (`audited_as`).
    """

    lookup_url_kwarg = "id"
    named_by_slug: ClassVar[bool] = False
    noun: ClassVar[str] = ""
    answer: ClassVar[type[Any]]
    orders: ClassVar[tuple[str, ...]] = ("-pk",)

    def get_serializer_class(self) -> type[Any]:
        """Show rows with `answer`."""
        return self.answer

    def rows(self) -> Any:
        """Return the clinic's rows with all that an answer shows."""
        return self.queryset.model.objects.for_clinic(self.clinic)

    def get_queryset(self) -> Any:
        """Return the clinic's rows; none while the schema is drawn."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.rows()

    def get_object(self) -> Any:
        """Return the row that the address names. Raises Http404, for another clinic's too."""
        name = self.kwargs["id"]
        rows = self.get_queryset()
        number = id_of(name)
        if number is not None:
            found = rows.filter(pk=number).first()
        else:
            named = self.named_by_slug and "\0" not in name and not is_number(name)
            found = rows.filter(slug=name).first() if named else None
        if found is None:
            raise Http404
        self.check_object_permissions(self.request, found)
        return found

    @property
    def shows_patients(self) -> bool:
        """Tell whether these rows are records of patients, so that looking at them is itself recorded."""
        model = self.queryset.model
        names = {field.name for field in model._meta.concrete_fields}
        return "patient" in names or model._meta.label == "patients.Patient"

    def note_read(self, row: Any) -> None:
        """Record that a patient's record was looked at."""
        if self.shows_patients:
            audit.record(f"{self.audit_noun}.read", obj=row)

    def note_listed(self, rows: list[Any]) -> None:
        """Record whose records a page showed."""
        if self.shows_patients:
            audit.listed(self.audit_noun, rows, clinic_id=self.clinic.pk)

    @property
    def audit_noun(self) -> str:
        """Return the word that entries of these rows begin with."""
        return self.noun or str(self.queryset.model._meta.model_name)

    def one(self, row: Any, *, status: int = 200) -> Response:
        """Answer with one row, read anew with what the answer needs."""
        fresh = self.get_queryset().get(pk=row.pk)
        response = self.shown(self.answer, fresh, status=status)
        if status == 201:
            response["Location"] = self.request.build_absolute_uri(f"{self.collection_path()}{row.pk}/")
        return response

    def collection_path(self) -> str:
        """Return the address of the list that this request's rows are in."""
        path: str = self.request.path
        name = self.kwargs.get("id")
        return path if name is None else path[: path.index(f"/{name}/") + 1]


class Lists:
    """`GET` of the collection."""

    def list(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the rows, a page at a time."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        self.note_listed(page)
        data = self.answer(page, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(data)


class Reads:
    """`GET` of one row."""

    def retrieve(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one row."""
        refuse_unknown(request)
        row = self.get_object()
        self.note_read(row)
        return self.shown(self.answer, row)
