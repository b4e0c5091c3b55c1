"""Encryption with a passphrase as the engine does it: `pulumi config set` takes a third of a second for each value.

https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/resource/config/crypt.go
https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/secrets/passphrase/manager.go
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ITERATIONS, KEY_BYTES, NONCE_BYTES = 1_000_000, 32, 12
KNOWN_TEXT = b"pulumi"


def encryption(passphrase: str, encryption_salt: str) -> Callable[[str], str]:
    """What encrypts a value for a stack file with this `encryptionsalt`.

    Args:
        passphrase: The stack's.
        encryption_salt: `v1:SALT:` and a known text, encrypted, by which the engine recognizes the passphrase.

    Raises:
        ValueError: The salt is malformed, or belongs to another passphrase.
    """
    match encryption_salt.split(":"):
        case ["v1", salt, "v1", nonce_of_known, known]:
            pass
        case _:
            raise ValueError(f"encryptionsalt is not of the form v1:SALT:v1:NONCE:TEXT: {encryption_salt or 'missing'}")
    cipher = AESGCM(hashlib.pbkdf2_hmac("sha256", passphrase.encode(), b64decode(salt), ITERATIONS, KEY_BYTES))

    def encrypt(text: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        return f"v1:{b64encode(nonce).decode()}:{b64encode(cipher.encrypt(nonce, text.encode(), None)).decode()}"

    try:
        is_known = cipher.decrypt(b64decode(nonce_of_known), b64decode(known), None) == KNOWN_TEXT
    except InvalidTag:
        is_known = False
    if not is_known:
        raise ValueError("encryptionsalt is of another passphrase")
    return encrypt
