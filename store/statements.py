"""Cut an SQL script into its statements, for the scripts that may not run as one."""

from __future__ import annotations

import re

# What may hold a semicolon that ends nothing, and the semicolon that does.
TOKEN = re.compile(
    r"""
      --[^\n]*                                  # comment to the end of the line
    | /\*.*?\*/                                 # comment (nested ones are not understood)
    | [eE]'(?:[^'\\]|\\.|'')*'                  # string with backslash escapes
    | '(?:[^']|'')*'                            # string
    | "(?:[^"]|"")*"                            # quoted name
    | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag) # dollar-quoted string
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def split_statements(script: str) -> list[str]:
    """The statements of `script` in order, without their semicolons; stretches of nothing but comments are left out."""
    pieces, begin = [], 0
    for token in TOKEN.finditer(script):
        if token["end"]:
            pieces.append(script[begin : token.start()])
            begin = token.end()
    pieces.append(script[begin:])
    return [piece.strip() for piece in pieces if COMMENT.sub("", piece).strip()]
