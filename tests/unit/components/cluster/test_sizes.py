"""Sizes of node groups: a change of the limits keeps the live size within them."""

from __future__ import annotations

import pytest

from components.cluster.sizes import Sizes


@pytest.mark.parametrize(
    ("configured", "live", "desired"),
    [
        (Sizes(2, 2, 4), None, 2),  # a new group
        (Sizes(3, 3, 4), Sizes(2, 2, 4), 3),  # the minimum is raised above what runs
        (Sizes(2, 2, 5), Sizes(2, 4, 4), 4),  # the maximum is raised: no node ends
        (Sizes(1, 1, 4), Sizes(2, 3, 4), 3),  # the minimum is lowered: no node ends
        (Sizes(2, 2, 3), Sizes(2, 4, 4), 3),  # the maximum is lowered below what runs
    ],
)
def test_eks_is_sent_the_live_size_within_the_limits(configured: Sizes, live: Sizes | None, desired: int) -> None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html."""
    sent = configured.with_live(live)
    assert (sent.min, sent.desired, sent.max) == (configured.min, desired, configured.max)
