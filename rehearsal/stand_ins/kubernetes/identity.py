"""What an object is and how it is called: type tokens, ids, generated names."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

AUTONAMED = "pulumi.com/autonamed"
"""Annotation on an object whose name was generated, so that a replacement may have another one."""

_SUFFIX_BYTES = 4


@dataclass(frozen=True)
class TypeToken:
    """A Pulumi type of this provider, e.g. `kubernetes:apps/v1:Deployment`.

    Attributes:
        group: API group; empty for the core group, whose types say `core`.
        version: API version, e.g. `v1`.
        kind: Kind, e.g. `Deployment`.
    """

    group: str
    version: str
    kind: str

    @classmethod
    def of_urn(cls, urn: str) -> TypeToken:
        """The type of the resource that a URN names.

        Raises:
            ValueError: The type is not of the form `kubernetes:GROUP/VERSION:KIND`.
        """
        return cls.parse(type_of_urn(urn))

    @classmethod
    def parse(cls, token: str) -> TypeToken:
        """Reads a token.

        Raises:
            ValueError: It is not of the form `kubernetes:GROUP/VERSION:KIND`.
        """
        package, _, rest = token.partition(":")
        module, _, kind = rest.rpartition(":")
        group, slash, version = module.rpartition("/")
        if package != "kubernetes" or not slash or not group or not version or not kind:
            raise ValueError(f"{token} is no type of a Kubernetes object: kubernetes:GROUP/VERSION:KIND expected")
        return cls("" if group == "core" else group, version, kind)

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version


def type_of_urn(urn: str) -> str:
    """The resource's own type: the last one of the parents' chain in `urn:pulumi:STACK::PROJECT::A$B::NAME`."""
    return urn.split("::", 3)[2].rpartition("$")[2]


def name_of_urn(urn: str) -> str:
    """The resource's name in the program."""
    return urn.split("::", 3)[3]


def object_id(namespace: str | None, name: str) -> str:
    """The resource id of an object: `NAMESPACE/NAME`, or `NAME` without a namespace."""
    return f"{namespace}/{name}" if namespace else name


def parse_object_id(identifier: str) -> tuple[str | None, str]:
    """Namespace and name of an object id."""
    namespace, slash, name = identifier.partition("/")
    return (namespace, name) if slash else (None, identifier)


def generated_name(prefix: str, seed: bytes = b"") -> str:
    """The prefix and eight hexadecimal digits, random, or decided by the seed where the engine gave one."""
    suffix = hashlib.blake2b(seed, digest_size=_SUFFIX_BYTES, person=b"name").hexdigest()
    return prefix + (suffix if seed else secrets.token_hex(_SUFFIX_BYTES))
