"""The service half of the double: projects, evaluation, tasks that run when told to, assets, quotas, tokens."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import threading
import time
from collections import Counter

import numpy as np

from . import protocol, regression  # noqa: F401 (it adds its functions)
from .functions import FUNCTIONS
from .interpreter import Image, Interpreter, PixelGrid, constant, stored
from .protocol import ApiError, refused

LARGEST_REQUEST = 48 * 2**20
LARGEST_SIDE = 32768
TYPES = {"float": "<f4", "double": "<f8", "int": "<u2"}
MASK = 1  # byte per pixel and band, which the service counts as well
PAGE = 500


class Service:
    """The pretend service.

    Attributes
    ----------
    log : list of (verb, path, authorization, seconds)
    operations : {name: operation}, each with the request's body under ``_body``
    most_pending : tasks that may wait
    largest : bytes of one pixel request
    token : what requests must carry as bearer, or None for anything
    """

    def __init__(self, catalog: dict):
        import ee

        with open(os.path.join(os.path.dirname(ee.__file__), "tests", "algorithms.json"), encoding="utf-8") as file:
            self.algorithms = json.load(file)
        self.signatures = {one["name"].removeprefix("algorithms/"): {a["argumentName"]: a.get("optional", False)
                           for a in one.get("arguments", [])} for one in self.algorithms["algorithms"]}  # fmt: skip
        self.catalog, self.used, self.log, self.faults = catalog, Counter(), [], protocol.Faults()
        self.operations, self.assets, self.files, self._requests = {}, {}, {}, {}
        self.most_pending, self.largest, self.token = 3000, LARGEST_REQUEST, None
        self.quota = {"maxAssets": 10000, "maxSizeBytes": 250 * 2**30}
        self.headers = {}  # of every answer
        self.in_flight = self.most_in_flight = 0
        self.latency = 0.0  # seconds that a request for pixels takes beside its computation
        self._lock, self._tokens = threading.RLock(), 0
        self.server = protocol.start(self)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        """Close the port."""
        self.faults.clear()
        self.server.shutdown()
        self.server.server_close()

    def count(self, pattern: str) -> int:
        """How many requests like ``POST .*computePixels`` came."""
        return sum(bool(re.search(pattern, f"{verb} {path}")) for verb, path, *_ in self.log)

    # What happens on the server by itself.

    def tick(self, fail: str = "") -> None:
        """Let every task go one step on; with `fail` running ones fail with this message."""
        with self._lock:
            for operation in self.operations.values():
                state = operation["metadata"]["state"]
                if state == "PENDING":
                    self._state(operation, "RUNNING", attempt=1)
                elif state == "CANCELLING":
                    self._end(operation, "CANCELLED", {"code": 1, "message": "Cancelled"})
                elif state == "RUNNING" and fail:
                    self._end(operation, "FAILED", {"code": 13, "message": fail})
                elif state == "RUNNING":
                    self._export(operation)

    def _export(self, operation) -> None:
        body = operation["_body"]
        try:
            image, grid = self._export_grid(body)
            bands = dict(zip(image.bands, image.pixels(grid)))
            asset = body.get("assetExportOptions", {}).get("earthEngineDestination", {}).get("name")
            if asset:
                self._store(asset, bands, grid)
                where = asset
            else:
                options = body["fileExportOptions"]
                target = options.get("driveDestination") or options["cloudStorageDestination"]
                where = target["filenamePrefix"]
                self.files[where] = (bands, grid, options)
            self._end(operation, "SUCCEEDED")
            operation["metadata"].update(destinationUris=[f"{self.url}/{where}"], batchEecuUsageSeconds=1.5)
        except ApiError as error:
            self._end(operation, "FAILED", {"code": 3, "message": str(error)})

    def _export_grid(self, body):
        """The image that an export asks for and its grid: the client wraps reproject and clipping around it."""
        image = constant(self._evaluate(body))
        if image.grid is None:
            raise refused("Unable to determine the pixel grid of an unbounded image.")
        return image, image.grid

    def _store(self, name, bands, grid) -> None:
        arrays = {band: np.ma.array(values, mask=~valid) for band, (values, valid) in bands.items()}
        properties = {"system:id": name, "system:index": name.rpartition("/")[2]}
        image = stored(arrays, grid.transform, grid.crs, properties, ["float"] * len(arrays))
        self.catalog[name] = [image]
        self.assets[name] = sum(array.data.nbytes for array in arrays.values())

    def _state(self, operation, state, **others) -> None:
        now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        operation["metadata"].update(state=state, updateTime=now, **others)

    def _end(self, operation, state, error=None) -> None:
        self._state(operation, state)
        operation["done"] = True
        if error:
            operation["error"] = error

    # What clients ask.

    def route(self, verb, path, query, content, headers):
        """Answer one request."""
        if path == "/$discovery/rest":
            return protocol.discovery_document(self.url)
        if verb == "POST" and path == "/token":
            self._tokens += 1
            return {"access_token": f"loop-{self._tokens}", "expires_in": 3600, "token_type": "Bearer"}
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            raise ApiError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        path = path.removeprefix("/v1/")
        project = "/".join(path.split("/")[:2])
        if path.endswith("/algorithms"):
            return self.algorithms
        if path.endswith("/value:compute"):
            with self._lock:
                return {"result": _plain(self._evaluate(content))}
        if path.endswith("/image:computePixels"):
            return self._pixels(content)
        if path.endswith("/image:export"):
            return self._submit(project, content)
        if path.endswith("/operations"):
            return self._list(query)
        if "/operations/" in path:
            return self._operation(path)
        if path == f"{project}/assets" or path == f"{project}/assets/":
            used = {"assetCount": len(self.assets), "sizeBytes": sum(self.assets.values()), **self.quota}
            return {"name": path, "type": "FOLDER", "quota": {key: str(value) for key, value in used.items()}}
        if "/assets/" in path:
            return self._asset(verb, path)
        raise ApiError(404, "NOT_FOUND", f"No such method: {verb} {path}.")

    def _evaluate(self, body):
        return Interpreter(body["expression"], FUNCTIONS, self.signatures, self.catalog, self.used).run()

    def _pixels(self, body) -> bytes:
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            time.sleep(self.latency)
            with self._lock:
                return self._encoded(body)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _encoded(self, body) -> bytes:
        image = constant(self._evaluate(body))
        affine, size = body["grid"]["affineTransform"], body["grid"]["dimensions"]
        transform = tuple(float(affine.get(key, 0)) for key in
                          ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY"))  # fmt: skip
        grid = PixelGrid(body["grid"]["crsCode"], transform, int(size["width"]), int(size["height"]))
        asked = sum(np.dtype(TYPES[kind]).itemsize + MASK for kind in image.types) * grid.width * grid.height
        if asked > self.largest:
            raise refused(f"Total request size ({asked} bytes) must be less than or equal to {self.largest} bytes.")
        if max(grid.width, grid.height) > LARGEST_SIDE:
            raise refused(f"Pixel grid dimensions ({grid.width}x{grid.height}) must be less than or equal to {LARGEST_SIDE}.")
        if body.get("fileFormat") != "NPY":
            raise refused("The double gives pixels as NPY only.")
        out = np.zeros((grid.height, grid.width), [(band, TYPES[kind]) for band, kind in zip(image.bands, image.types)])
        for band, (values, valid) in zip(image.bands, image.pixels(grid)):
            out[band] = np.where(valid, values, 0)  # a masked pixel is a plain 0
        stream = io.BytesIO()
        np.save(stream, out)
        return stream.getvalue()

    def _submit(self, project, body):
        with self._lock:
            key = body.get("requestId")
            if key and key in self._requests:  # one request id starts one task
                return _public(self.operations[self._requests[key]])
            waiting = sum(not operation["done"] for operation in self.operations.values())
            if waiting >= self.most_pending:
                raise ApiError(429, "RESOURCE_EXHAUSTED", f"Too many tasks already in the queue ({waiting}).")
            name = f"{project}/operations/{len(self.operations) + 1:024X}"
            operation = {"name": name, "done": False, "_body": body,
                         "metadata": {"type": "EXPORT_IMAGE", "description": body.get("description", ""), "priority": 100}}  # fmt: skip
            self._state(operation, "PENDING")
            self.operations[name] = operation
            if key:
                self._requests[key] = name
            return _public(operation)

    def _list(self, query):
        first = int(query.get("pageToken", 0))
        found = [_public(operation) for operation in reversed(self.operations.values())]
        size = min(int(query.get("pageSize", PAGE)), PAGE)
        page = {"operations": found[first : first + size]}
        return page if first + size >= len(found) else {**page, "nextPageToken": str(first + size)}

    def _operation(self, path):
        with self._lock:
            operation = self.operations.get(path.removesuffix(":cancel"))
            if operation is None:
                raise ApiError(404, "NOT_FOUND", f"Operation {path} not found.")
            if path.endswith(":cancel"):
                if operation["done"]:
                    raise refused("The operation has ended already.")
                self._state(operation, "CANCELLING")
                return {}
            return _public(operation)

    def _asset(self, verb, path):
        if path not in self.assets:
            raise ApiError(404, "NOT_FOUND", f"Asset '{path}' not found (does not exist or caller does not have access).")
        if verb == "DELETE":
            self.assets.pop(path)
            self.catalog.pop(path)
            return {}
        return {"type": "IMAGE", "name": path, "id": path, "sizeBytes": str(self.assets[path])}


def _public(operation: dict) -> dict:
    return {key: value for key, value in operation.items() if key != "_body"}


def _plain(value):
    if isinstance(value, Image):
        return {"type": "Image", "bands": [{"id": band} for band in value.bands], "properties": {}}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
