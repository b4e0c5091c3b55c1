"""The life of an object, as the engine asks for it: property bags in, property bags out."""

from __future__ import annotations

import os

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from rehearsal.layout import DIRECTORY_VARIABLE, Layout
from rehearsal.stand_ins.faults import Faults
from rehearsal.stand_ins.kubernetes import wait_for
from rehearsal.stand_ins.kubernetes.annotations import skips_await, wait_seconds
from rehearsal.stand_ins.kubernetes.api_server import ApiError
from rehearsal.stand_ins.kubernetes.checking import NamePolicy, checked
from rehearsal.stand_ins.kubernetes.checkpoints import Checkpoint, as_bag, as_object
from rehearsal.stand_ins.kubernetes.comparing import compared
from rehearsal.stand_ins.kubernetes.engine_log import EngineLog
from rehearsal.stand_ins.kubernetes.helm import releases
from rehearsal.stand_ins.kubernetes.identity import (
    TypeToken,
    generated_name,
    object_id,
    parse_object_id,
    type_of_urn,
)
from rehearsal.stand_ins.kubernetes.inputs import normalized, pruned, with_what_the_server_drops
from rehearsal.stand_ins.kubernetes.managed_fields import CREATOR
from rehearsal.stand_ins.kubernetes.objects import Change
from rehearsal.stand_ins.kubernetes.properties import (
    PropertyBag,
    decode,
    encode,
    has_unknown,
    revealed,
    with_secrets_of,
)
from rehearsal.stand_ins.kubernetes.responses import PartlyDoneError, diff_response, only_in_the_real_one, telling
from rehearsal.stand_ins.kubernetes.service import ProviderService
from rehearsal.stand_ins.kubernetes.waiting import NotReadyError
from release.kubernetes_api import KubernetesObject

_HELM = "kubernetes:helm.sh/"


class KubernetesProvider(ProviderService):
    """Checks, compares, creates, reads, updates and deletes objects.

    Args:
        log: Where a person sees what is waited for.
    """

    def __init__(self, log: EngineLog) -> None:
        super().__init__(log)
        self._faults = Faults.of(Layout.of_environment()) if DIRECTORY_VARIABLE in os.environ else None

    @telling
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Fills in kind, name and namespace."""
        news, session = decode(request.news), self.session
        if type_of_urn(request.urn) == releases.TYPE:
            inputs = releases.checked(
                request.urn,
                news,
                decode(request.olds),
                default_namespace=session.default_namespace,
                seed=request.randomSeed,
            )
            return provider_pb2.CheckResponse(inputs=encode(inputs))
        if type_of_urn(request.urn).startswith(_HELM):
            raise only_in_the_real_one(type_of_urn(request.urn))
        options = provider_pb2.CheckRequest.AutonamingOptions
        inputs = checked(
            request.urn,
            as_object(news),
            as_object(decode(request.olds)),
            names=NamePolicy(
                seed=request.randomSeed,
                proposed=request.autonaming.proposed_name or None,
                disabled=request.HasField("autonaming") and request.autonaming.mode == options.DISABLE,
            ),
            default_namespace=session.default_namespace,
            is_namespaced=session.is_namespaced,
        )
        wait_for.rule(inputs)  # refuses what it cannot wait for while nothing is made
        return provider_pb2.CheckResponse(inputs=encode(with_secrets_of(as_bag(inputs), news)))

    @telling
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Says what an update would do."""
        if type_of_urn(request.urn) == releases.TYPE:
            return diff_response(releases.compared(decode(request.olds), decode(request.news), request.ignoreChanges))
        session, inputs = self.session, as_object(decode(request.news))
        comparison = compared(
            Checkpoint.of_state(decode(request.olds)),
            inputs,
            ignore_changes=request.ignoreChanges,
            namespaced=session.is_namespaced(inputs["apiVersion"], inputs["kind"]),
            mutability=session.options.mutability,
        )
        return diff_response(comparison)

    @telling
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Creates an object, or in a preview asks the API server what it would be."""
        bag = decode(request.properties)
        if type_of_urn(request.urn) == releases.TYPE:
            state = self._release(request.urn, bag, preview=request.preview)
            known = "" if request.preview else releases.identifier(revealed(bag))
            return provider_pb2.CreateResponse(id=known, properties=encode(state))
        inputs, as_given = as_object(bag), provider_pb2.CreateResponse(properties=request.properties)
        if request.preview and not self._can_preview(inputs):
            return as_given
        self._strike(request.urn, preview=request.preview)
        manager = generated_name(f"{CREATOR}-")
        seconds = wait_seconds(request.timeout, inputs)
        try:
            live = self.session.objects.create(Change(request.urn, inputs, manager, seconds, preview=request.preview))
        except NotReadyError as error:
            raise PartlyDoneError(
                f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it '
                f"failed to fully initialize or become live: {error}",
                state=Checkpoint(inputs, error.live, inputs["apiVersion"], manager),
                origin=bag,
                reasons=error.reasons,
            ) from None
        except ApiError as error:
            if request.preview and _may_change_before_the_update(error):
                return as_given
            problem = f'resource "{request.urn}" was not successfully created by the Kubernetes API server: {error}'
            raise ApiError(problem, status=error.status, reason=error.reason) from None
        if request.preview:
            live.pop("status", None)
        return provider_pb2.CreateResponse(
            id="" if request.preview else _id_of(live),
            properties=encode(Checkpoint(inputs, live, inputs["apiVersion"], manager).state(bag)),
        )

    @telling
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Applies to an object, or in a preview asks the API server what would come of it."""
        bag = decode(request.news)
        if type_of_urn(request.urn) == releases.TYPE:
            before = revealed(decode(request.olds)).get("status", {}).get("revision", 0)
            state = self._release(request.urn, bag, preview=request.preview, revision=before + 1)
            return provider_pb2.UpdateResponse(properties=encode(state))
        inputs, as_given = normalized(as_object(bag)), provider_pb2.UpdateResponse(properties=request.news)
        if request.preview and not self._can_preview(inputs):
            return as_given
        self._strike(request.urn, preview=request.preview)
        old = Checkpoint.of_state(decode(request.olds))
        manager = old.manager or generated_name(f"{CREATOR}-")
        change = Change(request.urn, inputs, manager, wait_seconds(request.timeout, inputs), preview=request.preview)
        objects, body, live = self.session.objects, inputs, old.live
        try:
            live, body = objects.to_apply(change, old.live["metadata"]["name"], request.ignoreChanges)
            live = objects.update(change, live, body)
        except (ApiError, NotReadyError) as error:
            if request.preview and isinstance(error, ApiError) and error.reason == "Forbidden":
                return as_given
            seen, reasons = (error.live, error.reasons) if isinstance(error, NotReadyError) else (live, ())
            raise PartlyDoneError(
                f'the Kubernetes API server reported that "{_id_of(old.live)}" failed to fully initialize or become '
                f"live: {error}",
                state=Checkpoint(body, seen, old.api_version, manager),
                origin=bag,
                reasons=reasons,
            ) from None
        return provider_pb2.UpdateResponse(
            properties=encode(Checkpoint(body, live, old.api_version, manager).state(bag))
        )

    @telling
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Reads an object as it is, for a refresh, an import or a `get`; nothing where it is gone."""
        if self._drops_unreachable(request.urn):
            return provider_pb2.ReadResponse()
        if type_of_urn(request.urn) == releases.TYPE:
            there = releases.is_there(self.session.client, decode(request.properties))
            unchanged = provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
            return unchanged if there else provider_pb2.ReadResponse()
        origin, old = decode(request.inputs), Checkpoint.of_state(decode(request.properties))
        inputs = normalized(as_object(origin))
        token, known = TypeToken.of_urn(request.urn), inputs if inputs.get("kind") else old.live
        api_version, kind = known.get("apiVersion", token.api_version), known.get("kind", token.kind)
        objects = self.session.objects
        try:
            live = objects.read(api_version, kind, *parse_object_id(request.id))
        except ApiError as error:
            if error.is_not_found:
                return provider_pb2.ReadResponse()
            raise
        live_inputs = (
            with_what_the_server_drops(pruned(live, inputs), inputs, old.live)
            if inputs.get("kind")
            else normalized({key: value for key, value in live.items() if key != "status"})
        )
        state = Checkpoint(
            live_inputs, live, old.api_version or api_version, old.manager or generated_name(f"{CREATOR}-")
        )
        inputs_read = with_secrets_of(as_bag(live_inputs), origin)
        if known and not skips_await(inputs):
            try:
                objects.check_ready(live)
            except NotReadyError as error:
                raise PartlyDoneError(
                    str(error), state=state, origin=origin, reasons=error.reasons, inputs=inputs_read
                ) from None
        return provider_pb2.ReadResponse(
            id=request.id, properties=encode(state.state(origin)), inputs=encode(inputs_read)
        )

    @telling
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Deletes an object with what it owns, and waits until it is gone."""
        if self._drops_unreachable(request.urn):
            return empty_pb2.Empty()
        self._strike(request.urn, preview=False)
        bag = decode(request.properties)
        if type_of_urn(request.urn) == releases.TYPE:
            releases.uninstalled(self.session.client, bag)
            return empty_pb2.Empty()
        old = Checkpoint.of_state(bag)
        change = Change(request.urn, old.inputs, old.manager, wait_seconds(request.timeout, old.inputs))
        try:
            self.session.objects.delete(change, old.live)
        except NotReadyError as error:
            raise PartlyDoneError(str(error), state=old, origin=bag, reasons=error.reasons) from None
        return empty_pb2.Empty()

    def _release(self, urn: str, inputs: PropertyBag, *, preview: bool, revision: int = 1) -> PropertyBag:
        if preview:
            return releases.foreseen(inputs)
        self._strike(urn, preview=False)
        return releases.installed(self.session.client, inputs, revision=revision)

    def _can_preview(self, inputs: PropertyBag) -> bool:
        """Whether the API server can be asked what would come of these inputs."""
        return not has_unknown(inputs) and self.session.serves(inputs["apiVersion"], inputs["kind"])

    def _drops_unreachable(self, urn: str) -> bool:
        session = self.session
        if session.unreachable_because is None or not session.options.delete_unreachable:
            return False
        self.log.warning(urn, f"dropped from the state: {session.unreachable_because}")
        return True

    def _strike(self, urn: str, *, preview: bool) -> None:
        if self._faults is not None and not preview:
            self._faults.strike(type_of_urn(urn), urn)


def _id_of(live: KubernetesObject) -> str:
    return object_id(live["metadata"].get("namespace"), live["metadata"]["name"])


def _may_change_before_the_update(error: ApiError) -> bool:
    """Whether a create's dry run failed for what the update itself may put right: its namespace, a namesake to go."""
    return error.reason in ("Forbidden", "AlreadyExists") or (error.is_not_found and error.about == "namespaces")
