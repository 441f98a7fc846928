"""YAML as one plain value: no key twice, nothing by reference, no tags; what YAML otherwise lets pass in silence."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from stages.lib.errors import InputError

LARGEST = 1_000_000  # bytes: hundreds of times what any params.yaml holds
DEEPEST = 20  # levels; params.yaml has four, and Python's stack ends at some hundred
BROKEN = (yaml.YAMLError, ValueError)  # ValueError: not text, or a date such as 2026-99-99


class _Loader(yaml.SafeLoader):
    """YAML's last of two equal keys would win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        value = super().construct_mapping(node, deep)  # refuses keys without a hash
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return value


def read_yaml(path: Path) -> object:
    """The file's value. InputError names the line that cannot be read; allowed is one document in UTF-8."""
    size = path.stat().st_size
    if size > LARGEST:
        raise InputError(f"{path}: has {size:,} bytes; allowed: at most {LARGEST:,}")
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_unusual(text, path)
        return yaml.load(text, _Loader)  # which is a SafeLoader
    except BROKEN as error:
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None


def _refuse_unusual(text: str, path: Path) -> None:
    """What a value could not be read by, or would be far larger with than the text is."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = f"{path}: line {event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{line}: the alias *{event.anchor} is not allowed; allowed: values written out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise InputError(f"{line}: the tag {tag} is not allowed; allowed: values without tags")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise InputError(f"{line}: is nested too deeply; allowed: at most {DEEPEST} levels")
