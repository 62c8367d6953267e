"""The settings of a probe: the range, weights or window that its numbers were computed with.

They go into the store beside the numbers, so that a report says them wherever it is made.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from xxhash import xxh3_64_hexdigest

from genprobe.errors import Notice

SETTINGS = "probe-settings-"
"""What the code of a notice begins with that holds settings."""
ATTRIBUTE = "genprobe_settings"
AnyProbe = TypeVar("AnyProbe", bound=Callable[..., Any])


def with_settings(settings: Callable[[], Mapping[str, Any]]) -> Callable[[AnyProbe], AnyProbe]:
    """Say with which settings a probe computes its numbers; they go into the provenance.

    Examples that were encoded under other settings make no estimate together.

    Args:
        settings: gives plain values by name, as JSON has them; called while encoding.

    Example:
        >>> @with_settings(lambda: {"range": [0, 1]})
        ... def brightness(x): ...
        >>> settings_by_probe([settings_notice("brightness", brightness)])
        {'brightness': [{'range': [0, 1]}]}
    """

    def attach(probe: AnyProbe) -> AnyProbe:
        setattr(probe, ATTRIBUTE, settings)
        return probe

    return attach


def settings_notice(name: str, probe: Callable[..., Any]) -> Notice | None:
    """The settings of a probe as a store keeps them; None where it says none.

    Args:
        name: of the probe.
        probe: its function.
    """
    settings = getattr(probe, ATTRIBUTE, None)
    if settings is None:
        return None
    text = json.dumps({"probe": name, "settings": settings()}, sort_keys=True)
    code = f"{SETTINGS}{name.replace('_', '-')}-{xxh3_64_hexdigest(text.encode())}"
    return Notice(code=code, message=text, remedy="")


def settings_by_probe(notices: Iterable[Notice]) -> dict[str, list[dict[str, Any]]]:
    """The settings that a store has, by probe: several where its parts were made under different.

    Args:
        notices: of a store.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for notice in notices:
        if notice.code.startswith(SETTINGS):
            content = json.loads(notice.message)
            found.setdefault(content["probe"], []).append(content["settings"])
    return found
