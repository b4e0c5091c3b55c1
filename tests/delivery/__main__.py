"""From a commit to production on a running rehearsal: `python -m tests.delivery`, after `make up`.

It makes a repository with a Dockerfile, and runs on it the commands of both pipelines, as Jenkins would: a commit that
goes to dev and, once you agree, to prod; and one whose tests fail.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rehearsal.layout import Layout
from tests.delivery.buildkit import Delivery
from tests.delivery.jenkins import Build
from tests.delivery.workshop import SERVICE, missing, opened
from tests.unit.program import config_of


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def told(build: Build) -> bool:
    """Says how a build went, and its log where it did not go well."""
    say(f"  {' -> '.join(build.ran)}: {build.result}")
    if build.result == "FAILURE":
        say("\n".join(f"    {line}" for line in build.log.strip().splitlines()[-1:]))
    return build.result == "SUCCESS"


parser = argparse.ArgumentParser(prog="python -m tests.delivery", description=__doc__)
parser.add_argument("--stack", default="dev", help="a stack that `make up` brought up: %(default)s")
parser.add_argument("--yes", action="store_true", help="agree to prod without being asked")
given = parser.parse_args()
if reason := missing():
    sys.exit(f"error: {reason}")
layout = Layout.of_stack(given.stack)
if not layout.kubeconfig.exists():
    sys.exit(f"error: no rehearsal of {given.stack}: make up STACK={given.stack}")
delivery = Delivery(given.stack, config_of(layout.workspace / f"Pulumi.{given.stack}.yaml"))
with tempfile.TemporaryDirectory() as folder, opened(delivery, layout.kubeconfig, Path(folder)) as workshop:
    say(f"commit {workshop.source.commit('1')[:12]} of {SERVICE}: version 1")
    if not told(workshop.build("dev")):
        sys.exit(1)
    say(f"  dev answers: {workshop.answer('dev')}")
    say(f"Bring {workshop.containers.image('dev', SERVICE)} to prod?")
    agreed = given.yes or input("  [y/N] ").lower() == "y"
    if told(workshop.build("prod", approves=agreed)):
        say(f"  prod answers: {workshop.answer('prod')}")
    say(f"commit {workshop.source.commit('2', health='bad')[:12]} of {SERVICE}: version 2, whose tests fail")
    told(workshop.build("dev"))
    say(f"  dev answers: {workshop.answer('dev')}")
