"""What crosses the wire: form bodies in, JSON answers and Stripe-shaped errors out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

type Params = dict[str, "str | Params"]

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
STEP = re.compile(r"\[([^\[\]]*)\]")


class Refused(Exception):
    """An answer other than 200, in Stripe's words.

    ``stored`` tells whether an idempotency key remembers it: Stripe remembers what an endpoint
    said while executing, not that its parameters were unfit.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = False,
    ):
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.stored = stored

    def answer(self) -> "Answer":
        error = {"type": self.kind, "message": self.message}
        if self.code:
            error["code"] = self.code
        if self.param:
            error["param"] = self.param
        return Answer.json({"error": error}, status=self.status)


def no_such(kind: str, id_: str, *, param: str, status: int = 404) -> Refused:
    """The refusal for an id that names nothing."""
    return Refused(f"No such {kind}: '{id_}'", status=status, code="resource_missing", param=param)


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    # The connection is closed without a word, as when an answer is lost on its way.
    is_lost: bool = False
    wait: float = 0  # seconds before it leaves

    @classmethod
    def json(cls, value: object, *, status: int = 200) -> "Answer":
        return cls(json.dumps(value, indent=2).encode(), status=status)


LOST = Answer(b"", is_lost=True)


@dataclass(frozen=True)
class Request:
    id: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @cached_property
    def params(self) -> Params:
        """The parameters as sent: nested dictionaries of texts, lists as dictionaries of positions.

        :raises Refused: the body is no form, or its keys contradict each other.
        """
        if self.method != "POST":
            return decode_form(self.query)
        try:
            return decode_form(self.body.decode())
        except UnicodeDecodeError:
            raise Refused("The request body is not valid UTF-8.") from None


def decode_form(text: str) -> Params:
    """``a[b][0]=x`` as ``{"a": {"b": {"0": "x"}}}``.

    :raises Refused: a key is malformed, or used both as a value and as a group.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=2000)
    except ValueError:
        raise Refused("The request is not a well-formed form.") from None

    params: Params = {}
    for key, value in pairs:
        place(params, key, value)
    return params


def place(params: Params, key: str, value: str) -> None:
    match = KEY.fullmatch(key)
    if not match:
        raise Refused(f"Invalid parameter name: {key}", param=key)

    *groups, last = [match[1], *STEP.findall(match[2])]
    node = params
    for step in groups:
        inner = node.setdefault(step or str(len(node)), {})
        if not isinstance(inner, dict):
            raise Refused(f"Invalid {key}: it is both a value and a group.", param=key)
        node = inner
    last = last or str(len(node))
    if last in node:
        raise Refused(f"Duplicate parameter: {key}", param=key)
    node[last] = value
