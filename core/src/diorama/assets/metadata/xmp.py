"""The XMP packet: where the picture came from, in the words of the IPTC, and our recipe."""

from __future__ import annotations

import html
import re
from xml.sax.saxutils import quoteattr

TRAINED = "trainedAlgorithmicMedia"
"""Made by a model alone."""

COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
"""Somebody's picture, changed by a model."""

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_TEMPLATE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:diorama="urn:diorama:recipe:1"
 xmp:CreatorTool={tool} Iptc4xmpExt:DigitalSourceType={source_type}{recipe}/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def build(tool: str, source_type: str, recipe_json: str = "") -> str:
    """Return a packet.

    Args:
        tool: Program and version.
        source_type: :data:`TRAINED` or :data:`COMPOSITE`.
        recipe_json: Our recipe in ASCII JSON, where the container has no better place for it.
    """
    recipe = f" diorama:recipe={quoteattr(recipe_json)}" if recipe_json else ""
    return _TEMPLATE.format(
        tool=quoteattr(tool), source_type=quoteattr(_SOURCE_TYPES + source_type), recipe=recipe
    )


def read_source_type(packet: str) -> str | None:
    """Return the digital source type of a packet, without its address."""
    found = re.search(
        r"DigitalSourceType(?:\s*=\s*[\"']|>\s*)[^\"'<]{0,200}?digitalsourcetype/(\w{1,60})", packet
    )
    return found.group(1) if found else None


def read_recipe(packet: str) -> str | None:
    """Return the JSON of our recipe, if the packet holds one. No XML parser sees foreign data."""
    found = re.search(r"diorama:recipe=(\"[^\"]*\"|'[^']*')", packet)
    return html.unescape(found.group(1)[1:-1]) if found else None
