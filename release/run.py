"""One run of the release tool for one service: observe, plan, carry out one step, until the goal is reached."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from contract.identities import RECONCILER, username
from kube.client import KubernetesApiError
from release import changes, events, history, pauses, weights
from release.analysis.judgement import Verdict
from release.context import Context, Limits
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Goal, Resume, Rollback
from release.history import Action, Entry, Outcome
from release.hooks import run as hooks
from release.hooks.plan import ended_runs, failure_after
from release.hooks.values import BLOCKING
from release.lock import Holder, Lock
from release.messages import describe, image_of, named, where_to_look
from release.observe import observe
from release.plan import next_step
from release.progress import Progress
from release.retries import retrying
from release.state import OpenConnections, ServiceState, open_connections
from release.steps import (
    Analyze,
    ApplyTemplate,
    Await,
    AwaitEndpoints,
    AwaitGone,
    AwaitHook,
    AwaitReady,
    AwaitWeights,
    Begin,
    Change,
    Decide,
    Done,
    EndHook,
    Finish,
    Pause,
    Refusal,
    RetargetAutoscaler,
    RunHook,
    Scale,
    ScaleToZero,
    Settle,
    SetWeights,
    SmokeTestSlot,
    Step,
    SwitchActive,
    SwitchPreview,
)
from release.trial import FailedTrialError, Trial
from release.waiting import Wait

RECONCILER_SECONDS = 50
"""A run waits for the reconciler at least so long: most of what that does takes seconds, and what moves the load
balancer's weights half a minute more; and nobody asked for it."""

SETTLE_SECONDS = 3
"""The longest turn of a wait, in which users may lose a slot, and the lock is not renewed."""

__all__ = ["Context", "Limits", "Result", "reconcile"]


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes:
        state: The service at its end.
        message: The result in a sentence.
        exit_code: Exit code of the command.
        connections: Where connections that were open before the switch stay; None without any.
    """

    state: ServiceState
    message: str
    exit_code: ExitCode = ExitCode.DONE
    connections: OpenConnections | None = None


def reconcile(
    context: Context,
    environment: str,
    service: str,
    goal: Goal | Callable[[ServiceState], Goal | None],
    *,
    over: str | None = None,
) -> Result:
    """Reaches a goal, or goes back to what was live before; holds the service's lock meanwhile.

    Args:
        context: The surroundings.
        environment: The environment.
        service: The service.
        goal: The goal; or what chooses it from the state under the lock, None for none.
        over: As for `Lock.acquire`. The holder changes nothing any more: it checks the lock before each change.

    Raises:
        ReleaseError: The goal is refused, or another run holds the lock or took it over.
        KubernetesApiError: The API server refused, or did not answer for half a minute.
    """
    identity = f"{context.by}/{context.run}"
    lock = Lock(context.api, environment, service, identity, context.clock, seconds=context.limits.lease)
    _acquire(context, lock, environment, service, over)
    try:
        if callable(goal):
            state = retrying(context.clock)(lambda: observe(context.api, environment, service, now=context.clock.now()))
            chosen = goal(state)
            if chosen is None:
                return Result(state, "nothing is due")
            goal = chosen
        result = _Release(context, environment, service, goal, lock).run()
        if result.exit_code is ExitCode.DONE:
            retrying(context.clock)(lock.check)
            context.clean_up()
        return result
    finally:
        # A lock that cannot be released expires.
        with suppress(KubernetesApiError):
            retrying(context.clock)(lock.release)


def _acquire(context: Context, lock: Lock, environment: str, service: str, over: str | None) -> None:
    began, is_reported = context.clock.monotonic(), False
    while (holder := retrying(context.clock)(lambda: lock.acquire(over=over))) is not None:
        is_plausible = holder.is_plausible(context.clock.now())
        # A lock that nobody seems to hold is watched for its duration: the clock of its holder may be wrong.
        is_reconciler = holder.identity.startswith(f"{username(RECONCILER)}/")
        least = RECONCILER_SECONDS if is_reconciler else 0 if is_plausible else holder.seconds + 1
        patience = max(context.limits.lock, least)
        if context.clock.monotonic() - began >= patience:
            raise _locked(holder, environment, service)
        if not is_reported:
            whom = f"{holder.identity} to end its release"
            context.report(f"Waiting for {whom}" if is_plausible else f"Waiting for signs of life of {holder.identity}")
            is_reported = True
        context.clock.sleep(1)


def _locked(holder: Holder, environment: str, service: str) -> ReleaseError:
    return ReleaseError(
        f"another release of {service} in {environment} is under way, by {holder.identity}",
        remedy="wait for it with --wait SECONDS, or run the command again later; if that run has died, its lock "
        f"expires at {holder.until:%H:%M:%S %Z}",
        exit_code=ExitCode.LOCKED,
    )


def _configuration(state: ServiceState, step: Begin) -> tuple[str, ...]:
    """The configuration that a release's pods read: the PodTemplate's, the slot's, or that of the release restored."""
    if step.action is not Action.DEPLOY:
        return state.slot(step.slot).configuration
    if step.revision.template == state.template:
        return state.configuration
    return next((one.configuration for one in reversed(state.history) if one.revision == step.revision), ())


def _failure_code(state: ServiceState) -> ExitCode:
    """The exit code of a release that failed, whose outcome is the last of the history."""
    last, live = state.history[-1], state.live_slot
    if not live.serves() and live.revision is not None:
        return ExitCode.NOT_READY
    is_bad = last.action is Action.ROLLBACK or last.slot == live.name
    return ExitCode.BAD_LIVE if is_bad and live.revision is not None else ExitCode.ROLLED_BACK


class _Release:
    """One run towards one goal, with what it remembers between its steps."""

    def __init__(self, context: Context, environment: str, service: str, goal: Goal, lock: Lock) -> None:
        self._context = context
        self._environment = environment
        self._service = service
        self._goal = goal
        self._lock = lock
        self._wait = Wait(context, self._pause)
        self._progress = Progress(failure=goal.failure if isinstance(goal, Resume) else None)
        self._trial = Trial(context, self._pause, self._report)
        self._outcome = Outcome.RELEASED
        self._last_line = ""
        self._failed_hook: str | None = None
        self._has_moved = False  # the load balancer's weights
        # The latest time of a switch that the nodes may not follow yet: an earlier run may have switched just now.
        self._switched = context.clock.now()

    def run(self) -> Result:
        while True:
            result = retrying(self._context.clock, self._report)(self._turn)
            if result is not None:
                return result

    def _turn(self) -> Result | None:
        """Observes, plans and carries out one step. May be repeated wherever it failed."""
        self._lock.renew()
        now = self._context.clock.now()
        state = observe(self._context.api, self._environment, self._service, now=now, every_pod=False)
        step = next_step(state, self._goal, self._progress)
        if not isinstance(step, Await):
            self._wait.end()
        match step:
            case Refusal(reason, remedy):
                raise ReleaseError(reason, remedy=remedy)
            case Done(message):
                return self._result(state, message)
            case _:
                self._carry_out(state, step)
        return None

    def _carry_out(self, state: ServiceState, step: Step) -> None:
        match step:
            case AwaitReady() | AwaitGone() | AwaitEndpoints() | AwaitHook():
                self._await(state, step)
            case AwaitWeights():
                self._await_weights(state, step)
            case RunHook() | EndHook():
                self._hook(state, step)
            case Begin() | Pause() | Decide():
                self._record(state, step)
            case SmokeTestSlot() | Analyze():
                self._try(state, step)
            case Settle():
                self._settle()
            case Finish(outcome):
                self._await_nodes()
                self._finish(state, outcome)
            case SwitchActive(slot):
                self._report(describe(state, step))
                self._switch(state, step)
                self._event(state, "Switched", f"from {state.live} to {slot}, {image_of(state, slot)}")
            case ScaleToZero() | ApplyTemplate() | Scale() | SwitchPreview() | SetWeights() | RetargetAutoscaler():
                self._change(state, step)

    def _change(self, state: ServiceState, step: Change) -> None:
        self._report(describe(state, step))
        self._lock.check()
        changes.apply(self._context.api, state, step)
        if isinstance(step, SetWeights):
            self._has_moved = True
            self._progress = replace(self._progress, weights=None, is_unrouted=False)
            self._event(state, "Weighted", describe(state, step))

    def _record(self, state: ServiceState, step: Begin | Pause | Decide) -> None:
        match step:
            case Begin():
                self._begin(state, step)
            case Pause(at):
                self._write(replace(state.begun, paused=at))
                self._event(state, "Paused", f"at {at}: `release resume` lets it go on, `release abort` takes it back")
            case Decide(by, failure):
                self._write(pauses.decided(state.begun, step, self._context.clock.now()))
                self._progress = replace(self._progress, failure=failure)
                self._event(state, "Aborted" if failure else "Resumed", f"by {by}")

    def _hook(self, state: ServiceState, step: RunHook | EndHook) -> None:
        self._lock.check()
        failure = None
        if isinstance(step, RunHook):
            self._report(f"Hook {step.hook}: starting its Job, with the image of slot {step.slot}")
            failure = hooks.start(self._context.api, state, step)
            if failure is None:
                return
        self._end_hook(state, step, failure)

    def _end_hook(self, state: ServiceState, step: RunHook | AwaitHook | EndHook, failure: str | None) -> None:
        ended = hooks.end(self._context.api, state, step, self._report, failure=failure)
        if ended.failure and ended.hook in BLOCKING:
            self._fail(state, f"hook {ended.hook} (Job {ended.job}) failed: {ended.failure}")
            return
        hooks.record(self._context.api, state, ended)
        if ended.failure:
            self._failed_hook = f"hook {ended.hook} (Job {ended.job}) failed: {ended.failure}"
            self._event(state, "HookFailed", self._failed_hook, warning=True)

    def _switch(self, state: ServiceState, step: SwitchActive) -> None:
        api = self._context.api
        self._lock.check()
        try:
            changes.apply(api, state, step)
        finally:  # without an answer the switch may have happened all the same
            self._switched = self._context.clock.now()
        try:
            self._lock.check()
        except ReleaseError:
            # This run was stopped between check and switch, and whoever has the lock now may be emptying the slot.
            seen = observe(api, self._environment, self._service, now=self._context.clock.now())
            if seen.live == step.slot and not seen.live_slot.serves() and seen.idle_slot.serves():
                changes.apply(api, seen, SwitchActive(seen.idle_slot.name))
            raise

    def _begin(self, state: ServiceState, step: Begin) -> None:
        context, goal = self._context, self._goal
        if not isinstance(goal, Rollback):
            self._trial.check(state)
        if isinstance(goal, Deploy):
            if step.slot != state.live:
                changes.dry_run_template(context.api, state, step.slot, step.revision, override=goal.override)
            context.keep_image(state, goal.image)
            if step.canary:
                context.weights(state)  # who may not read the rules gets no users onto the new version
        entry = Entry(
            id=context.run,
            action=step.action,
            slot=step.slot,
            revision=step.revision,
            previous=step.previous,
            by=context.by,
            build=context.build,
            approved_by=context.approved_by,
            started=context.clock.now(),
            reason=goal.reason if isinstance(goal, Rollback) else None,
            keep_failed=isinstance(goal, Rollback) and goal.keep_failed,
            hooks=state.hooks,
            pauses=goal.pauses if isinstance(goal, Deploy) else (),
            override=goal.override if isinstance(goal, Deploy) else None,
            service_uid=state.uid,
            warm_seconds=context.limits.warm,
            configuration=_configuration(state, step),
            version=(goal.version if isinstance(goal, Deploy) else None)
            or history.version_of(state.history, step.revision.image),
            canary=step.canary,
            step_seconds=weights.step_seconds(state, goal) if isinstance(goal, Deploy) and step.canary else 0,
        )
        self._write(entry)
        self._report(
            f"{step.action} of {named(step.revision.image, entry.version)} into slot {step.slot}, live is {state.live}"
        )
        self._event(
            state, "ReleaseStarted", f"{step.action} of {step.revision.image} into slot {step.slot} by {context.by}"
        )
        if entry.override:
            self._event(
                state,
                "Override",
                f"{context.by} lets {step.revision.image} in unverified: {entry.override}",
                warning=True,
            )

    def _try(self, state: ServiceState, step: SmokeTestSlot | Analyze) -> None:
        try:
            if isinstance(step, SmokeTestSlot):
                self._trial.smoke_test(state, step.slot)
                self._progress = replace(self._progress, smoke_tested=True)
            elif step.slot != state.live:
                if self._trial.at_weight(state, step):
                    self._progress = replace(self._progress, passed_weight=step.weight)
            else:
                if not self._trial.has_baseline:
                    # No slot served before the switch: until kube-proxy has followed, the nodes refuse connections.
                    self._await_nodes()
                if self._trial.after_switch(state, step.slot):
                    self._progress = replace(self._progress, analyzed=True)
        except FailedTrialError as failure:
            self._fail(state, str(failure))

    def _await_nodes(self) -> None:
        """Waits until the kube-proxy of every node has had its time to follow the last switch."""
        elapsed = (self._context.clock.now() - self._switched).total_seconds()
        if elapsed < self._context.limits.settle:
            self._report("Giving the nodes time to follow")
            self._pause(self._context.limits.settle - elapsed)

    def _settle(self) -> None:
        """A turn of the wait until nothing leads to a slot that is to be emptied; in between, the plan looks again."""
        limits = self._context.limits
        follows_rules = self._has_moved and self._progress.weights is not None
        until = self._switched + timedelta(seconds=limits.rules if follows_rules else limits.settle)
        left = (until - self._context.clock.now()).total_seconds()
        if left > 0:
            self._report(
                "Giving the load balancer time to follow" if follows_rules else "Giving the nodes time to follow"
            )
            self._pause(min(left, SETTLE_SECONDS))
        if left <= SETTLE_SECONDS:
            self._progress = replace(self._progress, settled=True)

    def _await(self, state: ServiceState, step: Await) -> None:
        failure = self._wait.failure(state, step)
        self._report(describe(state, step))
        is_urgent = isinstance(step, AwaitReady) and step.is_urgent and step.slot != state.live
        if failure is not None and is_urgent and not weights.is_reached(state, step.slot):
            self._progress = replace(self._progress, hurried=True)
        elif failure is not None and isinstance(step, AwaitHook):
            self._end_hook(state, step, failure)
        elif failure is not None:
            self._fail(state, failure)
        else:
            self._wait.until_change(state, step)

    def _await_weights(self, state: ServiceState, step: AwaitWeights) -> None:
        failure = self._wait.failure(state, step)
        try:
            found, problem = self._context.weights(state), ""
        except ReleaseError as error:
            found, problem = None, f" ({error.message}: {error.remedy})"
        if found == weights.shares(step.slot, step.weight):
            self._progress = replace(self._progress, weights=(step.slot, step.weight), settled=False)
            self._switched = self._context.clock.now()  # the load balancer's nodes follow its rules
            return
        self._report(describe(state, step) + problem)
        running = state.running
        if failure is None:
            self._wait.until_change(state, step)
        elif running is not None and running.action is not Action.ROLLBACK and not isinstance(self._goal, Rollback):
            self._fail(state, failure + problem)
        else:
            # No version is to blame: what was left is not emptied.
            self._progress = replace(self._progress, is_unrouted=True)
            self._event(state, "WeightsIgnored", failure + problem, warning=True)

    def _fail(self, state: ServiceState, reason: str) -> None:
        is_first = self._progress.failure is None
        self._progress = replace(self._progress, **{"failure" if is_first else "abort_failure": reason})
        self._report(f"Failed: {reason}" + (". Going back" if is_first else ""))
        self._event(state, "ReleaseFailed", reason, warning=True)

    def _finish(self, state: ServiceState, outcome: Outcome) -> None:
        running = state.begun
        reasons = [reason for reason in (self._progress.failure, self._progress.abort_failure) if reason]
        entry = replace(
            running,
            outcome=outcome,
            finished=self._context.clock.now(),
            reason="; then ".join(reasons) or running.reason or self._taken_back(outcome),
            configuration=state.live_slot.configuration if outcome is Outcome.RELEASED else running.configuration,
            hook_runs=ended_runs(state, running),
            paused=None,
        )
        self._write(entry)
        self._outcome = outcome
        self._progress = replace(self._progress, finished=True)
        if outcome is Outcome.RELEASED:
            self._event(state, "Released", f"{running.revision.image} is live in slot {state.live}")
        else:
            is_back = running.action is not Action.ROLLBACK and running.slot != state.live
            message = f"slot {state.live} is live with {image_of(state, state.live)}"
            self._event(state, "RolledBack" if is_back else "NotRolledBack", message, warning=True)

    def _taken_back(self, outcome: Outcome) -> str | None:
        """Why a canary has failed that a rollback took back."""
        return f"taken back by {self._context.by}" if outcome is Outcome.FAILED else None

    def _result(self, state: ServiceState, message: str) -> Result:
        if not self._progress.finished:
            return self._unfinished(state, message)
        if self._outcome is Outcome.RELEASED:
            undecided = [f"; {one}" for one in state.history[-1].analyses if one.verdict is not Verdict.PASSED]
            message = f"slot {state.live} is live with {image_of(state, state.live)}{''.join(undecided)}"
            failed = self._failed_hook or failure_after(state)
            code = ExitCode.HOOK_FAILED if failed else ExitCode.DONE
            return Result(state, f"{message}; {failed}" if failed else message, code, open_connections(state))
        if isinstance(self._goal, Rollback) and self._progress.failure is None:
            return Result(
                state, f"the canary was taken back; slot {state.live} is live with {image_of(state, state.live)}"
            )
        failed = f"; {self._failed_hook}" if self._failed_hook else ""
        reason = f"{self._progress.failure}{failed}; slot {state.live} is live with {image_of(state, state.live)}"
        if self._progress.abort_failure:
            reason += f"; the way back failed, too: {self._progress.abort_failure}"
        code = _failure_code(state)
        if isinstance(self._goal, Resume) and self._goal.by and code is ExitCode.ROLLED_BACK:
            return Result(state, reason)  # a person wanted it so
        return Result(state, reason + where_to_look(state), code)

    def _unfinished(self, state: ServiceState, message: str) -> Result:
        """The result where no release has ended: it waits for a person, or there was none."""
        if state.running is not None and state.running.paused is not None:
            return Result(state, message, ExitCode.PAUSED)
        if self._failed_hook is not None:
            return Result(state, f"{message}; {self._failed_hook}", ExitCode.HOOK_FAILED)
        return Result(state, message)

    def _write(self, entry: Entry) -> None:
        history.write(self._context.api, self._environment, self._service, entry)

    def _pause(self, seconds: float) -> None:
        self._context.clock.sleep(seconds)
        self._lock.renew()

    def _report(self, line: str) -> None:
        """Reports a line, unless it is the one before again."""
        if line != self._last_line:
            self._last_line = line
            self._context.report(line)

    def _event(self, state: ServiceState, reason: str, message: str, *, warning: bool = False) -> None:
        events.write(
            self._context.api,
            self._environment,
            self._service,
            uid=state.uid,
            reason=reason,
            message=message,
            now=self._context.clock.now(),
            kind="Warning" if warning else "Normal",
        )
