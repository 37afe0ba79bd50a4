"""The plan of tiles: every pixel once, within the budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phenofuse.core.errors import MemoryLimitError
from phenofuse.core.jobs import Resources
from phenofuse.core.tiles import plan
from phenofuse.core.timeseries.grids import Grid


def grid(width, height):
    """A grid of that size."""
    return Grid("", (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), width, height)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 1500),
    st.integers(1, 1500),
    st.sampled_from([8, 200, 5000, 100000]),
    st.integers(0, 20),
    st.integers(1, 4),
    st.sampled_from([64, 512, 4096]),
)
def test_tiles_cover_every_pixel_once_and_fit_the_budget(width, height, bytes_per_pixel, margin, workers, memory_mb):
    """Windows are disjoint and complete, contexts hold them, and all workers' tiles fit into the memory."""
    resources = Resources(memory_mb, workers)
    try:
        made = plan(grid(width, height), bytes_per_pixel, resources, margin)
    except MemoryLimitError:
        assert (16 + 2 * margin) ** 2 * bytes_per_pixel * workers > memory_mb * 2**20
        return
    assert sum(t.window.rows * t.window.columns for t in made.tiles) == width * height
    assert len({(t.window.row, t.window.column) for t in made.tiles}) == len(made.tiles)
    for tile in made.tiles:
        w, c = tile.window, tile.context
        assert 0 <= c.row <= w.row and w.row + w.rows <= c.row + c.rows <= height
        assert 0 <= c.column <= w.column and w.column + w.columns <= c.column + c.columns <= width
        assert c.row == max(0, w.row - margin) and c.column == max(0, w.column - margin)
        assert c.rows * c.columns * bytes_per_pixel * workers <= memory_mb * 2**20
    assert 256 % made.side == 0 or made.side % 256 == 0


@pytest.mark.parametrize("size, count", [(255, 1), (256, 1), (257, 4), (512, 4), (513, 9)])
def test_sizes_around_a_multiple_of_the_block(size, count):
    """Just below, at and above a multiple of the tile side the count is right."""
    side = 256
    made = plan(grid(size, size), 2000, Resources(1000, 2)).tiles
    cut = {(t.window.row // side, t.window.column // side) for t in made}
    assert len(cut) == count


def test_a_budget_too_small_is_an_error_that_says_what_is_needed():
    """The sentence holds both numbers and the remedy."""
    with pytest.raises(MemoryLimitError, match="needs 98 MB with 4 workers, but MEMORY_MB is 64") as caught:
        plan(grid(100, 100), 100_000, Resources(64, 4))
    assert "MEMORY_MB" in caught.value.remedy
