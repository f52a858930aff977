"""From any workflow document to the prompt that a server runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama_comfyui.schema import NodeClass, ObjectInfo, expand_inputs

from .api import check_prompt, is_link
from .choices import fill_choices
from .coerce import coerce
from .errors import WorkflowError
from .facts import Target, author_form, model_files, node_facts, proxied_widgets
from .formats import is_ui, load_document
from .graph import BYPASSED, MUTED, Node, parse_definitions, parse_graph
from .groupnodes import expand_group_nodes
from .replaced import replace_classes
from .report import Code, Conversion, Issue, NodeFacts, Severity, SharedValue
from .resolve import GETTERS, REROUTES, SETTERS, Literal, Nothing, Output, follow
from .scopes import Scope, unfold
from .values import guessed_values, widget_values

_PAGE_ONLY = REROUTES | SETTERS | GETTERS | {"Note", "MarkdownNote", "PrimitiveNode"}
_PAGE_ONLY_PREFIXES = ("Anything Everywhere", "Prompts Everywhere", "Seed Everywhere")
_PAGE_ONLY_SUFFIX = " (rgthree)"
_PAGE_ONLY_RGTHREE = frozenset({"Label", "Bookmark", "Fast Muter", "Fast Bypasser", "Fast Groups Muter"}) | {
    "Fast Groups Bypasser",
    "Fast Actions Button",
    "Random Unmuter",
    "Node Collector",
    "Mute / Bypass Relay",
    "Mute / Bypass Repeater",
}


def convert(document: bytes | str | Mapping[str, Any], info: ObjectInfo) -> Conversion:
    """Turn a workflow in UI or API form into a prompt, with a report.

    ``document`` is JSON text or the decoded object, also inside a ``prompt`` or ``workflow``
    envelope. The function is pure: it reads ``info`` and changes nothing. Raises
    :class:`WorkflowError` when the document is no workflow; everything less is an issue.
    """
    loaded = load_document(document)
    if is_ui(loaded):
        return _Converter(loaded, info).run()
    prompt = check_prompt(loaded)
    issues, _ = replace_classes(prompt, info)
    issues += fill_choices(prompt, info)
    issues += [
        _missing_class(node_id, node["class_type"])
        for node_id, node in prompt.items()
        if node["class_type"] not in info
    ]
    facts = {
        node_id: NodeFacts(title=node.get("_meta", {}).get("title", ""), order=order)
        for order, (node_id, node) in enumerate(prompt.items())
    }
    return Conversion(prompt, "api", tuple(issues), facts)


def _missing_class(node_id: str, class_type: str) -> Issue:
    message = f"the server has no node {class_type!r:.80}"
    return Issue(Code.MISSING_CLASS, Severity.ERROR, message, node_id, class_type)


def is_page_only(node: Node) -> bool:
    """Whether a node exists in the web page only and is never sent to the server."""
    if node.type in _PAGE_ONLY or node.type.startswith(_PAGE_ONLY_PREFIXES):
        return True
    return (
        node.type.endswith(_PAGE_ONLY_SUFFIX)
        and node.type.removesuffix(_PAGE_ONLY_SUFFIX) in _PAGE_ONLY_RGTHREE
    )


class _Converter:
    """The state of one conversion."""

    def __init__(self, document: dict[str, Any], info: ObjectInfo) -> None:
        self.document = document
        self.info = info
        self.issues: list[Issue] = []
        self.top = parse_graph(document)
        self.definitions = parse_definitions(document)
        self.definitions |= expand_group_nodes([self.top, *self.definitions.values()], document, info)
        self.prompt: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, NodeFacts] = {}
        self.sources: dict[str, Literal | Nothing] = {}
        self.targets: dict[str, list[Target]] = {}
        self.open_sockets: list[tuple[str, Target]] = []

    def run(self) -> Conversion:
        scopes = unfold(self.top, self.definitions, self.issues)
        for scope in scopes:
            for node in sorted(scope.graph.nodes.values(), key=lambda item: item.order):
                if (
                    node.mode not in (MUTED, BYPASSED)
                    and node.type not in self.definitions
                    and not is_page_only(node)
                ):
                    self._add(scope, node)
        if not self.prompt:
            raise WorkflowError("the workflow has no active nodes")
        self._feed_open_sockets()
        self._replace_classes()
        form, outputs = author_form(self.document, self.prompt, self.targets)
        return Conversion(
            prompt=self.prompt,
            source="ui",
            issues=tuple(self.issues),
            facts=self.facts,
            shared=self._shared(),
            models=model_files(scopes),
            form=form,
            form_outputs=outputs,
            promoted=proxied_widgets(scopes, self.prompt) | self._promoted(),
            title=_text(self.document.get("name")),
            workflow=self.document,
        )

    def _add(self, scope: Scope, node: Node) -> None:
        node_id = scope.path + node.id
        cls = self.info.get(node.type)
        controls: dict[str, str] = {}
        if cls is None:
            replacement = self.info.replacement(node.type)
            if replacement is None:
                self.issues.append(_missing_class(node_id, node.type))
            values = guessed_values(node, replacement.widgets if replacement else ())
        else:
            found = widget_values(node, node_id, cls, self.issues)
            values, controls = found.values, found.controls
        links = self._resolve(scope, node, node_id, cls, values)
        inputs = {
            name: {"__value__": value} if isinstance(value, list) else value for name, value in values.items()
        }
        entry: dict[str, Any] = {"class_type": node.type, "inputs": {**inputs, **links}}
        title = node.title or (cls.title if cls else "")
        if title:
            entry["_meta"] = {"title": title}
        self.prompt[node_id] = entry
        self.facts[node_id] = node_facts(scope, node, len(self.facts), controls)

    def _resolve(
        self, scope: Scope, node: Node, node_id: str, cls: NodeClass | None, values: dict[str, Any]
    ) -> dict[str, list[Any]]:
        """Return the links of a node; what turns out to be a plain value is put into ``values``."""
        links: dict[str, list[Any]] = {}
        specs = dict(expand_inputs(cls.inputs, values)) if cls else {}
        implied = {
            slot: (origin, out) for target, slot, origin, out in scope.graph.implied if target == node.id
        }
        for index, slot in enumerate(node.inputs):
            name = slot.widget if slot.widget in specs and slot.name not in specs else slot.name
            if slot.link is None:
                if index in implied and implied[index][0] in scope.graph.nodes:
                    links[name] = [scope.path + implied[index][0], implied[index][1]]
                continue
            source = follow(scope, slot.link, slot.type, self.definitions)
            if isinstance(source, Output):
                values.pop(name, None)
                links[name] = [source.node_id, source.slot]
            elif isinstance(source, Literal):
                values[name] = coerce(specs[name], source.value) if name in specs else source.value
                self._share(source, (node_id, name))
            elif source.reason:
                self._report_gap(source.reason, (node_id, name), node.type, kept=name in values)
            elif name in values:
                self._share(source, (node_id, name))
            elif source.origin:
                self.open_sockets.append((source.origin, (node_id, name)))
        return links

    def _feed_open_sockets(self) -> None:
        """A socket behind an open subgraph input takes the value of the widget behind the same input."""
        for origin, (node_id, name) in self.open_sockets:
            for other_id, other_name in self.targets.get(origin, []):
                value = self.prompt[other_id]["inputs"].get(other_name)
                if value is not None and not is_link(value):
                    self.prompt[node_id]["inputs"][name] = value
                    self.targets[origin].append((node_id, name))
                    break

    def _replace_classes(self) -> None:
        issues, moved = replace_classes(self.prompt, self.info)
        self.issues += issues
        if moved:
            self.targets = {
                origin: [moved.get(target, target) for target in targets]
                for origin, targets in self.targets.items()
            }

    def _report_gap(self, reason: str, target: Target, class_type: str, kept: bool) -> None:
        code = Code.BROKEN_LINK if "not in the file" in reason else Code.DROPPED_SOURCE
        message = f"{target[1]}: {reason}" + ("; its own value is used" if kept else "")
        self.issues.append(Issue(code, Severity.WARNING, message, target[0], class_type, target[1]))

    def _share(self, source: Literal | Nothing, target: Target) -> None:
        self.sources.setdefault(source.origin, source)
        self.targets.setdefault(source.origin, []).append(target)

    def _shared(self) -> tuple[SharedValue, ...]:
        return tuple(
            SharedValue(source.label, tuple(self.targets[origin]), _on_face(origin, source))
            for origin, source in self.sources.items()
        )

    def _promoted(self) -> dict[Target, str]:
        found: dict[Target, str] = {}
        for origin, source in self.sources.items():
            if _on_face(origin, source):
                found.update(dict.fromkeys(self.targets[origin], source.label))
        return found


def _on_face(origin: str, source: Literal | Nothing) -> bool:
    """Whether a value sits on a top-level subgraph node, set there or only shown there."""
    return source.promoted if isinstance(source, Literal) else origin.count(":") == 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
