"""What uploaders write, made harmless."""

from __future__ import annotations

import re

_TAGS = {
    "a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre",
    "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_LONGEST = 100_000


def clean_html(text: str) -> str:
    """Return the HTML of a description without scripts, styles, pictures, forms and handlers; links open apart."""
    import nh3

    return nh3.clean(
        text[:_LONGEST],
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )


def plain_text(text: str, longest: int = 300) -> str:
    """Return a description as one line of at most ``longest`` characters, without any markup."""
    import html

    import nh3

    spaced = re.sub(r"(?i)<(br|/p|/li|/h\d)\b[^>]*>", " ", text[:_LONGEST])
    words = " ".join(html.unescape(nh3.clean(spaced, tags=set())).split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
