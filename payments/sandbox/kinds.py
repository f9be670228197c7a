"""The kinds of value a parameter may have. Each turns what was sent into a clean value or refuses it."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from .wire import Params, Refused

type Raw = str | Params
type Kind = Callable[[str, Raw], object]

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d+)?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def invalid(name: str, message: str, code: str | None = None) -> Refused:
    return Refused(message, param=name, code=code)


def one_text(name: str, raw: Raw) -> str:
    if not isinstance(raw, str):
        raise invalid(name, f"Invalid string: {name}")
    if raw == "":
        raise invalid(name, f"You passed an empty string for '{name}'.", "parameter_invalid_empty")
    return raw


def text(*, at_most: int = 5000) -> Callable[[str, Raw], str]:
    def clean(name: str, raw: Raw) -> str:
        value = one_text(name, raw)
        if len(value) > at_most:
            raise invalid(name, f"Invalid string: {name} must be at most {at_most} characters")
        return value

    return clean


def whole(*, at_least: int = 0, at_most: int = 99_999_999) -> Kind:
    def clean(name: str, raw: Raw) -> int:
        value = one_text(name, raw)
        if not re.fullmatch(r"-?[0-9]{1,12}", value):
            raise invalid(name, f"Invalid integer: {value}", "parameter_invalid_integer")
        number = int(value)
        if number < at_least:
            raise invalid(name, f"Invalid integer: {name} must be at least {at_least}", "parameter_invalid_integer")
        if number > at_most:
            raise invalid(name, f"Invalid integer: {name} must be at most {at_most}", "parameter_invalid_integer")
        return number

    return clean


def moment(name: str, raw: Raw) -> object:
    """Seconds since 1970, UTC."""
    return whole(at_most=99_999_999_999)(name, raw)


def flag(name: str, raw: Raw) -> bool:
    value = one_text(name, raw)
    if value not in {"true", "false"}:
        raise invalid(name, f"Invalid boolean: {value}")
    return value == "true"


def one_of(*choices: str) -> Kind:
    def clean(name: str, raw: Raw) -> str:
        value = one_text(name, raw)
        if value not in choices:
            raise invalid(name, f"Invalid {name}: must be one of {', '.join(choices)}")
        return value

    return clean


def currency(name: str, raw: Raw) -> str:
    value = one_text(name, raw).lower()
    if not re.fullmatch(r"[a-z]{3}", value):
        raise invalid(name, f"Invalid currency: {value}")
    return value


def email(name: str, raw: Raw) -> str:
    value = one_text(name, raw)
    if len(value) > 512 or not EMAIL.fullmatch(value):
        raise invalid(name, f"Invalid email address: {value}", "email_invalid")
    return value


def web_address(name: str, raw: Raw) -> str:
    value = one_text(name, raw)
    parts = urlsplit(value)
    has_odd_letters = len(value) > 5000 or any(letter.isspace() or not letter.isprintable() for letter in value)
    # The host is copied into a page's policy header, so it may hold nothing but a host and a port.
    if has_odd_letters or parts.scheme not in {"http", "https"} or not HOST.fullmatch(parts.netloc):
        raise invalid(name, "Not a valid URL", "url_invalid")
    return value


def metadata(name: str, raw: Raw) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise invalid(name, f"Invalid object: {name}")
    kept: dict[str, str] = {}
    for key, value in raw.items():
        if not isinstance(value, str):
            raise invalid(f"{name}[{key}]", "Metadata values must be strings.")
        if len(key) > 40:
            raise invalid(name, "Metadata keys can have up to 40 characters.")
        if len(value) > 500:
            raise invalid(f"{name}[{key}]", "Metadata values can have up to 500 characters.")
        # An empty value asks Stripe to forget the key.
        if value:
            kept[key] = value
    if len(kept) > 50:
        raise invalid(name, "Metadata can have up to 50 keys.")
    return kept


def list_of(kind: Kind, *, at_most: int = 100) -> Kind:
    def clean(name: str, raw: Raw) -> list:
        if not isinstance(raw, dict) or not all(key.isdecimal() for key in raw):
            raise invalid(name, f"Invalid array: {name}")
        if len(raw) > at_most:
            raise invalid(name, f"Array {name} exceeded maximum {at_most} allowed elements")
        return [kind(f"{name}[{position}]", raw[position]) for position in sorted(raw, key=int)]

    return clean


def fields(known: dict[str, Kind], *, required: Iterable[str] = ()) -> Callable[[str, Raw], dict]:
    """A group in which every key is known; what was not sent stays absent."""

    def clean(name: str, raw: Raw) -> dict:
        if not isinstance(raw, dict):
            raise invalid(name, f"Invalid object: {name}")

        def full(key: str) -> str:
            return f"{name}[{key}]" if name else key

        for key in raw:
            if key not in known:
                raise invalid(full(key), f"Received unknown parameter: {full(key)}", "parameter_unknown")
        for key in required:
            if key not in raw:
                raise invalid(full(key), f"Missing required param: {full(key)}.", "parameter_missing")
        return {key: known[key](full(key), value) for key, value in raw.items()}

    return clean


def created(name: str, raw: Raw) -> dict:
    """An exact moment, or bounds named gt, gte, lt and lte."""
    if isinstance(raw, str):
        return {"is": moment(name, raw)}
    return fields(dict.fromkeys(("gt", "gte", "lt", "lte"), moment))(name, raw)
