"""All settings, read top to bottom; values come from the environment (README.md has the table).

An empty environment is the demo: SQLite, in-process tasks, the sandbox Stripe, mail kept in the outbox.
Setting SECRET_KEY makes it a real site, on which nothing of the demo exists.
"""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.csp import CSP

from mail.server import mailer_from

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = Path(sys.argv[0]).name in {"pytest", "py.test"} or "pytest" in sys.modules

# Where a site without a database server and object storage keeps everything it owns.
VAR = Path(env("VAR", default=str(BASE_DIR / (".pytest_cache/var" if TESTING else "var")))).resolve()

# --- Demo or real ------------------------------------------------------------------------------------------------------

DEMO = env.bool("DEMO", default="SECRET_KEY" not in env.ENVIRON)
DEBUG = env.bool("DEBUG", default=False)


def _demo_secret_key() -> str:
    """A key of this demo's own, kept beside its data so that sign-ins survive a restart."""
    VAR.mkdir(parents=True, exist_ok=True)
    kept = VAR / "secret-key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(get_random_secret_key())
    return kept.read_text()


SECRET_KEY = env("SECRET_KEY", default="") or _demo_secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# Where gunicorn listens on this machine, unless BIND says something else.
PORT = env.int("PORT", default=8000)
# The address at which people reach the site; links in mail, canonical URLs and Stripe's return addresses start with it.
SITE_URL = env("SITE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=["127.0.0.1", "localhost", "[::1]"] if DEMO else [urlsplit(SITE_URL).hostname or "", "localhost"],
)
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- Apps --------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "clinic.apps.ClinicConfig",
    "clinic.apps.ClinicAdminConfig",
    "payments.apps.PaymentsConfig",
    "credits",
    "enrolments",
    "coupons.apps.CouponsConfig",
    "courses.apps.CoursesConfig",
    "accounts",
    "mail",
    "foundation.apps.FoundationConfig",
    "allauth",
    "allauth.account",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "rest_framework",
    "modelsearch",
]

MIDDLEWARE = [
    # First: what the others add to a page is kept with it.
    "foundation.page_cache.PageCacheMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.next_page.KeepNextMiddleware",
    "foundation.time_zone.LocalTimeMiddleware",
]

ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"

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
                "foundation.context.site",
                "clinic.small_print.small_print",
            ],
            "builtins": ["foundation.templatetags.foundation"],
        },
    },
]
FORM_RENDERER = "foundation.form_rendering.ClinicRenderer"

# --- Database, cache, tasks --------------------------------------------------------------------------------------------

if bool(env("DATABASE_URL", default="")) != bool(env("REDIS_URL", default="")):
    raise ImproperlyConfigured("DATABASE_URL and REDIS_URL come together or not at all.")

EMBEDDED = not env("DATABASE_URL", default="")
if EMBEDDED:
    VAR.mkdir(parents=True, exist_ok=True)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR / "clinic.sqlite3",
            # Opening the file anew for every request costs as much as some of the queries.
            "CONN_MAX_AGE": 60,
            "OPTIONS": {
                # DEFERRED, Django's default, fails at once when two transactions want to write.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
            },
        }
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 2000}}}
    CELERY_BROKER_URL = "memory://localhost/"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05}
else:
    DATABASES = {"default": env.db_url("DATABASE_URL")}
    # A socket's folder is written as postgres://user@%2Fvar%2Frun%2Fpostgresql/name, as libpq does.
    DATABASES["default"]["HOST"] = unquote(str(DATABASES["default"]["HOST"]))
    DATABASES["default"].setdefault("CONN_MAX_AGE", env.int("DATABASE_CONN_MAX_AGE", default=60))
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    CACHES = {
        "default": {
            "BACKEND": "foundation.forgiving_cache.ForgivingRedisCache",
            "LOCATION": env("REDIS_URL"),
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
        }
    }
    CELERY_BROKER_URL = env("REDIS_URL")
    # A task that a killed worker held is handed out again after this many seconds.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_connect_timeout": 2}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# How often mail and webhook events are looked for that no worker was told of.
SWEEP_SECONDS = env.int("SWEEP_SECONDS", default=60)
CELERY_BEAT_SCHEDULE = {
    "sweep-outbox": {"task": "mail.tasks.sweep_outbox", "schedule": SWEEP_SECONDS},
    "expire-orders": {"task": "payments.tasks.expire_orders", "schedule": 300},
    "sweep-webhooks": {"task": "payments.tasks.sweep_webhooks", "schedule": SWEEP_SECONDS},
    "reconcile-open": {"task": "payments.tasks.reconcile_open", "schedule": 600},
    "reconcile-events": {"task": "payments.tasks.reconcile_events", "schedule": 3600},
    "reconcile-day": {"task": "payments.tasks.reconcile_day", "schedule": crontab(hour=9, minute=15)},
    "purge-unpaid-orders": {"task": "payments.tasks.purge_unpaid_orders", "schedule": crontab(hour=10, minute=5)},
    "purge-failures": {"task": "foundation.tasks.purge_failures", "schedule": crontab(hour=10, minute=35)},
}

# --- Signing in --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "enrolments:learn"
LOGOUT_REDIRECT_URL = "clinic:home"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.PasswordSignInForm",
    "signup": "accounts.forms.SignUpForm",
    "request_login_code": "accounts.forms.RequestCodeForm",
    "confirm_login_code": "accounts.forms.SignInCodeForm",
    "confirm_email_verification_code": "accounts.forms.AddressCodeForm",
    "confirm_password_reset_code": "accounts.forms.ResetCodeForm",
    "reset_password": "accounts.forms.ForgottenPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "set_password": "accounts.forms.FirstPasswordForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "add_email": "accounts.forms.ChangeAddressForm",
    "reauthenticate": "accounts.forms.ProvePasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
# No star after the password: whoever leaves it empty signs in with mailed codes.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 900
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 900
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ALLAUTH_USER_CODE_FORMAT = {"length": 6, "dashed": True}
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True

SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on the way back from Stripe

# --- Mail --------------------------------------------------------------------------------------------------------------

MAILERS = {"default": mailer_from(env("MAIL_URL", default=""))}
DEFAULT_FROM_EMAIL = env("MAIL_FROM", default="Larkwater Clinic <courses@larkwater.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Payments ----------------------------------------------------------------------------------------------------------

STRIPE_SECRET_KEY = env("STRIPE_SECRET_KEY", default="sk_test_sandbox" if DEMO else "")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=["whsec_sandbox"] if DEMO else [])
# Follows PORT, so that several demos run side by side.
SANDBOX_PORT = env.int("SANDBOX_PORT", default=12111 + (PORT - 8000) % 50000)
# Only the sandbox is reached at an address of ours; a real site leaves this empty and the library goes to Stripe.
STRIPE_API_BASE = env("STRIPE_API_BASE", default=f"http://127.0.0.1:{SANDBOX_PORT}" if DEMO else "")
# Where the buyer's browser finds the sandbox's payment page, when that is another address than the site's own.
SANDBOX_PUBLIC_URL = env("SANDBOX_PUBLIC_URL", default=STRIPE_API_BASE if DEMO else "")
STRIPE_LIVE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
UNPAID_ORDERS_KEPT_DAYS = env.int("UNPAID_ORDERS_KEPT_DAYS", default=90)

# --- Files -------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(VAR / "static")))
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(VAR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# With a proxy that knows X-Accel-Redirect, the location (such as /protected/) under which it may read MEDIA_ROOT.
MEDIA_ACCEL_LOCATION = env("MEDIA_ACCEL_LOCATION", default="")
WHITENOISE_USE_FINDERS = DEBUG or TESTING
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# --- Search ------------------------------------------------------------------------------------------------------------

MODELSEARCH_BACKENDS = {"default": {"BACKEND": "modelsearch.backends.database"}}

# --- Time, language ----------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="America/Vancouver")  # the clinic's zone; the database holds UTC
DATE_FORMAT = "j F Y"

# --- Web security ------------------------------------------------------------------------------------------------------

_payment_pages = ["https://checkout.stripe.com"] + ([SANDBOX_PUBLIC_URL] if SANDBOX_PUBLIC_URL else [])
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "media-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    # A form that is answered with a redirect to the payment page counts as a form sent there.
    "form-action": [CSP.SELF, *_payment_pages],
}
_https = SITE_URL.startswith("https://")
# The site's own proxy is the only peer whose word on the scheme and the caller's address is taken.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31536000 if _https else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=_https)
SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
CSRF_FAILURE_VIEW = "foundation.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# /metrics answers callers from these networks, and others who bring the token.
METRICS_NETWORKS = env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"])
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# --- REST --------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "foundation.api.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

# --- Logging -----------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING" if TESTING else "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # Its debug and info lines carry request bodies with buyers' addresses.
        "stripe": {"level": "WARNING"},
        # One line for each row that the search index takes in says nothing to anybody.
        "django_tasks": {"level": "WARNING"},
        "celery": {"level": "WARNING" if EMBEDDED else "INFO"},
    },
}

# --- Tests -------------------------------------------------------------------------------------------------------------

if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    CELERY_TASK_ALWAYS_EAGER = True
    CELERY_TASK_EAGER_PROPAGATES = True
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
