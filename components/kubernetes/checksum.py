"""Checksums of Secrets for annotations of pods that read them at their start only.

Another content is another pod template, so that the pods start anew.
https://helm.sh/docs/howto/charts_tips_and_tricks/#automatically-roll-deployments
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

ANNOTATION = "checksum/secrets"


def checksum(secrets: Mapping[str, Mapping[str, str]]) -> str:
    """64 hexadecimal digits, from which a password cannot be guessed fast.

    scrypt: https://www.rfc-editor.org/rfc/rfc7914

    Args:
        secrets: Data of each Secret in clear text, by its name.
    """
    content = json.dumps({name: dict(data) for name, data in secrets.items()}, sort_keys=True).encode()
    return hashlib.scrypt(content, salt=ANNOTATION.encode(), n=2**14, r=8, p=1, dklen=32).hex()
