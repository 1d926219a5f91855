"""Settings, read from the environment. `.env.example` names and explains each variable."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from clinic.embedded import Valkey
from clinic.logs import logging_config
from clinic.running import recorded
from clinic.servers import broker_url, database
from clinic.settings_accounts import *  # noqa: F403 - settings are read by name
from clinic.settings_admin import UNFOLD  # noqa: F401
from clinic.settings_api import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401
from clinic.settings_celery import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- which of the three lives this process leads -------------------------------------------------------------------

CLINIC_MODE = env.str("CLINIC_MODE", default="production" if env.str("DATABASE_URL", default="") else "demo")
if CLINIC_MODE not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"CLINIC_MODE is {CLINIC_MODE!r}; it must be demo, test or production.")
PRODUCTION = CLINIC_MODE == "production"
CLOCK_MAY_MOVE = not PRODUCTION

DEBUG = env.bool("DEBUG", default=False)
LOCAL_DIR = Path(env.str("CLINIC_LOCAL_DIR", default=str(BASE_DIR / ".local"))).resolve()
EMBEDDED_DIR = LOCAL_DIR / "test" if CLINIC_MODE == "test" else LOCAL_DIR
_PREFIX = "TEST_" if CLINIC_MODE == "test" else ""


def _kept_secret_key() -> str:
    """Return the key generated for the embedded default, the same at every start."""
    path = LOCAL_DIR / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        LOCAL_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
        return path.read_text().strip()


SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY is empty. In production give it 50 or more random characters.")
    SECRET_KEY = _kept_secret_key()

SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# A command beside a running demo uses the demo's own ports.
RUNNING = recorded(EMBEDDED_DIR) if CLINIC_MODE == "demo" else {}
PORT = env.int("PORT", default=RUNNING.get("port", 8000))
DEMO_DAYS = env.int("DEMO_DAYS", default=100)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- what is installed ---------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_jsonform",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "anymail",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "crispy_forms",
    "crispy_bootstrap5",
    "import_export",
    "clinic",
    "accounts",
    "patients",
    "worklist",
    "messaging",
    "forms_app",
    "appointments",
    "treatments",
    "automations",
    "segments",
    "portal",
    "staff",
    "fhir",
]

MIDDLEWARE = [
    "clinic.middleware.RefuseNul",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.KeptNowhere",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "accounts.middleware.StaffLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.sessions.SessionLimits",
    "accounts.middleware.ActorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "staff.tablet.TabletLock",
    "accounts.second_factor.RequireSecondFactor",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "staff.navigation.context",
            ],
        },
    },
]

CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- the database and the broker -----------------------------------------------------------------------------------

DATABASES = {
    "default": database(
        env.str(f"{_PREFIX}DATABASE_URL", default=""),
        embedded=EMBEDDED_DIR,
        fsync=CLINIC_MODE != "test",
        application_name=f"clinic-{CLINIC_MODE}",
    )
}
REDIS_URL = env.str(f"{_PREFIX}REDIS_URL", default="") or Valkey(EMBEDDED_DIR).database_url(0)

# Used codes and tries are counted across all web processes, and without the broker too.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "clinic_cache"}}

CELERY_BROKER_URL = broker_url(REDIS_URL)

# --- people --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "staff:home"
# A session ends after so long without a click, and after so long whatever is clicked.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_ABSOLUTE_HOURS = env.int("SESSION_ABSOLUTE_HOURS", default=12)
# How long the link of an invitation is good.
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)

# --- language and time ---------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ro", _("Romanian")), ("es", _("Spanish")), ("ar", _("Arabic"))]
STAFF_LANGUAGES = ["en", "ro"]  # whole in locale/; the others are those of the patients' pages and of messages alone
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files: served by this process, from this machine --------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None  # elsewhere the finders serve them from where they are
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# --- security ------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF if CLINIC_MODE == "demo" else NONE],  # the demo's page shows two of ours side by side
        "base-uri": [NONE],
    },
}
X_FRAME_OPTIONS = "SAMEORIGIN" if CLINIC_MODE == "demo" else "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]  # a probe inside the machine speaks plain HTTP
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Locking out after five wrong passwords or codes; clinic/settings_accounts.py has the rest.
AXES_ENABLED = env.bool("AXES_ENABLED", default=CLINIC_MODE != "test")

# --- email ---------------------------------------------------------------------------------------------------------

# `messaging.smtp` tells a message that left from one that did not, whatever breaks; django-anymail's backends work too.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="messaging.smtp.EmailBackend")
# The demo's own mailbox: `manage.py catch_mail` listens here and /mail/ shows what came. 0: there is none.
MAILCATCHER_PORT = env.int(
    "MAILCATCHER_PORT", default=RUNNING.get("mail_port", PORT + 25) if CLINIC_MODE == "demo" else 0
)
MAILCATCHER_DIR = Path(env.str("MAILCATCHER_DIR", default=str(EMBEDDED_DIR / "mail")))
EMAIL_HOST = env.str(f"{_PREFIX}EMAIL_HOST", default="")
# In tests nobody listens on the default: one that sends starts a server of its own.
EMAIL_PORT = env.int(
    f"{_PREFIX}EMAIL_PORT", default=9 if CLINIC_MODE == "test" else 25 if EMAIL_HOST else MAILCATCHER_PORT or 25
)
EMAIL_HOST = EMAIL_HOST or "127.0.0.1"
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="clinic@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
ANYMAIL = env.json("ANYMAIL", default={})
# Where the links in messages lead: the address that patients type.
PUBLIC_URL = env.str("PUBLIC_URL", default="" if PRODUCTION else f"http://127.0.0.1:{PORT}").rstrip("/")
if not PUBLIC_URL:
    raise ImproperlyConfigured(
        "PUBLIC_URL is empty. Give the address that patients reach, like https://clinic.example."
    )

# --- web push ------------------------------------------------------------------------------------------------------

# The key that signs (32 bytes, base64url); `manage.py vapid_key` makes one. Empty in production: no web push.
VAPID_PRIVATE_KEY = env.str("VAPID_PRIVATE_KEY", default="")
# Keys before it: browsers that subscribed with one of them are still served.
VAPID_OLD_PRIVATE_KEYS = env.list("VAPID_OLD_PRIVATE_KEYS", default=[])
# Whom a push service asks when something is wrong: mailto:… or https://…
VAPID_SUBJECT = env.str("VAPID_SUBJECT", default="")
# Whose addresses are taken from browsers; *.name is every host below it, * every public one.
PUSH_HOSTS = env.list(
    "PUSH_HOSTS",
    default=["fcm.googleapis.com", "*.push.services.mozilla.com", "*.notify.windows.com", "*.push.apple.com"]
    if PRODUCTION
    else ["*"],
)
PUSH_TIMEOUT = env.int("PUSH_TIMEOUT", default=10)

# How long a link to a form is good for.
FORM_LINK_DAYS = env.int("FORM_LINK_DAYS", default=30)

# --- the API -------------------------------------------------------------------------------------------------------

# Requests a minute; what a well-behaved client never notices.
API_RATE_PER_CALLER = env.int("API_RATE_PER_CALLER", default=6_000)
API_RATE_PER_CLINIC = env.int("API_RATE_PER_CLINIC", default=12_000)

# --- readiness and logs --------------------------------------------------------------------------------------------

# Work that is due and still waits after this long means that the workers are gone or drowning.
HEALTH_MAX_BACKLOG_SECONDS = env.int("HEALTH_MAX_BACKLOG_SECONDS", default=300)
LOGGING = logging_config(env.str("LOG_LEVEL", default="INFO"))
