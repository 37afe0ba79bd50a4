"""Composites and harmonic interpolation from Google Earth Engine: planned without an account, checked, nothing lost or done twice.

* `plan`: what is to be exported, as one frozen value: periods, grid, bands, masks, destination; `compositeplan` and
  `harmonicplan` are its kinds, `plans` reads them back, `page` shows them;
* `composites` and `harmonic` turn an image of it into an expression for the service, `statistics` judges what the service says;
* `account` finds out who we are, `service` speaks with the service: deadlines, retries, plain errors;
* `ledger` remembers every period's state on disk; `look`, `download` (with `tiler`), `tasks` and `intake` move periods on;
* `arrival` assembles and checks files (`agreement`: band against band), `series` joins them to rasters of the contract; `job` conducts.

The client library (``ee``) is imported only when a service is needed.
"""
