"""Sizes of node groups: a change of the limits keeps the live size within them."""

from __future__ import annotations

import pytest

from components.cluster.sizes import Sizes


@pytest.mark.parametrize(
    ("configured", "live", "desired"),
    [
        (Sizes(min=2, desired=2, max=4), None, 2),  # a new group
        (Sizes(min=3, desired=3, max=4), Sizes(min=2, desired=2, max=4), 3),  # the minimum is raised above what runs
        (Sizes(min=2, desired=2, max=5), Sizes(min=2, desired=4, max=4), 4),  # the maximum is raised: no node ends
        (Sizes(min=1, desired=1, max=4), Sizes(min=2, desired=3, max=4), 3),  # the minimum is lowered: no node ends
        (Sizes(min=2, desired=2, max=3), Sizes(min=2, desired=4, max=4), 3),  # the maximum is lowered below what runs
    ],
)
def test_eks_is_sent_the_live_size_within_the_limits(configured: Sizes, live: Sizes | None, desired: int) -> None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html."""
    sent = configured.with_live(live)
    assert (sent.min, sent.desired, sent.max) == (configured.min, desired, configured.max)
