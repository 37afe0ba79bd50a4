"""A stand-in for Google Earth Engine on 127.0.0.1, with which the real client library talks.

* `protocol`: the HTTP server and the discovery document, nothing of which knows what an image is;
* `interpreter`: evaluates the expression graphs that the client sends, checked against the client's own list of functions;
* `functions` and `regression`: what each function does, on numpy arrays; a function that is in neither is answered with status 400;
* `service`: projects, tasks, assets, quotas and planted faults;
* `scenes`: small scenes with planted cases; `truth`: their composites by plain numpy, sharing no code with the above.
* `helpers`: a running double, calls of the jobs, what lies on disk; `small`: an export of three periods, and how to disturb it.
"""
