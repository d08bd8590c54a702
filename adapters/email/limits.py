"""What is read of a mail, at most. More is not lost: the raw source is kept, and the entry says what was left out.

Each stands for a way to make a reader work for ever: the standard library takes 6 s for 32,000 recipients, 5 s for
50,000 parts, 3 s for 20,000 broken encoded words, and fails at a depth of 500.
"""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of a webhook or a mail; larger is refused with 413, by SMTP with 552."""
MOST_DEPTH: Final = 20
MOST_PARTS: Final = 200
MOST_HEADERS: Final = 500
MOST_HEADER_BYTES: Final = 256 * 1024
"""Of all headers of a part."""
MOST_VALUE: Final = 16 * 1024
"""Characters of one header."""
MOST_ADDRESSES: Final = 500
MOST_REFERENCES: Final = 50
MOST_FILES: Final = 25
MOST_FILE_BYTES: Final = 25 * 1024 * 1024
MOST_TEXT: Final = 16_000
"""Characters of what is shown of a text; the whole stands beside it as a file."""
MOST_QUOTED: Final = 64_000
MOST_SIGNATURE: Final = 4_000
MOST_HTML: Final = 512 * 1024
MOST_HTML_DEPTH: Final = 200
MOST_INLINE_BYTES: Final = 1024 * 1024
"""Of the pictures shown inside the HTML, together."""
MOST_FIELDS: Final = 200
"""Of a form; as many more parts of it may be files."""
