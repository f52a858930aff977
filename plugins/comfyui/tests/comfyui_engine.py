"""The stand-in's queue and execution: the same frames, answers and traps as the recorded server."""

from __future__ import annotations

import json
import struct
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comfyui_nodes import Folders, NodeFailed, NodeResult, jpeg, run_node
from diorama_comfyui.analysis import check
from diorama_comfyui.analysis.links import linked_inputs, output_nodes, upstream
from diorama_comfyui.convert import Code, is_link
from diorama_comfyui.schema import ObjectInfo

Send = Callable[[str | None, "str | bytes"], None]
_KINDS = {
    Code.MISSING_INPUT: "required_input_missing",
    Code.NOT_A_CHOICE: "value_not_in_list",
    Code.WRONG_TYPE: "invalid_input_type",
    Code.LINK_TYPE: "return_type_mismatch",
    Code.CYCLE: "dependency_cycle",
    Code.BROKEN_LINK: "exception_during_validation",
    Code.BAD_SLOT: "exception_during_validation",
}


class Interrupted(Exception):
    """The running prompt was interrupted."""


class Engine:
    """One worker, one queue, a result cache and a history."""

    def __init__(self, info: ObjectInfo, folder: Path, send: Send) -> None:
        self.info = info
        self.folders = Folders(folder)
        self.send = send
        self.lock = threading.RLock()
        self.wake = threading.Condition(self.lock)
        self.pending: list[list[Any]] = []
        self.running: list[Any] | None = None
        self.history: dict[str, Any] = {}
        self.cache: dict[str, NodeResult] = {}
        self.number = 0
        self.interrupting = False
        self.gate = threading.Event()
        self.gate.set()
        self.step_seconds = 0.0
        self.submitted: list[dict[str, Any]] = []
        self.freed: list[dict[str, Any]] = []
        self.legacy_previews = False
        self.closed = False
        self.worker = threading.Thread(target=self._work, daemon=True)
        self.worker.start()

    # -- requests ----------------------------------------------------------------------------

    def submit(self, body: dict[str, Any], *, names_prompts: bool = True) -> tuple[int, dict[str, Any]]:
        prompt = body.get("prompt")
        if not isinstance(prompt, dict):
            return 400, _refused("no_prompt", "No prompt provided")
        wanted = body.get("prompt_id") if names_prompts else None
        if wanted is not None and str(uuid.UUID(wanted)) != wanted:
            return 400, _refused("invalid_prompt_id", "prompt_id must be a valid UUID")
        for node_id, node in prompt.items():
            if node.get("class_type") not in self.info:
                about = {"node_id": node_id, "class_type": node.get("class_type"), "node_title": None}
                return 400, _refused("missing_node_type", f"Node {node_id} not found.", about)
        outputs = output_nodes(prompt, self.info)
        if not outputs:
            return 400, _refused("prompt_no_outputs", "Prompt has no outputs")
        errors = self._node_errors(prompt)
        good = [key for key in outputs if upstream(prompt, [key]).isdisjoint(errors)]
        if not good:
            refused = _refused("prompt_outputs_failed_validation", "Prompt outputs failed validation")
            return 400, {**refused, "node_errors": errors}
        prompt_id = wanted or str(uuid.uuid4())
        extra = {**body.get("extra_data", {}), "client_id": body.get("client_id"), "create_time": _now()}
        extra.pop("api_key_comfy_org", None)
        with self.lock:
            number = self.number
            self.number += 1
            self.submitted.append(body)
            self.pending.append([number, prompt_id, prompt, extra, good])
            self.wake.notify_all()
        self._status()
        return 200, {"prompt_id": prompt_id, "number": number, "node_errors": errors}

    def cancel(self, prompt_id: str) -> bool:
        with self.lock:
            before = len(self.pending)
            self.pending = [item for item in self.pending if item[1] != prompt_id]
            found = len(self.pending) < before
            if self.running is not None and self.running[1] == prompt_id:
                self.interrupting = found = True
        self._status()
        return found

    def interrupt(self, prompt_id: str | None) -> None:
        with self.lock:
            if self.running is not None and prompt_id in (None, self.running[1]):
                self.interrupting = True

    def forget(self) -> None:
        """What a restart of the process loses."""
        with self.lock:
            self.interrupting = self.running is not None
            self.pending, self.history, self.cache, self.running = [], {}, {}, None

    def remaining(self) -> int:
        return len(self.pending) + (self.running is not None)

    def _node_errors(self, prompt: dict[str, Any]) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        for issue in check(prompt, self.info, files=True):
            if self._is_present(prompt, issue.node_id, issue.input_name):
                continue
            value = prompt[issue.node_id]["inputs"].get(issue.input_name)
            spec = self.info[issue.class_type].by_name.get(issue.input_name) if issue.class_type else None
            kind = _KINDS.get(issue.code, "value_not_in_list")
            if isinstance(value, list) and not is_link(value):
                kind = "bad_linked_input"
            if issue.code is Code.OUT_OF_RANGE and spec is not None:
                kind = "value_smaller_than_min" if value < (spec.minimum or 0) else "value_bigger_than_max"
            config = (
                ["INT", {"min": spec.minimum, "max": spec.maximum}]
                if spec and spec.minimum is not None
                else None
            )
            extra = {"input_name": issue.input_name, "input_config": config, "received_value": value}
            entry = errors.setdefault(
                issue.node_id, {"errors": [], "dependent_outputs": [], "class_type": issue.class_type}
            )
            entry["errors"].append(
                {"type": kind, "message": issue.message, "details": issue.message, "extra_info": extra}
            )
        return errors

    def _is_present(self, prompt: dict[str, Any], node_id: str, name: str) -> bool:
        """Whether an input names a file that was uploaded, which the list of choices does not know."""
        spec = self.info[prompt[node_id]["class_type"]].by_name.get(name) if node_id else None
        return (
            bool(spec and spec.upload)
            and self.folders.input(str(prompt[node_id]["inputs"].get(name))).is_file()
        )

    # -- execution ---------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self.wake:
                while not self.pending and not self.closed:
                    self.wake.wait()
                if self.closed:
                    return
                self.pending.sort(key=lambda item: item[0])
                self.running = item = self.pending.pop(0)
                self.interrupting = False
            self._run(item)

    def _run(self, item: list[Any]) -> None:
        _, prompt_id, prompt, extra, outputs = item
        messages: list[list[Any]] = []

        def say(kind: str, keep: bool = False, **data: Any) -> None:
            data = {"prompt_id": prompt_id, **data}
            if keep:
                data["timestamp"] = _now()
                messages.append([kind, data])
            self._event(extra.get("client_id"), kind, data)

        self._status()
        say("execution_start", keep=True)
        shown = self._run_nodes(prompt_id, prompt, outputs, extra.get("client_id"), say)
        with self.lock:
            if self.running is not item:  # the process was restarted meanwhile
                return
            self.running = None
            success = shown is not None
            status = {
                "status_str": "success" if success else "error",
                "completed": success,
                "messages": messages,
            }
            self.history[prompt_id] = {"prompt": item, "outputs": shown or {}, "status": status, "meta": {}}
        self._status()
        say("executing", node=None)

    def _run_nodes(
        self,
        prompt_id: str,
        prompt: dict[str, Any],
        outputs: list[str],
        client: str | None,
        say: Callable[..., None],
    ) -> dict[str, Any] | None:
        """What the nodes show; None if one broke or the prompt was interrupted."""
        order = _order(prompt, outputs)
        keys = {key: _signature(prompt, key) for key in order}
        say("execution_cached", keep=True, nodes=[key for key in order if keys[key] in self.cache])
        results: dict[str, NodeResult] = {}
        states: dict[str, Any] = {}
        for node_id in order:
            about = {
                "node_id": node_id,
                "node_type": prompt[node_id]["class_type"],
                "executed": list(results),
            }
            try:
                result = self.cache.get(keys[node_id])
                if result is None:
                    result = self._execute(node_id, prompt, results, states, client, prompt_id, say)
                    self.cache[keys[node_id]] = result
                elif result.ui:
                    say("executed", node=node_id, display_node=node_id, output=result.ui)
            except Interrupted:
                say("execution_interrupted", keep=True, **about)
                return None
            except Exception as error:
                say("execution_error", keep=True, **about, **self._told(error))
                return None
            results[node_id] = result
        say("execution_success", keep=True)
        return {key: result.ui for key, result in results.items() if result.ui}

    def _told(self, error: Exception) -> dict[str, Any]:
        """What the server says of an error, private things included."""
        return {
            "exception_message": str(error),
            "exception_type": "Exception" if isinstance(error, NodeFailed) else type(error).__name__,
            "traceback": [f'File "{self.folders.root}/secret.py"'],
            "current_inputs": {"images": ["tensor(...)"]},
            "current_outputs": [],
        }

    def _execute(
        self,
        node_id: str,
        prompt: dict[str, Any],
        results: dict[str, NodeResult],
        states: dict[str, Any],
        client: str | None,
        prompt_id: str,
        say: Callable[..., None],
    ) -> NodeResult:
        def state(value: float, maximum: float, word: str) -> None:
            states[node_id] = {
                "value": value, "max": maximum, "state": word, "node_id": node_id, "prompt_id": prompt_id,
                "display_node_id": node_id, "parent_node_id": None, "real_node_id": node_id,
            }  # fmt: skip
            say("progress_state", nodes=dict(states))

        def step(value: int, maximum: int, picture: Any) -> None:
            self._pause()
            if self.legacy_previews:
                say("progress", value=value, max=maximum, node=node_id)
                self.send(client, struct.pack(">II", 1, 1) + jpeg(picture))
                return
            state(value, maximum, "running")
            about = json.dumps(
                {"node_id": node_id, "prompt_id": prompt_id, "image_type": "image/jpeg"}
            ).encode()
            self.send(client, struct.pack(">II", 4, len(about)) + about + jpeg(picture))
            say("progress", value=value, max=maximum, node=node_id)

        state(0.0, 1.0, "running")
        say("executing", node=node_id, display_node=node_id)
        self._pause()
        inputs = {}
        for name, value in prompt[node_id]["inputs"].items():
            inputs[name] = results[str(value[0])].outputs[int(value[1])] if is_link(value) else value
        result = run_node(prompt[node_id]["class_type"], inputs, self.folders, step)
        if result.ui:
            say("executed", node=node_id, display_node=node_id, output=result.ui)
        state(1.0, 1.0, "finished")
        return result

    def _pause(self) -> None:
        if self.step_seconds:
            time.sleep(self.step_seconds)
        while not self.gate.wait(0.02):
            if self.interrupting:
                break
        if self.interrupting:
            raise Interrupted

    def _event(self, client: str | None, kind: str, data: dict[str, Any]) -> None:
        self.send(client, json.dumps({"type": kind, "data": data}))

    def _status(self) -> None:
        self._event(None, "status", {"status": {"exec_info": {"queue_remaining": self.remaining()}}})


def _refused(kind: str, message: str, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "error": {"type": kind, "message": message, "details": "", "extra_info": extra or {}},
        "node_errors": {},
    }


def _order(prompt: dict[str, Any], outputs: list[str]) -> list[str]:
    done: dict[str, None] = {}

    def visit(node_id: str) -> None:
        for _, source, _ in linked_inputs(prompt[node_id]):
            if source not in done:
                visit(source)
        done[node_id] = None

    for node_id in outputs:
        if node_id not in done:
            visit(node_id)
    return list(done)


def _signature(prompt: dict[str, Any], node_id: str) -> str:
    parts = []
    for name, value in sorted(prompt[node_id]["inputs"].items()):
        parts.append([name, [_signature(prompt, str(value[0])), value[1]] if is_link(value) else value])
    return json.dumps([prompt[node_id]["class_type"], parts])


def _now() -> int:
    return int(time.time() * 1000)
