"""Addresses: what is not plainly Google's or this machine's hears nothing, not a byte, at any of the places that judge."""

from __future__ import annotations

import io
import json
import socket
import threading

import pytest

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine.helpers import call, double, export
from phenofuse.core.earthengine import account, service
from phenofuse.core.errors import InputError, PhenofuseError
from phenofuse.core.events import Silent

GOOGLE, HERE = account.GOOGLE, "http://127.0.0.1:8123"
TOKEN = "ya29.planted-token"
FORGED = [
    r"https://evil.com\.googleapis.com", r"https://evil.com\@earthengine.googleapis.com", r"https://evil.com\\.googleapis.com",
    r"https:\\evil.com/.googleapis.com", r"https:/\evil.com", "https://evil.com/.googleapis.com", "https://evil.com?.googleapis.com",
    "https://evil.com#.googleapis.com", "https://evil.com;.googleapis.com", "https://evil.com%2f.googleapis.com",
    "https://evil.com%5c.googleapis.com", "https://evil.com%00.googleapis.com", "https://evil.com\x00.googleapis.com",
    "https://evil.com\t.googleapis.com", "https://evil.com\n.googleapis.com", "https://evil.com\r\n.googleapis.com",
    "https://evil.com .googleapis.com", " https://earthengine.googleapis.com", "https://earthengine.googleapis.com\n",
    "https://earthengine.googleapis.com\u2028", "https://evil.com:443\\.googleapis.com", "https://evil.com:80#@earthengine.googleapis.com",
    "https://earthengine.googleapis.com@evil.com", "https://earthengine.googleapis.com:443@evil.com",
    "https://earthengine.googleapis.com:pass@evil.com", "https://who@earthengine.googleapis.com",
    "https://earthengine.googleapis.com.evil.com", "https://evilgoogleapis.com", "https://.googleapis.com", "https://googleapis.com",
    "https://a..googleapis.com", "https://earthengine.googleapis.com.", "https://earthengine.googleapis.com:444",
    "https://earthengine.googleapis.com:", "https://earthengine.googleapis.com:443:80", "https://earthengine.googleapis.com/v1/../..",
    "https://evil.com\uff0f.googleapis.com", "https://evil.com\u3002googleapis.com", "https://evil.com\u2044.googleapis.com",
    "https://evil.com\uff3c.googleapis.com", "https://evil.com\uff20earthengine.googleapis.com", "https://earthengine.google\uff41pis.com",
    "https://earthengine.googleapi\u017f.com", "https://earthengine.googleapis\u3002com", "https://\u0435arthengine.googleapis.com",
    "https://-evil.googleapis.com", "https://[evil.com].googleapis.com", "https://evil.com[.googleapis.com",
    "http://earthengine.googleapis.com", "HTTP://earthengine.googleapis.com",
    "ftp://earthengine.googleapis.com", "file://earthengine.googleapis.com", "//earthengine.googleapis.com",
    "earthengine.googleapis.com", "https:earthengine.googleapis.com",
    "https:///earthengine.googleapis.com", "javascript:https://earthengine.googleapis.com", "https+unix://a.googleapis.com",
    "http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://localhost@evil.com", "http://127.0.0.1@evil.com",
    "http://127.0.0.1:80@evil.com", "http://[::1]@evil.com", "http://[::1].evil.com", "http://evil.com@127.0.0.1",
    r"http://evil.com\@127.0.0.1", r"http://127.0.0.1\@evil.com", r"http://localhost\.evil.com", "http://127.0.0.1#@evil.com",
    "http://127.0.0.1?@evil.com", "http://127.0.0.1%2eevil.com", "http://127.0.0.1%00.evil.com", "http://2130706433", "http://0x7f000001",
    "http://0x7f.1", "http://0177.0.0.1", "http://127.1", "http://127.0.0.01", "http://0.0.0.0", "http://[::]", "http://[::ffff:127.0.0.1]",
    "http://[::1%25evil.com]", "http://[0:0:0:0:0:0:0:1]", "http://localhost.", "http://127.0.0.1.", "http://127.0.0.1:99999",
    "http://127.0.0.1:0", "http://127.0.0.1:080", "http://127.0.0.1:-1", "http://127.0.0.1:8a", "http://127.0.0.1:\u0661\u0662",
    "http://\u2460\u2461\u2466.0.0.1", "http://loc\uff41lhost", "http://\u2113ocalhost", "https://127.0.0.1", "http://127.0.0.1/else",
    "http://metadata.google.internal", "http://169.254.169.254", "http://evil.com", "https://evil.com", "evil.com", "https://", "http://",
]  # fmt: skip
PLAIN = ["https://earthengine.googleapis.com", "https://earthengine-highvolume.googleapis.com", "https://europe-earthengine.googleapis.com",
         "https://earthengine.mtls.googleapis.com", HERE, "http://localhost:80", "http://[::1]:8123"]  # fmt: skip


@pytest.fixture
def evil(monkeypatch):
    """A listening port that every name and number leads to; what it heard, and whether anybody came."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    heard = []

    def listen():
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            heard.append(b"somebody came")
            caller.settimeout(0.2)
            try:
                heard.append(caller.recv(1 << 16))
            except OSError:
                pass
            caller.close()

    threading.Thread(target=listen, daemon=True).start()
    place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield heard
    listener.close()


def of_token():
    """A login that is still good: the first request carries it."""
    from google.oauth2 import credentials

    return credentials.Credentials(TOKEN)


def test_the_listener_hears_what_comes(evil):
    """The trap works: any name leads to it, and what an unguarded client says is heard."""
    import requests

    for host in ("http://evil.com", r"http://evil.com\.googleapis.com"):
        with pytest.raises(requests.exceptions.RequestException):
            requests.get(host, headers={"Authorization": TOKEN}, timeout=5)
    assert sum(TOKEN.encode() in said for said in evil) == 2


@pytest.mark.parametrize("address", FORGED, ids=ascii)
def test_no_forged_address_is_taken(address):
    """Neither as ENDPOINT nor as the place to log in; a message quotes nothing that could be a password or a control character."""
    with pytest.raises(InputError, match="ENDPOINT is") as stop:
        account.endpoint(address)
    assert "pass" not in stop.value.text and stop.value.text.isprintable() and stop.value.text.isascii()
    if account.Place.of(address) is None:  # a path is right for a place to log in
        for where in (GOOGLE, HERE, address):
            with pytest.raises(InputError):
                account.credentials(json.dumps({"refresh_token": TOKEN, "token_uri": address}), None, where)


@pytest.mark.parametrize("address", PLAIN)
def test_plain_addresses_are_taken(address):
    """Google's of any region, and this machine; capitals, a last slash and the usual port change nothing."""
    assert account.endpoint(address) == account.endpoint(address.upper()) == account.endpoint(address + "/") == address
    if address.startswith("https"):
        assert account.endpoint(address + ":443") == address


@pytest.mark.parametrize("where", ["ENDPOINT", "client", "transport", "login"])
def test_no_forged_address_hears_a_byte(evil, tmp_path, where):
    """ENDPOINT of a run, the client library told a forged one, any request, and the place that renews a login."""
    from google.oauth2 import credentials

    for number, address in enumerate(FORGED):
        if where == "ENDPOINT":
            parameters = {"EXTENT": "430000,430400,9239600,9240000 [EPSG:32749]", "CRS": "EPSG:32749", "RESOLUTION": 10,
                          "START_DATE": "2023-11-01", "END_DATE": "2023-11-13", "PERIOD_DAYS": 12, "PROJECT": "one",
                          "FOLDER": str(tmp_path / str(number)), "ENDPOINT": address}  # fmt: skip
            with pytest.raises(PhenofuseError):
                export(parameters, credentials=TOKEN)
        elif account.Place.of(address) is not None:
            continue  # a path of Google's or of this machine: forged as ENDPOINT only
        elif where == "client":
            with pytest.raises(Exception):  # noqa: B017 (some are no address for the client library either)
                service.Service("one", address, of_token(), Silent(), service.Patience(tries=1))
        elif where == "transport":
            for home in (GOOGLE, HERE):
                with pytest.raises(InputError, match="was stopped"):
                    service.Transport(home, None).request(address + "/v1", headers={"Authorization": TOKEN})
        else:
            login = credentials.Credentials(None, refresh_token=TOKEN, token_uri=address, client_id="a", client_secret="b")
            with pytest.raises(InputError, match="was stopped"):
                service.Service("one", GOOGLE, login, Silent(), service.Patience(tries=1))
    assert evil == []


def test_only_a_question_without_a_secret_goes_to_the_machine_s_metadata():
    """In Google's cloud a machine asks there for its own login; neither a token nor a refresh token goes with it."""
    inside = "http://metadata.google.internal/computeMetadata/v1/instance/"
    account.require_leave(inside, GOOGLE, bare=True)
    for uri, home, bare in ((inside, GOOGLE, False), (inside, HERE, True), (inside.replace("al/", "al.evil.com/"), GOOGLE, True)):
        with pytest.raises(InputError, match="was stopped"):
            account.require_leave(uri, home, bare)


@pytest.mark.usefixtures("hurried")
def test_a_redirect_is_not_followed(tmp_path, monkeypatch):
    """An answer that sends the client elsewhere is a failure, and elsewhere hears nothing, even if redirects were on."""
    import requests

    elsewhere = "https://evil.com/"
    with pytest.raises(InputError, match="evil.com"):
        session = service.Transport(HERE, None)._session()
        answer = requests.Response()
        answer.status_code, answer.headers["location"] = 302, elsewhere
        answer.request = requests.Request("GET", HERE, headers={"Authorization": TOKEN}).prepare()
        answer.url, answer.raw = HERE, io.BytesIO()
        list(session.resolve_redirects(answer, answer.request))
    with double() as found:
        found.faults.plant("computePixels", 302, 100)
        with pytest.raises(service.ServiceError):
            export(call(found, tmp_path / "out", END_DATE="2023-11-13"))
