"""`python -m tools.preflight --stack NAME`: what would stop the first `pulumi up` of a stack, and what to do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import config
from tools.findings import Finding, show, stop
from tools.preflight import account, stack_file, surroundings
from tools.preflight.session import Aws

CHECKOUT = Path(__file__).resolve().parents[2]


def findings(settings: config.Settings, stack: str) -> Iterator[Finding]:
    """All findings; without credentials only those that need none."""
    aws = Aws(settings.region)
    yield from surroundings.pulumi_cli(stack)
    try:
        yield from account.identity(aws, settings)
    except surroundings.UNANSWERED as error:
        yield stop("credentials", str(error), "set AWS_PROFILE, or log in, e.g. with `aws sso login`")
        return
    checks = {
        "creator": lambda: account.cluster_creator(aws, settings, stack),
        "zones": lambda: account.zones(aws, settings),
        "instance types": lambda: account.instance_types(aws, settings),
        "EBS key": lambda: account.volume_key(aws, settings),
        "Docker Hub login": lambda: account.docker_hub_secret(aws, settings),
        "quotas": lambda: account.quotas(aws, settings, stack),
        "Kubernetes API": lambda: surroundings.kubernetes_api(aws, settings, stack),
        "DNS zone": lambda: surroundings.dns(aws, settings),
        "certificate": lambda: surroundings.certificate(aws, settings),
    }
    for subject, check in checks.items():
        try:
            yield from check()
        except surroundings.UNANSWERED as error:
            yield stop(subject, str(error), "the credentials that make the cluster may read this, too")


def main() -> int:
    """Prints the findings; 1 if one of them stops the first `up`."""
    parser = argparse.ArgumentParser(prog="python -m tools.preflight", description=__doc__)
    parser.add_argument("--stack", default="dev", help="the stack: one of the Pulumi.NAME.yaml; %(default)s by default")
    parser.add_argument(
        "--stacks", type=Path, default=CHECKOUT, help="the folder of these files; the checkout by default"
    )
    arguments = parser.parse_args()
    stack = arguments.stack
    try:
        settings = stack_file.read(arguments.stacks / f"Pulumi.{stack}.yaml")
    except (FileNotFoundError, config.SettingsError) as error:
        sys.exit(f"error: {error}")
    return show(findings(settings, stack))


if __name__ == "__main__":
    sys.exit(main())
