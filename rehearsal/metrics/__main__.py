"""Keeps the samples of the rehearsal in the environment fresh, until it is ended."""

from __future__ import annotations

import sys
import time

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.metrics import load, samples
from release.kubernetes_api import KubernetesApi, KubernetesApiError

SECONDS_BETWEEN_SAMPLES = 10.0


def main(layout: Layout) -> None:
    """Takes one sample after another; what goes wrong is told, and is over when it is over."""
    told = ""
    while True:
        try:
            api = KubernetesApi(layout.kubeconfig)
            while True:
                samples.take(api, load.read(layout))
                time.sleep(SECONDS_BETWEEN_SAMPLES)
        except (KubernetesApiError, RehearsalError) as error:
            if str(error) != told:
                told = str(error)
                sys.stderr.write(f"{told}\n")
            time.sleep(SECONDS_BETWEEN_SAMPLES)


if __name__ == "__main__":
    main(Layout.of_environment())
