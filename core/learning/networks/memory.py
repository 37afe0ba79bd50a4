"""As many pixels at a time as a GPU's memory holds: half as many whenever it is full."""
from __future__ import annotations

import torch

from ...errors import MemoryLimitError
from .network import whole_chips

FEWEST_AT_ONCE = 16  # a GPU that is full with so few has no room for any network of ours


class Portion:
    """How many pixels a network is given at a time.

    Parameters
    ----------
    pixels : int
        At first.
    side : int
        Of the network's chips; a portion is made of whole ones.
    """

    def __init__(self, pixels: int, side: int):
        self.pixels, self._side = whole_chips(pixels, side), side

    def fitting(self, work, told):
        """What ``work(pixels)`` gives, begun anew with half as many pixels at a time for as long as the GPU's memory is full.

        Parameters
        ----------
        work : callable
            May be broken off anywhere.
        told : Events or None
            Warned of every halving.

        Raises
        ------
        MemoryLimitError
            When even the fewest are too many.
        """
        while True:
            tried = self.pixels
            try:
                return work(tried)
            except torch.cuda.OutOfMemoryError:
                pass  # and no more here: what the work held on the GPU is let go of with this error
            self._halve(tried, told)

    def _halve(self, tried: int, told) -> None:
        torch.cuda.empty_cache()
        if tried <= max(FEWEST_AT_ONCE, self._side**2):
            raise MemoryLimitError(f"The GPU has too little free memory even for {tried} pixels at a time.",
                                   "Close other programs that use it, or choose DEVICE = cpu.")
        if self.pixels == tried:  # else another thread has halved it meanwhile
            self.pixels = whole_chips(tried // 2, self._side)
            if told is not None:
                told.warning(f"The GPU's memory is full: {self.pixels} pixels at a time from here on.")
