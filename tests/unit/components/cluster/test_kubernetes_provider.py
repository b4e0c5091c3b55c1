"""Settings of the Kubernetes providers."""

from __future__ import annotations

import pytest

from tests.unit.program import STACKS, platform


@pytest.mark.parametrize("stack", STACKS)
def test_kubernetes_providers_have_a_high_request_limit(stack: str) -> None:
    providers = platform(stack, preview=False).of_type("pulumi:providers:kubernetes")
    assert providers
    for provider in providers:
        assert provider.inputs["kubeClientSettings"] == '{"burst": 1000, "qps": 500}'
