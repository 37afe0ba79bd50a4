"""Accounts: which credentials go where, expiry and refusal, and a planted secret that appears nowhere."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine.helpers import call, double, engine, export, states
from phenofuse.core.earthengine import account, service
from phenofuse.core.errors import InputError

pytestmark = pytest.mark.usefixtures("hurried")
HERE, GOOGLE = "http://127.0.0.1:8123", account.GOOGLE
SECRET = "planted-secret-0123456789"


@pytest.fixture(scope="module")
def private_key():
    """A key made for this test alone."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*kinds).decode()


def service_account(private_key, token_uri) -> str:
    """The text of a service account's key file."""
    return json.dumps({"type": "service_account", "client_email": "robot@loop-back.iam.gserviceaccount.com",
                       "private_key_id": SECRET, "private_key": private_key, "token_uri": token_uri})  # fmt: skip


def login(token_uri) -> str:
    """The content of the client's own login file."""
    return json.dumps({"refresh_token": SECRET, "client_id": "id", "client_secret": SECRET + "-2", "token_uri": token_uri})


@pytest.mark.parametrize("given", ["http://example.org", "https://example.org", "http://127.0.0.1.example.org:80",
                                   "https://earthengine.googleapis.com.example.org", "http://earthengine.googleapis.com",
                                   "https://user@earthengine.googleapis.com", "ftp://127.0.0.1", "http://127.0.0.1/else"])  # fmt: skip
def test_endpoints_elsewhere_are_refused(given):
    """Only Google's over https, or this machine."""
    with pytest.raises(InputError, match="ENDPOINT is"):
        account.endpoint(given)


def test_endpoints_of_google_and_here_are_taken():
    """The usual one, the high-volume one, one on this machine."""
    assert account.endpoint("") == GOOGLE and account.endpoint(HERE + "/") == HERE
    assert account.endpoint("https://earthengine-highvolume.googleapis.com").endswith("googleapis.com")


@pytest.mark.parametrize("secret", ["Bearer ya29.token", login("https://oauth2.googleapis.com/token")])
def test_a_login_of_google_stays_with_google(secret):
    """Taken for Google's endpoint, refused for one on this machine; the message holds no secret."""
    assert account.credentials(secret, None, GOOGLE) is not None
    with pytest.raises(InputError, match="belongs to") as stop:
        account.credentials(secret, None, HERE)
    assert SECRET not in str(stop.value) and "ya29" not in str(stop.value)


def test_a_key_of_this_machine_stays_here(private_key):
    """A throw-away key signs for the double only; scopes are those that the destination needs."""
    key = service_account(private_key, HERE + "/token")
    with pytest.raises(InputError, match="belongs to http://127.0.0.1"):
        account.credentials(key, None, GOOGLE)
    assert tuple(account.credentials(key, None, HERE).scopes) == (account.SCOPE,)
    assert any("drive" in scope for scope in account.credentials(key, None, HERE, "drive").scopes)


@pytest.mark.parametrize("secret", ["two words", "{}", "[1]", '{"type": "service_account", "token_uri": "http://127.0.0.1/t"}'])
def test_what_is_no_login_is_said(secret):
    """One sentence, which quotes nothing of it."""
    with pytest.raises(InputError, match="holds n"):
        account.credentials(secret, None, HERE)


def test_no_stored_login_goes_to_this_machine(monkeypatch):
    """Without an account an endpoint here gets none; for Google the client's own login is asked for, and its lack is said."""
    monkeypatch.setattr(account, "_stored", lambda: pytest.fail("the stored login was touched"))
    assert account.credentials("", None, HERE) is None
    monkeypatch.undo()
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(InputError, match="No account was found"):
        account.credentials("", None, GOOGLE)


def test_an_expired_token_is_renewed(tmp_path, private_key):
    """The server refuses a token in the middle of the run: one new one is fetched and the run ends right."""
    with double() as found:
        key = tmp_path / "key.json"
        key.write_text(service_account(private_key, found.url + "/token"))
        found.faults.plant("computePixels", 401)
        export(call(found, tmp_path / "out", KEY_FILE=str(key), END_DATE="2023-11-13"))
        assert found.count("POST /token") == 2 and found.count("computePixels") == 2
        found.faults.plant("computePixels", 401, 100)
        with pytest.raises(service.ServiceError, match="401"):
            export(call(found, tmp_path / "never", KEY_FILE=str(key), END_DATE="2023-11-13"))
    assert states(tmp_path / "out") == ["DONE"] and states(tmp_path / "never") == ["DOWNLOADING"]
    assert [bearer for _, path, bearer, _ in found.log if "computePixels" in path][:2] == ["Bearer loop-1", "Bearer loop-2"]


def test_a_refused_login_stops_with_one_sentence(tmp_path, private_key):
    """``invalid_grant``: nothing failed for it, and nothing of the login is in the message."""
    with double() as found:
        found.faults.plant("POST /token", 400, 100, message="invalid_grant")
        with pytest.raises(service.ServiceError, match="refused the login") as stop:
            export(call(found, tmp_path / "out", END_DATE="2023-11-13"), credentials=login(found.url + "/token"))
    assert SECRET not in str(stop.value) and states(tmp_path / "out") == ["PLANNED"]


@pytest.mark.parametrize("fault", [None, 403, "html", 400])
def test_a_planted_secret_appears_nowhere(tmp_path, private_key, fault):
    """Neither in arguments, environment, output, log, ledger, reports, tiles nor rasters, whether the run goes well or not."""
    with double() as found:
        if fault:
            found.faults.plant("computePixels", fault, 3)
        secret = service_account(private_key, found.url + "/token")
        process = engine("exportcomposites", call(found, tmp_path / "out", END_DATE="2023-11-25", REPORT=str(tmp_path / "r.html")),
                         credentials=secret)  # fmt: skip
        seen = [Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ") if os.path.isdir("/proc")]
        deadline = time.monotonic() + 60
        while process.poll() is None and not found.count("POST /token") and time.monotonic() < deadline:
            time.sleep(0.01)
        said = process.stdout.read()
        process.wait(10)
        process.stdin.close(), process.stdout.close()
        assert found.count("POST /token") and found.count("value:compute")
    bearers = {bearer.removeprefix("Bearer ") for _, _, bearer, _ in found.log if bearer}
    key_line = private_key.splitlines()[5]
    written = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert bearers == {"loop-1"} and any(name.endswith(".sqlite") for name in written)
    for planted in (SECRET, key_line, "loop-1"):
        for name, content in {**written, "output": said.encode(), "process": b"".join(seen)}.items():
            assert planted.encode() not in content, f"{planted} in {name}"

