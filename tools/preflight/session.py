"""The AWS APIs that the checks ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]


@dataclass(frozen=True)
class Aws:
    """Clients of one region, and the identity that asks.

    Attributes:
        region: AWS region of the clients.
    """

    region: str

    def client(self, service: str) -> Any:
        """A boto3 client with short time-outs, as a person waits."""
        config = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 2, "mode": "standard"})
        return self._session.client(service, config=config)

    @cached_property
    def _session(self) -> Any:
        return cast("Any", boto3).Session(region_name=self.region)

    @cached_property
    def caller(self) -> dict[str, str]:
        """`Account` and `Arn` of the credentials' identity."""
        return self.client("sts").get_caller_identity()

    def cluster(self, stack: str) -> dict[str, Any] | None:
        """The stack's cluster as EKS describes it; None before the first `up`."""
        try:
            return self.client("eks").describe_cluster(name=f"hello-{stack}")["cluster"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None

    @property
    def partition(self) -> str:
        """The identity's partition: `aws`, `aws-cn` or `aws-us-gov`."""
        return self.caller["Arn"].split(":")[1]

    @property
    def caller_role(self) -> str | None:
        """Name of the IAM role of the identity; None for a user or the root user.

        An assumed role's ARN has the role's name without its path.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
        """
        kind, _, rest = self.caller["Arn"].split(":", 5)[5].partition("/")
        return rest.split("/")[0] if kind == "assumed-role" else None
