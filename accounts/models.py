"""People: those who sign in, and those whom the public pages show."""

import hashlib
import unicodedata
from collections.abc import Iterable

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.places import COUNTRIES, PROVINCES, TIME_ZONES


def normalise_address(address: str) -> str:
    """The one spelling under which we keep and compare an e-mail address, without signs that nobody sees."""
    seen = "".join(sign for sign in address if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", seen).strip().lower()


def address_key(address: str) -> str:
    """Stands for an address where the address itself need not be stored."""
    return hashlib.sha256(normalise_address(address).encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        user = self.model(email=normalise_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_address(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an account; the e-mail address is the login."""

    email = models.EmailField(
        _("email address"), unique=True, error_messages={"unique": _("This address has an account.")}
    )
    legal_name = models.CharField(
        _("legal name"),
        max_length=120,
        blank=True,
        help_text=_("As on your licence or passport. Certificates print it."),
    )
    display_name = models.CharField(_("name to greet you with"), max_length=60, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=40, blank=True, choices=TIME_ZONES, help_text=_("Empty: the clinic's own.")
    )
    country = models.CharField(_("country"), max_length=2, blank=True, choices=COUNTRIES)
    province = models.CharField(
        _("province or state"),
        max_length=6,
        blank=True,
        choices=PROVINCES,
        help_text=_("For Canada and the United States."),
    )
    is_staff = models.BooleanField(
        _("staff"), default=False, help_text=_("May open this admin, as far as the groups allow.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Switch off instead of deleting."))
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Filled when a payment made the account; emptied for good at the first sign-in that proved the address.
    made_by_order = models.CharField(max_length=16, blank=True, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_account_per_address",
                violation_error_message=_("This address has an account."),
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def greeting_name(self) -> str:
        """How pages and mails address this person; may be empty."""
        return self.display_name or self.legal_name.partition(" ")[0]

    def save(self, *args, update_fields: Iterable[str] | None = None, **kwargs) -> None:
        self.email = normalise_address(self.email)
        super().save(*args, update_fields=update_fields, **kwargs)


class Person(models.Model):
    """The public face that instructors, authors and clinicians share."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    degree = models.CharField(max_length=80, blank=True, help_text=_("PhD, R.Psych."))
    title = models.CharField(max_length=120, blank=True, help_text=_("Registered psychologist"))
    bio = models.TextField(blank=True)
    photo = models.ImageField(upload_to="people/", blank=True)
    hue = models.PositiveSmallIntegerField(
        default=1, help_text=_("1 to 6: the colour behind the initials when there is no photo.")
    )
    user = models.OneToOneField(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="person")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(hue__range=(1, 6)),
                name="person_hue_from_1_to_6",
                violation_error_message=_("The colour is a number from 1 to 6."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        """Two letters for the round face: titles such as Dr. left out."""
        words = [word for word in self.name.split() if not word.endswith(".")]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words))
