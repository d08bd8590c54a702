"""The HTML of a mail made safe to show in a sandboxed frame (T9, T10), and read as text.

Nothing in it may run, submit, or load: only known elements and attributes stay; addresses of pictures elsewhere are
moved to `data-remote`, where nothing fetches them; pictures of the mail itself (`cid:`) are written into it. Styles
stay where they cannot name an address. Who serves it adds a Content-Security-Policy that would stop what slipped
through.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from html import unescape
from typing import Final

from adapters.email.characters import storable
from adapters.email.limits import MOST_HTML, MOST_HTML_DEPTH, MOST_INLINE_BYTES

_TAGS: Final = frozenset(
    """
    a abbr address b big blockquote br caption center cite code col colgroup dd del dfn div dl dt em font h1 h2 h3 h4 h5
    h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u
    ul var
    """.split()  # noqa: SIM905  # words, and there are many
)
_SILENT: Final = frozenset(
    """
    script style title head noscript template iframe object embed applet svg math textarea select option
    """.split()  # noqa: SIM905
)
_ANYWHERE: Final = frozenset(
    ("style", "align", "valign", "width", "height", "dir", "lang", "title", "bgcolor", "color")
)
_ATTRIBUTES: Final = {
    "*": set(_ANYWHERE),
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "table": {"border", "cellpadding", "cellspacing"},
    "font": {"face", "size"},
    "ol": {"start", "type"},
}
_STYLES: Final = frozenset(
    """
    background-color border border-bottom border-collapse border-color border-left border-radius border-right
    border-spacing border-style border-top border-width color direction display font-family font-size font-style
    font-variant font-weight height letter-spacing line-height list-style-type margin margin-bottom margin-left
    margin-right margin-top max-height max-width min-height min-width padding padding-bottom padding-left padding-right
    padding-top text-align text-decoration text-indent text-transform vertical-align white-space width word-break
    word-spacing word-wrap
    """.split()  # noqa: SIM905
)
# What a value may not hold: an address, an escape that could spell one, a function, a rule.
_LOADS: Final = re.compile(r"\\|url|image|@|expression|/\*|var\s*\(|env\s*\(|attr\s*\(", re.IGNORECASE)
_LINKS: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_BLOCKED: Final = "blocked:"
_PICTURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,40})")
_VOID: Final = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
_BLOCKS: Final = frozenset("p div br li tr table h1 h2 h3 h4 h5 h6 blockquote ul ol pre hr".split())  # noqa: SIM905
_PLAIN_TAG: Final = re.compile(r"<(/?)([a-z0-9]+)>")
_CRUDE_TAG: Final = re.compile(
    r"(?is)<(?:script|style|head|title)\b.{0,20000}?</(?:script|style|head|title)|<[^<>]{0,2000}>"
)


def clean(source: str, pictures: Mapping[str, bytes]) -> str | None:
    """The HTML made safe, or None where it is too long or too deep. `pictures`: the mail's own, by content id."""
    if len(source) > MOST_HTML or _too_deep(source):
        return None
    import nh3  # not needed for mail without HTML

    left = MOST_INLINE_BYTES

    def judge(tag: str, attribute: str, value: str) -> str | None:
        nonlocal left
        if attribute == "style":
            return None if _LOADS.search(value) else value
        if attribute == "href":
            return value if _LINKS.match(value.strip()) else None
        if attribute != "src":
            return value
        found = _picture(value, pictures, left)
        if found is not None:
            left -= len(found)
            return found
        return _BLOCKED + value if re.match(r"https?://", value.strip(), re.IGNORECASE) else None

    cleaned = nh3.clean(
        storable(source),
        tags=set(_TAGS),
        clean_content_tags=set(_SILENT),
        attributes=_ATTRIBUTES,
        attribute_filter=judge,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        filter_style_properties=set(_STYLES),
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return cleaned.replace(f' src="{_BLOCKED}', ' data-remote="')


def _picture(value: str, pictures: Mapping[str, bytes], left: int) -> str | None:
    """A picture of the mail, or written into its HTML, as an address that loads nothing."""
    plain = value.strip()
    if plain[:4].lower() == "cid:":
        data = pictures.get(unescape(plain[4:]).strip("<>"))
    elif plain[:5].lower() == "data:":
        data = _from_data(plain)
    else:
        return None
    kind = sniffed(data) if data is not None else None
    if data is None or kind is None or len(data) * 4 // 3 > left:
        return None
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _from_data(address: str) -> bytes | None:
    head, comma, written = address.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        return None
    try:
        return base64.b64decode(re.sub(r"(?i)\s|%0(?:a|d)", "", written), validate=True)
    except ValueError:
        return None


def sniffed(data: bytes) -> str | None:
    """The kind of a picture that every browser shows without running anything, by its first bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _PICTURES if data.startswith(magic)), None)


def _too_deep(source: str) -> bool:
    """Whether more elements stand open at once than are taken. An end counts only where one of its name is open."""
    opened: dict[str, int] = {}
    depth = 0
    for match in _TAG.finditer(source):
        name = match[2].lower()
        if not match[1]:
            if name not in _VOID:
                opened[name] = opened.get(name, 0) + 1
                depth += 1
                if depth > MOST_HTML_DEPTH:
                    return True
        elif opened.get(name):
            opened[name] -= 1
            depth -= 1
    return False


def text_of(source: str) -> str:
    """HTML as text: a line for each block, `>` before what is quoted."""
    if len(source) > MOST_HTML or _too_deep(source):
        return re.sub(r"\n\s*\n+", "\n\n", unescape(_CRUDE_TAG.sub("\n", source[:MOST_HTML]))).strip()
    import nh3

    plain = nh3.clean(
        storable(source), tags=set(_BLOCKS), clean_content_tags=set(_SILENT), attributes={}, link_rel=None
    )
    lines, depth, position = [""], 0, 0
    for match in (*_PLAIN_TAG.finditer(plain), None):
        written = re.sub(r"[ \t\r\n]+", " ", unescape(plain[position : match.start() if match else len(plain)]))
        lines[-1] += written if lines[-1].strip("> ") else written.lstrip()
        if match is None:
            break
        position = match.end()
        if match[2] == "blockquote":
            depth = max(0, depth + (-1 if match[1] else 1))
        if lines[-1].strip("> ") or match[2] == "br" or (match[2] == "p" and match[1]):
            lines.append("")
        lines[-1] = "> " * depth
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")
