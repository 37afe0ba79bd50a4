"""Who we are to the service, and where it is. Secrets come in by standard input and go nowhere but to Google.

Credentials, in this order: what a QGIS authentication configuration holds, a service account's key file, the login that
the client library keeps. Another endpoint than Google's must be on this machine, and no stored login ever goes there:
a model file could otherwise send somebody's token anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, MissingExtraError
from ..foreign import json_in, text_in

GOOGLE = "https://earthengine.googleapis.com"
# The machine in Google's cloud that this runs on hands out its own login here; the question carries no secret.
METADATA = ("http://metadata.google.internal/", "http://169.254.169.254/")
SCOPE = "https://www.googleapis.com/auth/earthengine"
# What a destination needs beside; nothing is asked for that is not used.
MORE_SCOPES = {
    "drive": ("https://www.googleapis.com/auth/drive",),
    "cloudstorage": ("https://www.googleapis.com/auth/devstorage.full_control",),
}
# The whole of an address that may be used. Parsers differ in what they make of backslashes, blanks, '@', '%' and letters
# that only look like ASCII; before the first slash none of these can stand here, so that all of them see the same host.
_ADDRESS = re.compile(
    r"(?:https://(?P<google>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+googleapis\.com)(?::443)?"
    r"|http://(?P<local>127\.0\.0\.1|localhost|\[::1\])(?::(?P<port>[1-9][0-9]{0,4}))?)"
    r"(?P<path>/[!-\[\]-~]*)?",  # printable ASCII without the backslash
    re.ASCII | re.IGNORECASE,
)
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


@dataclass(frozen=True)
class Place:
    """Who answers at an address: one of Google's services, or a program on this machine.

    Parameters
    ----------
    origin : str
        Scheme, host and port, built from the parts that were recognised.
    is_local : bool
        Whether it is this machine.
    path : str
        What follows; '' for nothing.
    """

    origin: str
    is_local: bool
    path: str

    @classmethod
    def of(cls, address) -> Place | None:
        """The place of an address; None where it is anywhere else, or not plainly there."""
        found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if found is None or int(found["port"] or 80) > 65535:
            return None
        if found["google"]:
            return cls(f"https://{found['google'].lower()}", False, found["path"] or "")
        port = f":{found['port']}" if found["port"] else ""
        return cls(f"http://{found['local'].lower()}{port}", True, found["path"] or "")


def endpoint(given: str | None) -> str:
    """The service's address: Google's, another of Google's, or one on this machine.

    Raises
    ------
    InputError
        When it is any other, or not written plainly.
    """
    if not given:
        return GOOGLE
    place = Place.of(given)
    if place is None or place.path not in ("", "/"):
        raise InputError(f"ENDPOINT is {_shown(given)}; it may be https://....googleapis.com or on this machine (http://localhost:...).",
                         "Leave ENDPOINT empty.")  # fmt: skip
    return place.origin


def require_leave(uri: str, address: str, bare: bool = False) -> None:
    """Raise `InputError` unless a request may leave for `uri` while the service is at `address`.

    Asked once more for each request, whatever the client library made of the address: Google's services are spoken with
    by https only, and a service on this machine is never left.

    Parameters
    ----------
    bare : bool
        Whether the request carries neither a login nor a body.
    """
    place, service = Place.of(uri), Place.of(address)
    if place and service and place.is_local == service.is_local:
        return
    if bare and service and not service.is_local and uri.startswith(METADATA):
        return
    raise InputError(f"A request to {_shown(uri)} was stopped: the service is at {_shown(address)}, and logins go nowhere else.",
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
            text = text_in(key_file)
        except (OSError, ValueError):
            raise InputError(f"The key file {Path(key_file).name} cannot be read.", "Check KEY_FILE.") from None
        return _of_secret(text, scopes, address, "The key file")
    place = Place.of(address)
    if place is None or place.is_local:  # no stored login goes anywhere but to Google
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


def _require_fit(token_address, address: str, what: str) -> None:
    """A login of Google's goes to Google, one of this machine stays on it."""
    home, service = Place.of(token_address), Place.of(address)
    if home is None:
        raise InputError(f"{what} names {_shown(token_address)} as the place to log in; that is neither Google's nor on this machine.",
                         AGAIN)  # fmt: skip
    if service is None or home.is_local != service.is_local:
        raise InputError(f"{what} belongs to {_shown(home.origin)}, but ENDPOINT is {_shown(address)}.",
                         "Leave ENDPOINT empty, or give no account.")  # fmt: skip


def _shown(address) -> str:
    """An address as it may stand in a message: no secret before an '@' nor behind a '?', nothing that is not plain ASCII."""
    text = re.sub(r"//.*@", "//...@", str(address), flags=re.DOTALL).partition("?")[0]
    return ascii(text[:80])[1:-1]


def _stored():
    ee = client()
    try:
        return ee.data.get_persistent_credentials()
    except Exception:
        raise InputError("No account was found to use Earth Engine with.", AGAIN) from None


def _json(text: str) -> dict:
    try:
        content = json_in(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
