"""The catalogue: what is on offer at one moment, narrowed by filters that the address holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from courses.bundles import price_of_bundle
from courses.models import BundledCourse, Course, Lesson, Offer, Price, Topic
from courses.search import clean_query, matching

PAGE_SIZE = 24


@dataclass(frozen=True)
class Entry:
    """One offer as a card shows it, with everything that filters and sorting ask."""

    offer: Offer
    price: Price
    courses: tuple[Course, ...]  # the course itself, or those in the bundle
    is_bundle: bool
    has_preview: bool
    topics: frozenset[str] = frozenset()

    @property
    def audience(self) -> str:
        """For whom a course is; a bundle is for whomever its courses are for, and says none."""
        return "" if self.is_bundle else self.courses[0].audience

    @property
    def seconds(self) -> int:
        return sum(course.edition.seconds for course in self.courses if course.edition)

    @property
    def credits(self) -> Decimal:
        return sum((course.edition.credits for course in self.courses if course.edition), Decimal(0))


def entries_of(offers: "QuerySet[Offer]", *, at: datetime) -> list[Entry]:
    """``offers`` as cards, in their order, without topics. One query; two when there is a bundle among them."""
    free = Lesson.objects.filter(edition=OuterRef("course__edition"), is_preview=True)
    rows = list(offers.select_related("course__edition", "bundle").annotate(has_preview=Exists(free)))
    inside: dict[int, list[Course]] = {row.pk: [] for row in rows if not hasattr(row, "course")}
    if inside:
        for bundled in BundledCourse.objects.filter(bundle__in=inside).select_related("course__edition"):
            inside[bundled.bundle_id].append(bundled.course)
    return [
        Entry(
            offer=row,
            price=price_of_bundle(row.bundle, inside[row.pk], at=at) if row.pk in inside else row.price(at=at),
            courses=tuple(inside[row.pk]) if row.pk in inside else (row.course,),
            is_bundle=row.pk in inside,
            has_preview=row.has_preview,
        )
        for row in rows
    ]


def first_preview_of(course: Course) -> Lesson | None:
    """The free lesson that the course's picture leads to; a video if there is one. One query."""
    previews = Lesson.objects.filter(edition=course.edition_id, is_preview=True)
    return previews.order_by(F("kind").desc(), "position").first() if course.edition_id else None


# --- Filters -----------------------------------------------------------------------------------------------------------

HALF_AN_HOUR, TWO_HOURS = 30 * 60, 2 * 60 * 60

Test = Callable[[Entry], bool]

AUDIENCES: dict[str, Test] = {
    "public": lambda entry: any(course.audience == Course.Audience.PUBLIC for course in entry.courses),
    "professional": lambda entry: any(course.audience == Course.Audience.PROFESSIONAL for course in entry.courses),
}
LENGTHS: dict[str, Test] = {
    "short": lambda entry: entry.seconds < HALF_AN_HOUR,
    "medium": lambda entry: HALF_AN_HOUR <= entry.seconds <= TWO_HOURS,
    "long": lambda entry: entry.seconds > TWO_HOURS,
}
PRICES: dict[str, Test] = {
    "free": lambda entry: entry.price.cents == 0,
    "under-50": lambda entry: entry.price.cents < 50_00,
    "under-100": lambda entry: entry.price.cents < 100_00,
}
SORTS: dict[str, Callable[[Entry], float]] = {
    "newest": lambda entry: -entry.offer.published_at.timestamp() if entry.offer.published_at else 0,
    "price": lambda entry: entry.price.cents,
    "length": lambda entry: entry.seconds,
    "credits": lambda entry: -float(entry.credits),
}


@dataclass(frozen=True)
class Filters:
    """What the address asks for; whatever it says that is no choice of ours is left out."""

    q: str = ""
    audience: str = ""
    topics: tuple[str, ...] = ()
    credits: bool = False
    lengths: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    sale: bool = False
    sort: str = ""

    @classmethod
    def read(cls, query: QueryDict, topics: Iterable[str]) -> "Filters":
        """The filters in ``query``; ``topics`` are the slugs that exist."""
        return cls(
            q=clean_query(query.get("q", "")),
            audience=query.get("audience", "") if query.get("audience") in AUDIENCES else "",
            topics=_chosen(query, "topic", topics),
            credits=query.get("credits") == "1",
            lengths=_chosen(query, "length", LENGTHS),
            prices=_chosen(query, "price", PRICES),
            sale=query.get("sale") == "1",
            sort=query.get("sort", "") if query.get("sort") in SORTS else "",
        )

    @property
    def any(self) -> bool:
        """Whether anything narrows the catalogue; the order alone does not."""
        return replace(self, sort="") != Filters()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What the address says of them, without the order."""
        pairs = [("q", self.q), ("audience", self.audience)]
        pairs += [("topic", slug) for slug in self.topics]
        pairs += [("credits", "1" if self.credits else "")]
        pairs += [("length", name) for name in self.lengths]
        pairs += [("price", name) for name in self.prices]
        pairs += [("sale", "1" if self.sale else "")]
        return [(name, value) for name, value in pairs if value]

    def address(self) -> str:
        """The filters and the order as a query string, in one spelling: ``?audience=public&topic=sleep`` or nothing."""
        query = urlencode([*self.pairs, *([("sort", self.sort)] if self.sort else [])])
        return f"?{query}" if query else ""

    def tests(self) -> dict[str, Test]:
        """One test for each filter that is set, by its name."""
        tests: dict[str, Test] = {}
        if self.audience:
            tests["audience"] = AUDIENCES[self.audience]
        if self.topics:
            tests["topic"] = lambda entry: not entry.topics.isdisjoint(self.topics)
        if self.credits:
            tests["credits"] = _has_credits
        if self.lengths:
            tests["length"] = lambda entry: any(LENGTHS[name](entry) for name in self.lengths)
        if self.prices:
            tests["price"] = lambda entry: any(PRICES[name](entry) for name in self.prices)
        if self.sale:
            tests["sale"] = _on_sale
        return tests


def _chosen(query: QueryDict, name: str, choices: Iterable[str]) -> tuple[str, ...]:
    given = set(query.getlist(name))
    return tuple(choice for choice in choices if choice in given)


def _has_credits(entry: Entry) -> bool:
    return entry.credits > 0


def _on_sale(entry: Entry) -> bool:
    return entry.price.on_sale


# --- One page of the catalogue -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One box of the filter form: how many offers it would show, the other filters as they are."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Chip:
    """A filter that is set, with the address of the catalogue without it."""

    label: str
    address: str


@dataclass(frozen=True)
class Catalogue:
    filters: Filters
    entries: list[Entry]
    everything: int
    choices: dict[str, list[Choice]] = field(default_factory=dict)
    chips: list[Chip] = field(default_factory=list)

    @property
    def bundle_total(self) -> int:
        return sum(entry.is_bundle for entry in self.entries)

    @property
    def course_total(self) -> int:
        return len(self.entries) - self.bundle_total


def browse(query: QueryDict, *, at: datetime) -> Catalogue:
    """The visible offers that ``query`` asks for, in its order, with counts for every choice. Two queries, one more for bundles, two more for words."""
    visible = Offer.objects.visible(at=at)
    topic_names, everything = _with_topics(entries_of(visible, at=at))
    filters = Filters.read(query, topic_names)
    found = everything
    if filters.q:
        by_key = {entry.offer.pk: entry for entry in everything}
        found = [by_key[key] for key in matching(filters.q, visible) if key in by_key]

    tests = filters.tests()
    entries = [entry for entry in found if all(test(entry) for test in tests.values())]
    if filters.sort:
        entries.sort(key=SORTS[filters.sort])
    return Catalogue(
        filters=filters,
        entries=entries,
        everything=len(everything),
        choices=_choices(filters, found, topic_names),
        chips=_chips(filters, topic_names),
    )


def _with_topics(entries: list[Entry]) -> tuple[dict[str, str], list[Entry]]:
    """The names of all topics by slug, and ``entries`` knowing theirs; a bundle has what its courses have. One query."""
    names: dict[str, str] = {}
    topics_of: dict[int, set[str]] = {}
    for slug, name, course in Topic.objects.values_list("slug", "name", "courses"):
        names[slug] = name
        topics_of.setdefault(course, set()).add(slug)
    return names, [
        replace(entry, topics=frozenset().union(*(topics_of.get(course.pk, set()) for course in entry.courses)))
        for entry in entries
    ]


def _choices(filters: Filters, found: list[Entry], topic_names: dict[str, str]) -> dict[str, list[Choice]]:
    """The boxes of the form by the filter they belong to. A count looks at all other filters, not at its own."""

    def boxes(name: str, options: Iterable[tuple[str, str, Test]], chosen: Iterable[str]) -> list[Choice]:
        others = [test for other, test in filters.tests().items() if other != name]
        left = [entry for entry in found if all(test(entry) for test in others)]
        return [
            Choice(value, label, sum(1 for entry in left if test(entry)), value in chosen)
            for value, label, test in options
        ]

    anyone: list[tuple[str, str, Test]] = [("", _("Everyone"), lambda entry: True)]
    labels = _labels()
    return {
        "audience": boxes(
            "audience", anyone + [(value, labels[value], test) for value, test in AUDIENCES.items()], [filters.audience]
        ),
        "topic": [
            choice
            for choice in boxes(
                "topic", [(slug, name, _about(slug)) for slug, name in topic_names.items()], filters.topics
            )
            if choice.count or choice.is_chosen
        ],
        "credits": [
            choice
            for choice in boxes("credits", [("1", labels["credits"], _has_credits)], ["1"] if filters.credits else [])
            if choice.count or choice.is_chosen
        ],
        "length": boxes("length", [(value, labels[value], test) for value, test in LENGTHS.items()], filters.lengths),
        "price": boxes("price", [(value, labels[value], test) for value, test in PRICES.items()], filters.prices),
        "sale": boxes("sale", [("1", labels["sale"], _on_sale)], ["1"] if filters.sale else []),
    }


def _about(slug: str) -> Test:
    return lambda entry: slug in entry.topics


def _labels() -> dict[str, str]:
    return {
        "public": _("The public"),
        "professional": _("Professionals"),
        "credits": _("With CE credit"),
        "short": _("Under 30 minutes"),
        "medium": _("30 minutes to 2 hours"),
        "long": _("Over 2 hours"),
        "free": _("Free"),
        "under-50": _("Under US$50"),
        "under-100": _("Under US$100"),
        "sale": _("On sale"),
    }


def _chips(filters: Filters, topic_names: dict[str, str]) -> list[Chip]:
    labels = _labels()
    chips = []
    if filters.q:
        chips.append(Chip(f"“{filters.q}”", replace(filters, q="").address()))
    if filters.audience:
        chips.append(Chip(labels[filters.audience], replace(filters, audience="").address()))
    for slug in filters.topics:
        chips.append(Chip(topic_names[slug], replace(filters, topics=_without(filters.topics, slug)).address()))
    if filters.credits:
        chips.append(Chip(labels["credits"], replace(filters, credits=False).address()))
    for name in filters.lengths:
        chips.append(Chip(labels[name], replace(filters, lengths=_without(filters.lengths, name)).address()))
    for name in filters.prices:
        chips.append(Chip(labels[name], replace(filters, prices=_without(filters.prices, name)).address()))
    if filters.sale:
        chips.append(Chip(labels["sale"], replace(filters, sale=False).address()))
    return chips


def _without(names: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != gone)
