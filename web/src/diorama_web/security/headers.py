"""Headers that every answer carries."""

from __future__ import annotations

_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
DATA_CSP = b"default-src 'none'; frame-ancestors 'none'"
"""For answers that are no page."""
MEDIA_CSP = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""For pictures and videos, also when somebody opens them by themselves."""
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For our pages: nothing is loaded from elsewhere, and no script but ours runs."""


def with_security_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return ``headers`` with the common ones added and a content policy where none is set."""
    present = {name.lower() for name, _ in headers}
    added = [pair for pair in _COMMON if pair[0] not in present]
    if b"content-security-policy" not in present:
        added.append((b"content-security-policy", DATA_CSP))
    return [*headers, *added]
