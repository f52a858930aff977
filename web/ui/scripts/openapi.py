"""Write the OpenAPI document of the server to a file, without a server: the studio's types are made from it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path


def document() -> str:
    """Return the document as JSON with sorted keys, as served at ``/openapi.json``."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIORAMA_HOME"] = home
        os.environ["DIORAMA_PLUGINS_ALLOW"] = "none"
        from diorama.engine import Engine
        from diorama.settings import load_settings
        from diorama_web.app import create_app
        from diorama_web.routes.docs import openapi_document
        from starlette.requests import Request

        engine = Engine(load_settings())
        engine.start()
        try:
            request = Request({"type": "http", "app": create_app(engine), "headers": []})
            plain = json.loads(bytes(openapi_document(request).body))
        finally:
            engine.close()
    plain["info"]["version"] = ""
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
