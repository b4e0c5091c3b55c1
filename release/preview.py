"""The size of a new slot before users reach it: a pure function of the plan."""

from __future__ import annotations

from release import pauses
from release.goals import Deploy, LiveGoal
from release.progress import Progress
from release.state import ServiceState


def size(state: ServiceState, goal: LiveGoal, progress: Progress) -> int:
    """Number of pods that the slot of a release needs now: few until it has passed what comes before users reach it.

    A slot that has more, as another run of the same release left it, keeps them: nothing needs to be remembered.
    """
    is_early = not progress.smoke_tested or pauses.step(state, pauses.BEFORE_SWITCH) is not None
    few = state.preview_replicas
    # Where the live slot does not serve, users wait for this one.
    if few is None or not isinstance(goal, Deploy) or state.exclusive or not state.live_slot.serves():
        return state.size
    return min(few, state.size) if is_early else state.size
