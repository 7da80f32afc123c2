"""All that is drawn, by operator, and whole graphs."""

from __future__ import annotations

from random_models import elementwise, optimised, placing, reductions, windows
from random_models.draw import Drawer
from random_models.graphs import graph

OPERATORS: dict[str, Drawer] = {
    **elementwise.DRAWERS,
    **windows.DRAWERS,
    **reductions.DRAWERS,
    **placing.DRAWERS,
    **optimised.DRAWERS,
}
GRAPH = "graph"


def drawer_of(name: str) -> Drawer:
    """What draws a model of this operator, or a graph."""
    return graph if name == GRAPH else OPERATORS[name]
