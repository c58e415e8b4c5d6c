"""A link that brings an edit, as a reader could write it by hand."""

from __future__ import annotations

import base64
import json
import zlib


def link_with(script: str, block: str, **more: object) -> str:
    """The hash of a link that brings this script to a block, and perhaps the `values` of its controls."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps({"block": block, "hash": "00000000", "script": script, **more}).encode())
    return f"#try=1.{base64.urlsafe_b64encode(packed + packer.flush()).decode().rstrip('=')}"
