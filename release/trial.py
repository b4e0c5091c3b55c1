"""What a run tries a new version by: its smoke test, the watch of its answers, and the analysis by metrics.

Each call ends soon, so that the plan looks at the service again in between: users may have to be rescued.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from release import history, probe, smoke
from release.analysis.analyst import Analyst
from release.analysis.course import AFTER_SWITCH
from release.analysis.judgement import Verdict, plural
from release.context import Context
from release.hold import Hold
from release.http import Answer, Target
from release.state import ServiceState
from release.steps import Analyze

ANALYSIS_SECONDS = 5
"""From one look at the metrics to the next: so long users may wait for a rescue meanwhile."""


class FailedTrialError(Exception):
    """The new version has failed; the message says why."""


class Trial:
    """The trials of one run.

    Args:
        context: The surroundings.
        pause: Waits for some seconds.
        report: Reports a line to who runs the tool.
    """

    def __init__(self, context: Context, pause: Callable[[float], None], report: Callable[[str], None]) -> None:
        self._context = context
        self._pause = pause
        self._report = report
        self._analyst = Analyst(context.clock, lambda state, analysis: context.metrics(context.api, state, analysis))
        self._baseline = probe.Sample(0, 0)
        self._hold: Hold | None = None
        self._is_probed = False

    @property
    def has_baseline(self) -> bool:
        """Whether the answers before the switch are known: some slot served then."""
        return self._baseline.tries > 0

    def check(self, state: ServiceState) -> None:
        """Asks the sources of metrics once, before anything is changed.

        Raises:
            ReleaseError: One does not answer.
        """
        self._analyst.check(state)

    def smoke_test(self, state: ServiceState, slot: str) -> None:
        """Smoke tests a slot; then takes the answers of the live one, to compare with.

        Raises:
            FailedTrialError: The test failed.
        """
        self._report(f"Smoke test of slot {slot}: {state.smoke_test.path}")
        failure = smoke.failure(
            state.smoke_test, self._get(state.preview_target), now=self._context.clock.now, pause=self._pause
        )
        if failure is not None:
            raise FailedTrialError(f"the smoke test failed: {failure}")
        if state.live_slot.serves():
            self._baseline = probe.measure(
                state.smoke_test,
                self._get(state.active_target),
                tries=probe.TRIES_BEFORE,
                pause=lambda: self._pause(probe.PAUSE_BEFORE_SECONDS),
            )

    def at_weight(self, state: ServiceState, step: Analyze) -> bool:
        """One turn of the watch of a new slot at a weight: whether it is over, and the slot has passed.

        Raises:
            FailedTrialError: The slot has failed.
        """
        seconds = state.begun.step_seconds
        if self._hold is None or self._hold.step != step:
            self._hold = Hold(step, self._context.clock.now(), seconds, probe.Sample(0, 0))
            self._report(f"Watching slot {step.slot} at {step.weight} % for {seconds:g} s")
        ask, test = self._get(state.preview_target), state.smoke_test
        self._hold = self._hold.after_turn(test, ask, lambda: self._pause(probe.PAUSE_SECONDS))
        failure = self._hold.failure(test, self._baseline)
        if failure is not None:
            raise FailedTrialError(failure)
        return self._measure(state, step.slot, step.weight) and self._hold.is_over(self._context.clock.now())

    def after_switch(self, state: ServiceState, slot: str) -> bool:
        """One turn of the trial after the switch: whether it is over, and the slot has passed.

        Raises:
            FailedTrialError: The slot has failed.
        """
        if not self._is_probed:
            self._probe(state)
            self._is_probed = True
        return self._measure(state, slot, AFTER_SWITCH)

    def _probe(self, state: ServiceState) -> None:
        """Sends the smoke test's request to the active Service, for the time of the watch."""
        tries = max(1, round(self._context.limits.watch / probe.PAUSE_SECONDS))
        self._report(f"Watching the answers of {state.service} for {self._context.limits.watch:g} s")
        after = probe.measure(
            state.smoke_test,
            self._get(state.active_target),
            tries=tries,
            pause=lambda: self._pause(probe.PAUSE_SECONDS),
            is_enough=lambda bad: probe.is_worse(self._baseline, probe.Sample(tries, bad)),
        )
        if probe.is_worse(self._baseline, after):
            raise FailedTrialError(
                f"worse after the switch: {probe.comparison(self._baseline, after, state.smoke_test)}"
            )

    def _measure(self, state: ServiceState, slot: str, weight: int) -> bool:
        """Whether the analysis by metrics of a slot at a weight is over, if there is one, and the release goes on."""
        if state.analysis is None:
            return True
        result = self._analyst.look(state, slot, weight)
        if result is None:
            self._report(f"Analysis of slot {slot} at {weight} %: {self._analyst.progress}")
            self._pause(ANALYSIS_SECONDS)
            return False
        running = state.begun
        if result not in running.analyses:
            running = replace(running, analyses=(*running.analyses, result))
            history.write(self._context.api, state.environment, state.service, running)
        self._report(f"Slot {slot}: {result}")
        if result.verdict is Verdict.PASSED or (
            result.verdict is Verdict.UNDECIDED and state.analysis.goes_on_undecided
        ):
            return True
        seen = sum(one.requests for one in running.analyses)
        said = f"the analysis at {weight} % {result.verdict}: {result.reason}"
        raise FailedTrialError(f"{said}; at least {plural(seen, 'request')} of users reached it")

    def _get(self, target: Target) -> Callable[[str, float], Answer]:
        """A GET of a Service, by path and time-out in seconds."""
        return lambda path, timeout: self._context.caller.get(target, path, timeout=timeout)
