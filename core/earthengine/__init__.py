"""Composites from Google Earth Engine: planned without an account, exported so that nothing is lost or done twice, checked.

* `plan`: what is to be exported, as one frozen value: periods, grid, bands, masks, destination; `page` shows it;
* `composites` turns a period of it into an expression for the service, `statistics` judges what the service says of it;
* `account` finds out who we are, `service` speaks with the service: deadlines, retries, plain errors;
* `ledger` remembers every period's state on disk; `look`, `download` (with `tiler`), `tasks` and `intake` move periods on;
* `arrival` assembles and checks files, `series` joins them to rasters of the contract; `job` conducts.

The client library (``ee``) is imported only when a service is needed.
"""
