"""Signs in an encoding that lacks them: ± as +/-, β as beta, bars as digits, others by number."""

import unicodedata

SPELT = {
    **{"±": "+/-", "−": "-", "–": "-", "—": "-", "…": "...", "‖": "||", "’": "'", "′": "'"},
    **{"≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "→": "->", "∝": "~", "√": "sqrt", "∞": "inf"},
    **{"∫": "int", "×": "x", "·": ".", "†": "+", "⁻": "-", "⁄": "/", "\xa0": " ", "£": "GBP"},
    **{"■": "#", "▲": "^", "▼": "v", "◆": "%", "○": "O", "●": "o", "★": "*", "✖": "x"},
    **{bar: str(i) for i, bar in enumerate("▁▂▃▄▅▆▇█", 1)},
}
"""What stands for a sign that genprobe itself prints."""


def in_encoding(text: str, encoding: str) -> str:
    """A text with every sign replaced that an encoding lacks.

    Args:
        text: any.
        encoding: by its name in Python.

    >>> in_encoding("β = 1 ± 0.5", "latin-1"), in_encoding("Ĥ ≤ ▁█", "ascii")
    ('beta = 1 ± 0.5', 'H <= 18')
    """
    if has_all(text, encoding):
        return text
    return "".join(c if has_all(c, encoding) else spelt(c) for c in text)


def has_all(text: str, encoding: str) -> bool:
    """Whether an encoding has every sign of a text."""
    try:
        bytes(text, encoding)
    except UnicodeError:
        return False
    return True


def spelt(sign: str) -> str:
    r"""A sign in ASCII.

    >>> spelt("β"), spelt("²"), spelt("é"), spelt("┼"), spelt("⣿"), spelt("中")
    ('beta', '2', 'e', '+', '*', '\\u4e2d')
    """
    name = unicodedata.name(sign, "")
    if sign in SPELT:
        return SPELT[sign]
    if name.startswith("GREEK ") and " LETTER " in name:
        letter = name.split(" LETTER ")[1].split()[0]
        return letter.capitalize() if "CAPITAL" in name else letter.lower()
    if "\u2500" <= sign <= "\u257f":  # box drawing
        line = "" if " AND " in name else name.split()[-1]
        return {"HORIZONTAL": "-", "VERTICAL": "|"}.get(line, "+")
    if "\u2580" <= sign <= "\u28ff":  # blocks, shapes, dots of Braille
        return "*"
    plain = unicodedata.normalize("NFKD", sign)
    plain = "".join(SPELT.get(c, c) for c in plain if not unicodedata.combining(c))
    return plain if plain.isascii() else str(bytes(sign, "ascii", "backslashreplace"), "ascii")
