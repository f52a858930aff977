"""How far a prompt is, from the frames of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.contract import JobContext

from diorama_comfyui.running.plan import HEAVY, RunPlan


class ProgressTracker:
    """Adds up finished nodes and steps into one fraction that never falls, and reports it.

    ``share`` is the part of the job that this run is, ``start`` where it begins, both 0 to 1.
    """

    def __init__(self, plan: RunPlan, context: JobContext, start: float = 0.0, share: float = 1.0) -> None:
        self._plan = plan
        self._context = context
        self._start, self._share = start, share
        self._total = sum(plan.weights.values()) or 1.0
        self._done: dict[str, float] = {}
        self._fraction = 0.0
        self._node = ""
        self._step: tuple[int, int] | None = None
        self._generating = False
        self.cached: set[str] = set()

    def restart(self) -> None:
        """Forget how far an attempt came: the prompt is run again. The fraction told so far is kept."""
        self._done.clear()
        self.cached.clear()
        self._node, self._step, self._generating = "", None, False

    def away(self) -> None:
        """Report that the server does not answer in the middle of a run. Raises ``JobCancelled``."""
        fraction = min(1.0, self._start + self._share * self._fraction)
        self._context.progress("generating", fraction, "ComfyUI does not answer; waiting for it")

    def waiting(self, position: int | None) -> None:
        """Report that the prompt waits in the server's queue. Raises ``JobCancelled``."""
        numbers = {"queue_position": position} if position is not None else {}
        self._context.progress("generating", self._start, "Waiting in ComfyUI's queue", **numbers)

    def on_cached(self, nodes: Any) -> None:
        """Nodes whose results the server still has."""
        for node_id in nodes if isinstance(nodes, list) else []:
            self.cached.add(str(node_id))
            self._done[str(node_id)] = 1.0

    def on_node(self, node_id: str) -> None:
        """A node starts."""
        if self._node and self._node != node_id:
            self._done[self._node] = 1.0
        self._node, self._step = node_id, None

    def on_step(self, node_id: str, value: Any, maximum: Any) -> None:
        """A step of a node is done."""
        if isinstance(value, (int, float)) and isinstance(maximum, (int, float)) and maximum > 0:
            self._done[node_id] = min(1.0, max(self._done.get(node_id, 0.0), value / maximum))
            self._node = self._node or node_id  # connected in the middle: what started it is not told again
            if maximum > 1 and node_id == self._node:
                self._step = int(value), int(maximum)

    def on_state(self, nodes: Any) -> None:
        """The newer frame that holds all nodes at once."""
        for node_id, state in nodes.items() if isinstance(nodes, Mapping) else ():
            if isinstance(state, Mapping):
                if state.get("state") == "finished":
                    self._done[str(node_id)] = 1.0
                else:
                    self.on_step(str(node_id), state.get("value"), state.get("max"))

    def report(self) -> None:
        """Tell the engine. Raises ``JobCancelled``."""
        weights = self._plan.weights
        done = sum(weights.get(_outer(node_id, weights), 0.0) * part for node_id, part in self._done.items())
        self._fraction = max(self._fraction, min(1.0, done / self._total))
        numbers: dict[str, float | int | str] = {}
        if self._node:
            numbers["node"] = self._plan.title(_outer(self._node, self._plan.prompt))
        if self._step:
            numbers["step"], numbers["steps"] = self._step
        heavy = weights.get(_outer(self._node, weights), 0.0) >= HEAVY
        self._generating = self._generating or bool(self._step) or heavy
        if self._node in self._plan.loaders and not self._generating:
            self._context.progress("loading_model", None, str(numbers.get("node", "")), **numbers)
        else:
            fraction = self._start + self._share * self._fraction
            self._context.progress("generating", min(1.0, fraction), str(numbers.get("node", "")), **numbers)


def _outer(node_id: str, known: Mapping[str, Any]) -> str:
    """A node that the server made while running counts as the node it came from (``5.0.1`` as ``5``)."""
    while node_id not in known and "." in node_id:
        node_id = node_id.rpartition(".")[0]
    return node_id
