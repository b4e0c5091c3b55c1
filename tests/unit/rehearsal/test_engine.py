"""The error message of a failed engine run."""

from __future__ import annotations

import pytest

from rehearsal.engine import first_error

OUTPUT = """Updating (dev):
 +  aws:iam:Role hello-dev-flow-logs created (1s)
    pulumi:pulumi:Stack hello-platform-dev running error: update failed
Diagnostics:
  pulumi:pulumi:Stack (hello-platform-dev):
    warning: using pulumi-resource-aws from $PATH
    error: update failed
    error: eks:index:ManagedNodeGroup resource 'hello-dev-dev-a' has a problem: grpc: the client connection is closing

  aws:ec2:LaunchTemplate (hello-dev-dev):
    error: creating hello-dev-dev: Launch template name already in use.

  aws:ec2:Vpc (hello-dev):
    error: no more VPCs
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (OUTPUT, "aws:ec2:LaunchTemplate (hello-dev-dev): creating hello-dev-dev: Launch template name already in use"),
        ("error: could not load plugin", "could not load plugin"),
        ("Diagnostics:\n  pulumi:pulumi:Stack (a):\n    error: update failed\n", ""),
        ("", ""),
    ],
)
def test_the_first_error_names_its_resource_and_the_reason(output: str, expected: str) -> None:
    assert first_error(output) == expected
