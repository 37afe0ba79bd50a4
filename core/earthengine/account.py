"""Who we are to the service, and where it is. Secrets come in by standard input and go nowhere but to Google.

Credentials, in this order: what a QGIS authentication configuration holds, a service account's key file, the login that
the client library keeps. Another endpoint than Google's must be on this machine, and no stored login ever goes there:
a model file could otherwise send somebody's token anywhere.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InputError, MissingExtraError

GOOGLE = "https://earthengine.googleapis.com"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SCOPE = "https://www.googleapis.com/auth/earthengine"
# What a destination needs beside; nothing is asked for that is not used.
MORE_SCOPES = {
    "drive": ("https://www.googleapis.com/auth/drive",),
    "cloudstorage": ("https://www.googleapis.com/auth/devstorage.full_control",),
}
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
AGAIN = "Choose an authentication configuration or a key file, or run 'earthengine authenticate' once in the engine's Python."


def client():
    """The client library.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    try:
        import ee
    except ImportError as missing:
        raise MissingExtraError(
            f"The engine's Python has no Earth Engine client ({missing}).",
            "Run 'Set up engine' (phenofuse:setupengine) with EXTRAS=earthengine.",
        ) from missing
    # The client would fetch a list of deprecated data sets from another host, without any deadline.
    ee.deprecation.deprecated_assets = ee.deprecation.deprecated_assets or {"none": None}
    return ee


def endpoint(given: str | None) -> str:
    """The service's address: Google's, another of Google's, or one on this machine.

    Raises
    ------
    InputError
        When it is any other.
    """
    if not given:
        return GOOGLE
    parts = urlsplit(given)
    google = parts.scheme == "https" and (parts.hostname or "").endswith(".googleapis.com")
    if (google or (parts.scheme == "http" and _is_local(given))) and not parts.username and parts.path in ("", "/"):
        return given.rstrip("/")
    raise InputError(f"ENDPOINT is {parts.scheme}://{parts.hostname}; it may be Google's or on this machine.",
                     "Leave ENDPOINT empty.")  # fmt: skip


def credentials(secret: str, key_file: str | None, address: str, destination: str = "download"):
    """What requests are signed with.

    Parameters
    ----------
    secret : str
        From QGIS: a service account's key, the client's own login (both JSON), or an access token; '' for none.
    key_file : str, optional
        Path of a service account's key.
    address : str
        As `endpoint` gives it.
    destination : str
        Decides the scopes that a service account asks for.

    Returns
    -------
    google.auth.credentials.Credentials or None
        None only for an endpoint on this machine.

    Raises
    ------
    InputError
        When there are none, they cannot be read, or they would leave for where they do not belong.
    """
    scopes = (SCOPE, *MORE_SCOPES.get(destination, ()))
    if secret:
        return _of_secret(secret, scopes, address, "The authentication configuration")
    if key_file:
        try:
            text = Path(key_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise InputError(f"The key file {Path(key_file).name} cannot be read.", "Check KEY_FILE.") from None
        return _of_secret(text, scopes, address, "The key file")
    if _is_local(address):
        return None
    return _stored()


def _of_secret(text: str, scopes: tuple, address: str, what: str):
    from google.oauth2 import credentials as tokens
    from google.oauth2 import service_account

    content = _json(text)
    try:
        if content.get("type") == "service_account":
            _require_fit(content.get("token_uri", ""), address, what)
            return service_account.Credentials.from_service_account_info(content, scopes=scopes)
        if content.get("refresh_token"):
            place = content.get("token_uri") or "https://oauth2.googleapis.com/token"
            _require_fit(place, address, what)
            return tokens.Credentials(None, refresh_token=content["refresh_token"], token_uri=place,
                                      client_id=content.get("client_id"), client_secret=content.get("client_secret"))  # fmt: skip
    except ValueError as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{what} holds no complete key of a service account.", AGAIN) from None  # the cause may quote it
    token = text.strip().removeprefix("Bearer").strip()
    if not TOKEN.fullmatch(token):
        raise InputError(f"{what} holds neither a service account's key nor a login nor an access token.", AGAIN)
    _require_fit(GOOGLE, address, what)
    return tokens.Credentials(token)


def _require_fit(token_address: str, address: str, what: str) -> None:
    """A login of Google's goes to Google, one of this machine stays on it."""
    google = urlsplit(token_address).scheme == "https" and (urlsplit(token_address).hostname or "").endswith(".googleapis.com")
    if google and not _is_local(address):
        return
    if _is_local(token_address) and _is_local(address):
        return
    raise InputError(f"{what} belongs to {urlsplit(token_address).hostname}, but ENDPOINT is {urlsplit(address).hostname}.",
                     "Leave ENDPOINT empty, or give no account.")  # fmt: skip


def _stored():
    ee = client()
    try:
        return ee.data.get_persistent_credentials()
    except Exception:
        raise InputError("No account was found to use Earth Engine with.", AGAIN) from None


def _json(text: str) -> dict:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _is_local(address: str) -> bool:
    return urlsplit(address).hostname in LOOPBACK
