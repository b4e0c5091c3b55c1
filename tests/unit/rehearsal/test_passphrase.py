"""Encryption as the engine's: that it reads the values is seen in every `up`."""

from __future__ import annotations

import pytest

from rehearsal.passphrase import encryption

SALT = "v1:mxysZB5koSU=:v1:SGeM6+yqxIPrZXyK:xgbF9rvqQbSNlb+RW0MfRt+tAcMxgA=="


def test_a_salt_of_the_engine_is_known() -> None:
    encrypt = encryption("rehearsal", SALT)
    first, second = encrypt("text"), encrypt("text")
    assert first != second, "each has a nonce of its own"
    assert first.startswith("v1:")


@pytest.mark.parametrize(
    ("passphrase", "salt", "said"),
    [
        ("another", SALT, "of another passphrase"),
        ("rehearsal", SALT.replace("v1:", "v2:", 1), "not of the form"),
        ("rehearsal", "", "missing"),
    ],
)
def test_a_salt_of_another_passphrase_or_version_is_refused(passphrase: str, salt: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encryption(passphrase, salt)
