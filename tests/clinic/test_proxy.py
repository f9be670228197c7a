"""nginx with proxy/site.conf.template in front of the site: what it keeps, what it never keeps, what it hides."""

import http.client
import os
import pwd
import re
import shutil
import ssl
import subprocess
from contextlib import closing
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from clinic.sample_clinic import LEARNER
from tests.stack import ROOT, NativeStack, answers, free_port

pytestmark = [pytest.mark.postgresql, pytest.mark.redis, pytest.mark.proxy]

COURSE = "/courses/undoing-depression/"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def kept(self) -> str | None:
        """What the proxy says of its page cache: HIT, MISS, EXPIRED, BYPASS."""
        return self.headers["X-Page-Cache"]


@dataclass
class Proxy:
    port: int
    http_port: int

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def ask(self, method: str, path: str, body: str | None = None, headers: dict | None = None) -> Answer:
        trusting = ssl._create_unverified_context()  # the certificate was made a moment ago
        connection = http.client.HTTPSConnection("localhost", self.port, context=trusting, timeout=10)
        with closing(connection):
            connection.request(method, path, body=body, headers={"Host": f"localhost:{self.port}"} | (headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def sign_in(self) -> str:
        """The Cookie header of the sample learner."""
        page = self.get("/accounts/login/")
        cookies = _cookies(page)
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
        form = {"login": LEARNER.email, "password": LEARNER.password, "csrfmiddlewaretoken": token[1].decode()}
        signed_in = self.ask(
            "POST", "/accounts/login/", urlencode(form),
            {
                "Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"https://localhost:{self.port}",
            },
        )  # fmt: skip
        assert signed_in.status == 302, signed_in.body[-2000:]
        return _cookies(signed_in)


def _cookies(answer: Answer) -> str:
    jar = SimpleCookie()
    for header in answer.headers.get_all("Set-Cookie") or []:
        jar.load(header)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())


def _nginx_configuration(folder: Path, values: dict[str, str]) -> Path:
    """The template filled in as the nginx image does it (only the names it is given), in a frame that runs as anybody."""
    template = (ROOT / "proxy" / "site.conf.template").read_text()
    site = re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1], name[0]), template)
    (folder / "site.conf").write_text(site)
    account = f"user {pwd.getpwuid(os.getuid()).pw_name};" if os.getuid() == 0 else ""
    frame = folder / "nginx.conf"
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    frame.write_text(
        f"{account} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} include {folder}/site.conf; }}\n"
    )
    return frame


@pytest.fixture(scope="module")
def proxy(native_stack: NativeStack, tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    folder = tmp_path_factory.mktemp("proxy")
    proxy = Proxy(port=free_port(), http_port=free_port())
    upstream = f"127.0.0.1:{free_port()}"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    configuration = _nginx_configuration(
        folder,
        {
            "SITE_HOST": "localhost", "UPSTREAM": upstream, "HTTP_PORT": str(proxy.http_port),
            "HTTPS_PORT": str(proxy.port), "CERTIFICATES": str(folder), "CACHE": str(folder / "cache"),
            "MEDIA_ROOT": native_stack.env["VAR"] + "/media",
        },
    )  # fmt: skip
    (folder / "cache").mkdir()
    native_stack.start(
        "web-behind-proxy",
        list(native_stack.processes["web"].args),
        BIND=upstream, SITE_URL=f"https://localhost:{proxy.port}", BEHIND_PROXY="1", WEB_WORKERS="1",
        MEDIA_ACCEL_LOCATION="/protected/", HSTS_SECONDS="60",
    )  # fmt: skip
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    native_stack.start("nginx", [str(nginx), "-e", str(folder / "error.log"), "-c", str(configuration)])
    native_stack.wait_until(lambda: answers(f"http://{upstream}/readyz"), "the site behind the proxy is ready")
    yield proxy
    native_stack.stop("nginx")
    native_stack.stop("web-behind-proxy")


def test_plain_http_is_sent_to_https(proxy):
    connection = http.client.HTTPConnection("localhost", proxy.http_port, timeout=10)
    with closing(connection):
        connection.request("GET", COURSE)
        answer = connection.getresponse()

    assert answer.status == 308
    assert answer.headers["Location"] == f"https://localhost{COURSE}"


def test_anonymous_page_is_kept_for_seconds(proxy):
    first, second = proxy.get(COURSE), proxy.get(COURSE)

    assert (first.status, second.kept) == (200, "HIT")
    assert first.body == second.body
    assert int(re.search(r"s-maxage=(\d+)", second.headers["Cache-Control"])[1]) <= 5


@pytest.mark.parametrize(
    "headers", [{"Cookie": "theme=dark"}, {"Accept-Encoding": "gzip"}], ids=["another theme", "another packing"]
)
def test_what_a_page_depends_on_has_a_place_of_its_own(proxy, headers):
    address = f"{COURSE}?of={urlencode(headers)}"
    plain = proxy.get(address)

    other = proxy.get(address, **headers)

    assert (plain.kept, other.kept) == ("MISS", "MISS")
    assert plain.body != other.body


def test_unknown_headers_do_not_fill_the_cache(proxy):
    proxy.get(COURSE)

    answer = proxy.get(
        COURSE, **{"Cookie": "seen=yes; theme=pink", "Accept-Encoding": "zstd, br;q=0.5", "Accept-Language": "fr"}
    )

    assert answer.kept == "HIT"


def test_a_page_with_a_code_is_never_kept(proxy):
    address = f"{COURSE}?coupon=changeways70"

    answers_to_two = [proxy.get(address), proxy.get(address)]

    assert [answer.kept for answer in answers_to_two] == ["BYPASS", "BYPASS"]
    assert "no-store" in answers_to_two[1].headers["Cache-Control"]


def test_somebody_with_a_session_gets_their_own_page(proxy):
    proxy.get("/courses/")
    cookie = proxy.sign_in()

    mine = proxy.get("/courses/", Cookie=cookie)
    everybodys = proxy.get("/courses/")

    assert mine.kept == "BYPASS"
    assert mine.body != everybodys.body


def test_an_answer_that_sets_a_cookie_is_never_kept(proxy):
    first, second = proxy.get("/accounts/login/"), proxy.get("/accounts/login/")

    assert first.headers["Set-Cookie"]
    assert second.kept == "MISS"
    assert _cookies(first) != _cookies(second)


def test_static_file_is_kept_and_says_so(proxy):
    address = re.search(rb'href="(/static/site\.[^"]+\.css)"', proxy.get("/").body)[1].decode()
    proxy.get(address)

    answer = proxy.get(address)

    assert answer.kept == "HIT"
    assert "immutable" in answer.headers["Cache-Control"]


def test_media_comes_from_the_proxy_with_ranges_to_whoever_may_have_it(proxy, native_stack):
    page = proxy.get(f"{COURSE}preview/welcome/")
    address = re.search(rb"/media/\d+/video\.mp4", page.body)[0].decode()

    part = proxy.get(address, Range="bytes=100-199")

    assert (part.status, len(part.body)) == (206, 100)
    assert part.headers["Content-Type"] == "video/mp4"
    assert "X-Accel-Redirect" not in part.headers


def test_nobody_reaches_the_media_folder_directly(proxy, native_stack):
    media = Path(native_stack.env["VAR"]) / "media"
    some_file = next(path for path in sorted(media.rglob("*")) if path.is_file())

    assert proxy.get(f"/protected/{some_file.relative_to(media)}").status == 404


def test_the_site_hears_the_callers_address_from_the_proxy_alone(proxy):
    claimed = proxy.get("/metrics", **{"X-Forwarded-For": "203.0.113.9"})

    # The caller is this machine, so the claim to be another one would have been refused.
    assert claimed.status == 200


def test_pages_carry_the_headers_of_a_safe_site(proxy):
    headers = proxy.get(COURSE).headers

    assert headers["Strict-Transport-Security"].startswith("max-age=60")
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "nginx"
