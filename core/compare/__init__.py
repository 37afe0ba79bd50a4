"""Which method suits this scene: all of them fill the same hidden places of a sample of its pixels, and are scored there.

* `hiding` hides values as the scene's own clouds would, and in stretches of 20 to 120 days;
* `methods` puts every method behind one face; a room that compares topics uses the names their `__init__` hands out;
* `outcome` holds estimates and truth, scores them, weighs them as the missing values lie, and asks by a bootstrap of spatial
  blocks what is beyond chance;
* `winners` tells which method errs least in which part of the scene;
* `advice` says in words which one to take, by a decision tree; `summary` is the table and the report; `job` conducts.
"""
