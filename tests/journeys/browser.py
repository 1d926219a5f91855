"""A plain browser without JavaScript: it keeps cookies, reads forms as they stand on the page, and posts them."""

from __future__ import annotations

from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, build_opener


class Forms(HTMLParser):
    """The forms of a page: for each, where it posts to, its filled-in fields, and the buttons it has."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._named: dict[str, Form] = {}
        self._form: Form | None = None
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag says about a form: the one around it, or the one that it names."""
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""))
            self.forms.append(self._form)
            self._named[given.get("id", "")] = self._form
            return
        form = self._named.get(given["form"]) if "form" in given else self._form
        if form is not None:
            self._control(form, tag, given)

    def _control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        kind = given.get("type", "text").lower()
        if (tag == "button" or kind == "submit") and name:
            form.buttons.append((name, value))
        elif tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            form.fields.append((name, value))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given and self._select:
            form.fields.append((self._select, value))
        elif tag == "textarea" and name:
            self._textarea = name
            form.fields.append((name, ""))

    def handle_data(self, data: str) -> None:
        """Take the text of a textarea."""
        if self._textarea and self._form is not None:
            name, text = self._form.fields.pop()
            self._form.fields.append((name, text + data))

    def handle_endtag(self, tag: str) -> None:
        """Close what was open."""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


class Form:
    """One form of a page."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []


class Browser:
    """One person's browser. `text` is the page that it shows, `url` its address, `status` how the server answered."""

    def __init__(self, base: str) -> None:
        self.base = self.url = base
        self.text = ""
        self.status = 0
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def open(self, address: str) -> Browser:
        """Go to an address."""
        return self._go(urljoin(self.url, address), None)

    def press(self, button: str, value: str | None = None, **fields: str) -> Browser:
        """Fill in fields of the form that has the button, leave the others as they stand, and press it."""
        parser = Forms()
        parser.feed(self.text)
        for form in parser.forms:
            pressed = next(((n, v) for n, v in form.buttons if n == button and value in (None, v)), None)
            if pressed is not None:
                kept = [(name, old) for name, old in form.fields if name not in fields]
                data = urlencode([*kept, *fields.items(), pressed]).encode()
                return self._go(urljoin(self.url, form.action or self.url), data)
        offered = [one for form in parser.forms for one in form.buttons]
        raise AssertionError(f"{self.url} has no button {button!r}; it has {offered}.")

    def sign_in(self, email: str, password: str) -> Browser:
        """Sign in, as a person would."""
        self.open("/accounts/login/")
        parser = Forms()
        parser.feed(self.text)
        form = next(form for form in parser.forms if any(name == "password" for name, _ in form.fields))
        kept = [(name, value) for name, value in form.fields if name not in ("login", "password")]
        data = urlencode([*kept, ("login", email), ("password", password)]).encode()
        return self._go(urljoin(self.url, form.action or self.url), data)

    def _go(self, url: str, data: bytes | None) -> Browser:
        try:
            with self._opener.open(url, data, timeout=30) as answer:
                self.status, self.url, self.text = answer.status, answer.url, answer.read().decode()
        except HTTPError as error:
            self.status, self.url, self.text = error.code, error.url or url, error.read().decode(errors="replace")
        return self
