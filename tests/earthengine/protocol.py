"""The HTTP half of the double: a discovery document, JSON in and out, errors as Google writes them, planted faults."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# id, HTTP verb, path, query parameters
METHODS = """
projects.algorithms.list GET v1/{+parent}/algorithms
projects.assets.get GET v1/{+name}
projects.assets.create POST v1/{+parent}/assets assetId overwrite
projects.assets.delete DELETE v1/{+name}
projects.assets.listAssets GET v1/{+parent}:listAssets pageSize pageToken filter view
projects.value.compute POST v1/{+project}/value:compute
projects.image.computePixels POST v1/{+project}/image:computePixels
projects.image.export POST v1/{+project}/image:export
projects.operations.list GET v1/{+name}/operations pageSize pageToken filter
projects.operations.get GET v1/{+name}
projects.operations.cancel POST v1/{+name}:cancel
"""
COMMON = ("alt", "fields", "key", "prettyPrint", "access_token", "quotaUser")


class ApiError(Exception):
    """An answer with an error status."""

    def __init__(self, code: int, status: str, message: str):
        super().__init__(message)
        self.code, self.status = code, status


def refused(message: str) -> ApiError:
    """Status 400: a client must not repeat it."""
    return ApiError(400, "INVALID_ARGUMENT", message)


def discovery_document(root: str) -> dict:
    """A minimal Google discovery document for `METHODS`."""
    any_object = {"id": "Any", "type": "object", "properties": {"nextPageToken": {"type": "string"}}}
    document = {
        "kind": "discovery#restDescription", "discoveryVersion": "v1", "id": "earthengine:v1", "name": "earthengine",
        "version": "v1", "protocol": "rest", "rootUrl": root + "/", "baseUrl": root + "/", "servicePath": "",
        "batchPath": "batch", "schemas": {"Any": any_object}, "resources": {},
        "parameters": {name: {"type": "string", "location": "query"} for name in COMMON},
    }  # fmt: skip
    for line in METHODS.strip().splitlines():
        identifier, verb, path, *query = line.split()
        *parents, name = identifier.split(".")
        node = document
        for parent in parents:
            node = node.setdefault("resources", {}).setdefault(parent, {})
        variable = re.search(r"\{\+(\w+)\}", path).group(1)
        parameters = {variable: {"type": "string", "location": "path", "required": True}}
        parameters.update({key: {"type": "string", "location": "query"} for key in query})
        method = {
            "id": "earthengine." + identifier, "httpMethod": verb, "path": path, "flatPath": path,
            "parameters": parameters, "parameterOrder": [variable], "response": {"$ref": "Any"},
        }  # fmt: skip
        node.setdefault("methods", {})[name] = method | ({"request": {"$ref": "Any"}} if verb == "POST" else {})
    return document


class Faults:
    """Planted faults: the next `times` requests whose verb and path match are answered otherwise.

    `what` is one of: an HTTP status (int); ``reset`` (the connection breaks before the request is looked at);
    ``lost`` (it breaks after the request was carried out); ``cut`` (half a body, its full length announced);
    ``short`` (half a body, no length announced); ``stall`` (silence); ``html`` (a page with status 200); ``empty``.
    """

    def __init__(self):
        self._planted, self._lock, self.released = [], threading.Lock(), threading.Event()

    def plant(self, pattern: str, what, times: int = 1, message: str = "", after: int = 0) -> None:
        """Plant a fault for requests like ``POST /v1/projects/p/value:compute``, the first `after` of them spared."""
        self._planted.append({"pattern": re.compile(pattern), "what": what, "left": times, "message": message, "after": after})

    def clear(self) -> None:
        """Take all faults away and end every stall."""
        with self._lock:
            self._planted.clear()
        self.released.set()
        self.released = threading.Event()

    def take(self, request: str) -> dict:
        """The fault of this request, or {}."""
        with self._lock:
            for fault in self._planted:
                if fault["left"] and fault["pattern"].search(request):
                    if fault["after"]:
                        fault["after"] -= 1
                        continue
                    fault["left"] -= 1
                    return fault
        return {}


def start(service) -> ThreadingHTTPServer:
    """Serve `service.route` on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _handler(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words):
            """Keep quiet."""

        def do_GET(self):
            self._answer("GET")

        def do_POST(self):
            self._answer("POST")

        def do_DELETE(self):
            self._answer("DELETE")

        def _answer(self, verb):
            url = urllib.parse.urlsplit(self.path)
            path, query = urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query))
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service.log.append((verb, path, self.headers.get("Authorization"), time.monotonic()))
            fault = service.faults.take(f"{verb} {path}")
            what = fault.get("what")
            if what == "reset":
                return self._break()
            if what == "stall":
                service.faults.released.wait(60)
                return self._break()
            code, kind, body = self._carried_out(verb, path, query, raw, fault)
            if what == "lost":
                return self._break()
            if what in ("html", "empty"):
                code, kind, body = 200, "text/html", b"<html>Sign in</html>" if what == "html" else b""
            self._send(code, kind, body, what)

        def _carried_out(self, verb, path, query, raw, fault):
            try:
                if isinstance(fault.get("what"), int):
                    status = {429: "RESOURCE_EXHAUSTED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 400: "INVALID_ARGUMENT",
                              401: "UNAUTHENTICATED"}.get(fault["what"], "UNAVAILABLE")
                    raise ApiError(fault["what"], status, fault["message"] or f"planted {fault['what']}")
                is_json = "json" in (self.headers.get("Content-Type") or "")
                content = json.loads(raw) if raw and is_json else raw
                answer = service.route(verb, path, query, content, self.headers)
                if isinstance(answer, bytes):
                    return 200, "application/octet-stream", answer
                return 200, "application/json", json.dumps(answer).encode()
            except ApiError as error:
                content = {"error": {"code": error.code, "message": str(error), "status": error.status}}
                return error.code, "application/json", json.dumps(content).encode()
            except Exception as error:  # a fault of the double itself must be seen, not repeated: 400 as well
                content = {"error": {"code": 400, "message": f"double: {error!r}", "status": "INTERNAL"}}
                return 400, "application/json", json.dumps(content).encode()

        def _send(self, code, kind, body, what):
            try:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                for name, value in service.headers.items():
                    self.send_header(name, value)
                if what == "short":
                    self.send_header("Connection", "close")
                    self.close_connection = True
                else:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if what in ("cut", "short") else body)
                if what in ("cut", "short"):
                    self.wfile.flush()
                    self._break()
            except (BrokenPipeError, ConnectionResetError):  # the client has gone
                self.close_connection = True

        def _break(self):
            try:
                self.connection.shutdown(2)
            except OSError:
                pass
            self.close_connection = True

    return Handler
