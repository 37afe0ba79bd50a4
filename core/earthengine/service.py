"""Speaking with the service: every call has a deadline, failures are told apart, and only what may pass is repeated."""

from __future__ import annotations

import io
import json
import os
import random
import threading
import time
import urllib.request
from dataclasses import dataclass

import numpy as np

from ..errors import PhenofuseError
from . import account

SECONDS_TO_CONNECT = 10
SECONDS_OF_SILENCE = 60  # between two pieces of an answer
SECONDS_OF_ANSWER = 330  # the service itself ends an interactive request after 300
CHUNK = 1 << 20
SECONDS_BETWEEN_CHECKS = 0.1
QUOTA_STATUS = "x-earth-engine-quota-status"
RESTRICTED = ("The project has used up its computing time of this month: Earth Engine now serves it slowly. What is running goes on; "
              "a paid plan or the next month ends it.")  # fmt: skip
PIXELS = ":computePixels"  # the one call whose answer is no JSON
# Words of the service when a request is too much for it, and would not be in parts.
TOO_LARGE = ("memory limit", "too large", "total request size", "timed out", "too many pixels", "pixel grid dimensions")


@dataclass(frozen=True)
class Patience:
    """How often a call is repeated: full jitter between 0 and ``first * 2**n``, at most `longest` seconds."""

    tries: int = 8
    first: float = 2.0
    longest: float = 300.0

    def pause(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt (from 0)."""
        return random.uniform(0, min(self.longest, self.first * 2**attempt))


class ServiceError(PhenofuseError):
    """What the service would not do.

    `why` is one of: ``passing`` (may go by itself), ``too_large`` (may work in parts), ``denied`` (the account),
    ``missing`` (no such thing), ``quota`` (a limit of the project), ``refused`` (will never work).
    """

    kind = "service"

    def __init__(self, why: str, text: str, remedy: str = ""):
        super().__init__(text, remedy)
        self.why = why


REMEDIES = {
    "passing": "Run 'Continue export' (phenofuse:continueexport) later: nothing is lost and nothing is done twice.",
    "too_large": "Take a smaller area, larger pixels or shorter periods.",
    "denied": "Check that the account may use Earth Engine in this project, then run 'Continue export'.",
    "missing": "Check project and place, then run 'Continue export'.",
    "quota": "Wait until tasks have ended or free some room, then run 'Continue export'.",
    "refused": "Please report this with the log file.",
}


class Service:
    """One connection; its calls may come from several threads.

    Parameters
    ----------
    project : str
        Cloud project the requests count for.
    address : str
        As `account.endpoint` gives it.
    credentials : Credentials or None
    events : Events
        Asked while waiting whether to stop.
    patience : Patience
    """

    def __init__(self, project: str, address: str, credentials, events, patience: Patience | None = None):
        self.ee = account.client()
        self.project, self._events, self._patience = project, events, patience or Patience()
        self.calls = 0
        self.ee.Reset()  # even a login that failed stays with the client, and would go to the next address
        account.client()

        transport = Transport(address, lambda: events.warning(RESTRICTED))

        def connect():
            self.ee.Initialize(credentials=credentials, url=address, project=project, http_transport=transport)

        self.ee.data.setMaxRetries(0)  # its own pauses could not be interrupted
        self._patiently(connect)
        self.ee.data.setMaxRetries(0)

    def value(self, thing):
        """Evaluate a value, a list or a dictionary of them."""
        return self._patiently(lambda: self.ee.data.computeValue(self.ee.Dictionary(thing) if isinstance(thing, dict) else thing))

    def pixels(self, image, crs: str, transform: tuple, width: int, height: int, bands: tuple) -> np.ndarray:
        """Fetch pixels of a grid.

        Returns
        -------
        ndarray, (bands, height, width), float32

        Raises
        ------
        ServiceError
            `why` is ``too_large`` where a part of it may work.
        """
        a, b, c, d, e, f = transform
        request = {
            "expression": image, "fileFormat": "NPY",
            "grid": {"dimensions": {"width": width, "height": height}, "crsCode": crs,
                     "affineTransform": {"scaleX": a, "shearX": b, "translateX": c, "shearY": d, "scaleY": e, "translateY": f}},
        }  # fmt: skip
        return self._patiently(lambda: decoded(self.ee.data.computePixels(request), bands, height, width))

    def export(self, request_id: str, config: dict) -> dict:
        """Start a task; the same `request_id` never starts a second one."""
        return self._patiently(lambda: self.ee.data.exportImage(request_id, dict(config)))

    def operations(self) -> list:
        """All tasks of the project that the service still knows."""
        return self._patiently(self.ee.data.listOperations)

    def operation(self, name: str) -> dict:
        """One task."""
        return self._patiently(lambda: self.ee.data.getOperation(name))

    def cancel(self, name: str) -> None:
        """Ask the service to end a task."""
        self._patiently(lambda: self.ee.data.cancelOperation(name))

    def has_asset(self, name: str) -> bool:
        """Whether there is such an asset."""
        try:
            self._patiently(lambda: self.ee.data.getAsset(name))
        except ServiceError as problem:
            if problem.why == "missing":
                return False
            raise
        return True

    def asset_room(self) -> tuple:
        """How many more assets, and how many more bytes of them, the project may hold."""
        quota = self._patiently(lambda: self.ee.data.getAssetRootQuota(f"projects/{self.project}/assets"))
        count, size = quota["asset_count"], quota["asset_size"]
        return count["limit"] - count["usage"], size["limit"] - size["usage"]

    def wait(self, seconds: float) -> None:
        """Sleep, and wake to stop when the user wants."""
        until = time.monotonic() + seconds
        while True:
            self._events.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, SECONDS_BETWEEN_CHECKS))

    def _patiently(self, call):
        for attempt in range(self._patience.tries):
            self._events.check()
            self.calls += 1
            try:
                return call()
            except Exception as problem:
                failure = told(problem)
                if failure is None:
                    raise
            if failure.why != "passing" or attempt + 1 == self._patience.tries:
                raise failure from None  # what lies below may quote addresses and answers; the sentence holds all
            self.wait(self._patience.pause(attempt))
        raise AssertionError("a call is tried at least once")


class Transport:
    """HTTP for the client library: only where `account` lets it, deadlines, no redirects, no passwords from files; safe in threads."""

    def __init__(self, address: str, when_restricted):
        self._when_restricted, self._restricted = when_restricted, False
        self._local, self._address = threading.local(), address
        self.timeout = SECONDS_OF_SILENCE

    def request(self, uri, method="GET", body=None, headers=None, redirections=None, connection_type=None):
        """One request, in the shape of httplib2."""
        import httplib2
        import requests

        started = time.monotonic()
        account.require_leave(uri, self._address, bare=_is_bare(headers or {}, body))
        try:
            with self._session().request(method, uri, data=body, headers=headers, stream=True, allow_redirects=False,
                                         timeout=(SECONDS_TO_CONNECT, SECONDS_OF_SILENCE)) as answer:  # fmt: skip
                content = io.BytesIO()
                for chunk in answer.iter_content(CHUNK):
                    content.write(chunk)
                    if time.monotonic() - started > SECONDS_OF_ANSWER:
                        raise TimeoutError("the answer took too long")
                found = httplib2.Response({name.lower(): value for name, value in answer.headers.items()})
                found.status, found.reason = answer.status_code, answer.reason
                found["status"] = str(answer.status_code)
            if "parallelism_restricted=true" in found.pop(QUOTA_STATUS, "") and not self._restricted:
                self._restricted = True
                self._when_restricted()
            if answer.status_code == 200 and not uri.partition("?")[0].endswith(PIXELS):
                _require_json(content.getvalue())
            return found, content.getvalue()
        except requests.exceptions.Timeout:
            raise TimeoutError("the service was silent for too long") from None
        except requests.exceptions.RequestException as problem:
            raise ConnectionError(type(problem).__name__) from None  # its text holds the address

    def _session(self):
        import requests

        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False  # it would send passwords from a .netrc
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            place = account.Place.of(self._address)
            session.proxies = urllib.request.getproxies() if place and not place.is_local else {}
            for scheme in ("http://", "https://"):
                session.mount(scheme, _gate(self._address))
            self._local.session = session
        return self._local.session


def _gate(address: str):
    """What each request passes last, redirected ones too: its address is judged as it is about to be connected to."""
    import requests.adapters
    import urllib3

    class Gate(requests.adapters.HTTPAdapter):
        def send(self, request, **options):
            parts, bare = urllib3.util.parse_url(request.url), _is_bare(request.headers, request.body)
            for seen in (request.url, f"{parts.scheme}://{parts.netloc}/"):  # ours and the reading of who connects
                account.require_leave(seen, address, bare)
            return super().send(request, **options)

    return Gate()


def _is_bare(headers, body) -> bool:
    """Whether nothing in a request could be a secret."""
    return not body and "authorization" not in map(str.lower, headers)


class Garbled(ValueError):
    """An answer that is not what was asked for."""


def _require_json(content: bytes) -> None:
    """The client library hands on whatever it gets where it expects JSON."""
    try:
        json.loads(content)
    except ValueError:
        raise Garbled("no JSON") from None


def decoded(content, bands: tuple, height: int, width: int) -> np.ndarray:
    """Pixels from what the service sent.

    Raises
    ------
    Garbled
        When it is anything else than these bands of this size.
    """
    try:
        table = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, TypeError):
        raise Garbled("no pixels") from None
    if table.dtype.names != tuple(bands) or table.shape != (height, width):
        raise Garbled(f"pixels of {table.dtype.names} and {table.shape}")
    return np.stack([table[name] for name in bands]).astype("float32")


def told(problem: Exception) -> ServiceError | None:
    """What an exception of the client library means; None when it is not one of the service's."""
    name = type(problem).__name__
    if isinstance(problem, ServiceError):
        return problem
    if isinstance(problem, (ConnectionError, TimeoutError)) or name == "TransportError":
        return _error("passing", "Earth Engine did not answer.")
    if name in ("RefreshError", "MalformedError"):  # of google.auth
        return _error("denied", "Google refused the login (it may have expired or been withdrawn).")
    if isinstance(problem, Garbled) or name in ("InvalidJsonError", "UnknownApiNameOrVersion"):  # of googleapiclient
        return _error("passing", "Something else than Earth Engine answered: a proxy or a login page may be in the way.")
    cause = problem.__context__ if name == "EEException" else problem
    if type(cause).__name__ == "HttpError":
        return _of_status(int(cause.resp.status), cause._get_reason())
    return _error(_why(str(problem)), f"Earth Engine says: {problem}") if name == "EEException" else None


def _of_status(status: int, reason: str) -> ServiceError:
    said = f"Earth Engine says: {reason.strip().rstrip('.')} (status {status})."
    if status == 429 and "queue" in reason.lower():
        return _error("quota", said)
    if status == 429 or status >= 500 or status in (408, 409):
        return _error("passing", said)
    if 300 <= status < 400:
        return told(Garbled())
    if status in (401, 403):
        limit = any(word in reason.lower() for word in ("quota", "rate limit", "ratelimit"))
        return _error("passing" if limit else "denied", said)
    return _error("missing" if status == 404 else _why(reason), said)


def _why(reason: str) -> str:
    reason = reason.lower()
    if any(words in reason for words in TOO_LARGE):
        return "too_large"
    return "quota" if "quota" in reason else "refused"


def _error(why: str, text: str) -> ServiceError:
    return ServiceError(why, text, REMEDIES[why])
