#!/usr/bin/env python3
"""Writes recipe/tokenizer/unicode_classes.inc: the code points that HF tokenizers' regular
expressions take for letters, numbers and white space, as ranges.

Asked of the library itself, so that the Unicode version is the one it uses.
Needs: pip install 'tokenizers==0.23.*'. With --check, compares instead of writing.
"""
import argparse
import pathlib
import sys

import tokenizers
from tokenizers import Regex, pre_tokenizers

CLASSES = [("kLetter", r"\p{L}"), ("kNumber", r"\p{N}"), ("kSpace", r"\s")]
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "recipe" / "unicode_classes.inc"


def members(pattern):
    """The code points that match: what is left when all others are removed."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    found = []
    for start in range(0, len(CODE_POINTS), 4096):
        text = "".join(map(chr, CODE_POINTS[start : start + 4096]))
        for piece, _ in split.pre_tokenize_str(text):
            found.extend(map(ord, piece))
    return found


def ranges(code_points, name):
    out = []
    for c in sorted(code_points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c, name])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    rows = sorted(r for name, pattern in CLASSES for r in ranges(members(pattern), name))
    for one, other in zip(rows, rows[1:]):
        assert one[1] < other[0], "a code point in two classes"
    lines = [
        f"// Written by tests/oracle/make_unicode_classes.py from tokenizers {tokenizers.__version__};"
        " do not edit.",
        "// {first, last, class}, sorted; code points in no range are of class kOther.",
    ]
    lines += ["{0x%X, 0x%X, CharClass::%s}," % tuple(r) for r in rows]
    text = "\n".join(lines) + "\n"
    if not arguments.check:
        OUTPUT.write_text(text)
    elif OUTPUT.read_text().splitlines()[1:] != text.splitlines()[1:]:
        sys.exit(f"{OUTPUT} is not what tokenizers {tokenizers.__version__} says")
    print(f"{len(rows)} ranges, tokenizers {tokenizers.__version__}")


if __name__ == "__main__":
    main()
