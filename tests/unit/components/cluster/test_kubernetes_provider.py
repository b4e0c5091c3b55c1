"""How the kubernetes providers ask the API server."""

from __future__ import annotations

import pytest

from tests.unit.program import STACKS, platform


@pytest.mark.parametrize("stack", STACKS)
def test_no_kubernetes_provider_waits_for_its_own_limit_of_requests(stack: str) -> None:
    providers = platform(stack, preview=False).of_type("pulumi:providers:kubernetes")
    assert providers
    for provider in providers:
        assert provider.inputs["kubeClientSettings"] == '{"burst": 1000, "qps": 500}'
