"""Damage to JSON: values of other types, deep nesting, huge numbers, control characters, code."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from fuzz.damage import Damage, Unfit
from fuzz.outside import Outside

Change = Callable[[Any, Random, Outside], Any]
"""From a value to what is there instead."""

CONTROLS = ("\x1b[2J\x1b[31mred", "two\nlines", "\u202eemosdnah", "\r\x07\x00", "x" * 100_000)
SIZES = (0, -1, 1, 2**31, 2**62, 10**12, 10**400, 1e308, float("nan"), float("inf"))
NESTED = '"deep nesting"'


def places(content: Any, of: type | tuple[type, ...] = object) -> list[tuple[Any, Any]]:
    """Every place in parsed JSON, as (container, key), whose value is of a type."""
    found: list[tuple[Any, Any]] = []
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in list(pairs):
            if isinstance(value, of):
                found.append((content, key))
            found += places(value, of)
    return found


def at_random(
    content: Any, random: Random, of: type | tuple[type, ...], make: Callable[[Any], Any]
) -> Any:
    """Content with one random value of a type replaced."""
    every = places(content, of)
    if not every:
        raise Unfit
    container, key = random.choice(every)
    container[key] = make(container[key])
    return content


def other_type(content: Any, random: Random, outside: Outside) -> Any:
    """A value of another type."""
    others = [None, True, 3, 2.5, "text", [], {}, [1, "two"], {"three": None}]
    return at_random(content, random, object, lambda _: random.choice(others))


def other_number(content: Any, random: Random, outside: Outside) -> Any:
    """A number that may well be meant."""
    return at_random(content, random, (int, float), lambda v: random.choice([v + 1, v / 2, -v, 7]))


def huge_number(content: Any, random: Random, outside: Outside) -> Any:
    """A number that is too large, or none."""
    return at_random(content, random, (int, float), lambda _: random.choice(SIZES))


def hostile_name(content: Any, random: Random, outside: Outside) -> Any:
    """A text with control characters, or a long one."""
    return at_random(content, random, str, lambda _: random.choice(CONTROLS))


def path_outside(content: Any, random: Random, outside: Outside) -> Any:
    """The path of a file outside in place of a text."""
    names = [str(outside.words), f"../{outside.folder.name}/{outside.numbers.name}", "/dev/zero"]
    return at_random(content, random, str, lambda _: random.choice(names))


def code(content: Any, random: Random, outside: Outside) -> Any:
    """Code, or the name of some, in place of a text."""
    run = f"open({str(outside.canary)!r}, 'w')"
    choices = [run, f"__import__('os').system('touch {outside.canary}')", "planted:build"]
    choices += ["python:planted:build", "planted", f"{{{{ {run} }}}}", f"$(touch {outside.canary})"]
    return at_random(content, random, str, lambda _: random.choice(choices))


def without_key(content: Any, random: Random, outside: Outside) -> Any:
    """A key or an item is not there."""
    every = places(content)
    if not every:
        raise Unfit
    container, key = random.choice(every)
    del container[key]
    return content


def other_key(content: Any, random: Random, outside: Outside) -> Any:
    """A key has another name."""
    every = [(container, key) for container, key in places(content) if isinstance(key, str)]
    if not every:
        raise Unfit
    container, key = random.choice(every)
    container[random.choice([*CONTROLS, "", key.upper(), f"{key}s"])] = container.pop(key)
    return content


def other_root(content: Any, random: Random, outside: Outside) -> Any:
    """The whole is of another type."""
    return random.choice([None, 3, "text", [], {}, [content], {"content": content}])


def nested(content: Any, random: Random, outside: Outside) -> Any:
    """A value is deeply nested; see ``dump``."""
    return at_random(content, random, object, lambda _: json.loads(NESTED))


CHANGES: dict[str, Change] = {
    "other-type": other_type,
    "other-number": other_number,
    "huge-number": huge_number,
    "hostile-name": hostile_name,
    "path-outside": path_outside,
    "code-as-text": code,
    "without-key": without_key,
    "other-key": other_key,
    "other-root": other_root,
    "nested": nested,
}


def dump(content: Any, random: Random) -> str:
    """JSON text, with the place that ``nested`` marked 100,000 levels deep."""
    text = json.dumps(content)
    opened, closed = random.choice([("[", "]"), ('{"a":', "}")])
    depth = random.choice([1000, 100_000])
    return text.replace(NESTED, f"{opened * depth}1{closed * depth}")


def change_text(text: str, change: Change, random: Random, outside: Outside) -> str:
    """JSON text after a change.

    Raises:
        Unfit: if the text is no JSON, or has nothing to change.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise Unfit from error
    return dump(change(content, random, outside), random)


def on_json(change: Change) -> Damage:
    """A damage of a JSON file."""

    def damage(path: Path, random: Random, outside: Outside) -> None:
        text = change_text(path.read_text(encoding="utf-8"), change, random, outside)
        path.write_text(text, encoding="utf-8")

    return damage


def on_safetensors(change: Change) -> Damage:
    """A damage of the JSON that a file of safetensors begins with; its length is right."""

    def damage(path: Path, random: Random, outside: Outside) -> None:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        head = content[8 : 8 + length].decode()
        text = change_text(head, change, random, outside).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])

    return damage


def toml_lines(path: Path, random: Random, outside: Outside) -> None:
    """A value of a TOML file of ``name = number`` is something else."""
    lines = path.read_text(encoding="utf-8").splitlines()
    i = random.randrange(len(lines))
    name = lines[i].partition("=")[0]
    values = ["'text'", "[1, 2]", "true", "1e999", "nan", "-1", "10", "{a = 1}", "9" * 5000]
    values += ["[" * 5000, "[" * 5000 + "]" * 5000, "'\\u001b[2J'", '"\\u001b[2J"', ""]
    lines[i] = random.choice([f"{name}= {random.choice(values)}", f"{lines[i]}\n{lines[i]}"])
    path.write_text("\n".join(lines), encoding="utf-8")


JSON: dict[str, Damage] = {name: on_json(change) for name, change in CHANGES.items()}
SAFETENSORS: dict[str, Damage] = {name: on_safetensors(c) for name, c in CHANGES.items()}
TOML: dict[str, Damage] = {"other-value": toml_lines}
