"""`python -m rehearsal.aws.server`: the rehearsal's AWS account, moto behind the journal."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from moto import settings as moto_settings  # pyright: ignore[reportMissingTypeStubs]
from moto.backends import get_backend  # pyright: ignore[reportMissingTypeStubs]
from moto.ec2.models import ec2_backends  # pyright: ignore[reportMissingTypeStubs]
from moto.elbv2.exceptions import ELBClientError  # pyright: ignore[reportMissingTypeStubs]
from moto.elbv2.models import ELBv2Backend, elbv2_backends  # pyright: ignore[reportMissingTypeStubs]
from moto.iam.access_control import IAMPolicy, IAMRequestBase  # pyright: ignore[reportMissingTypeStubs]
from moto.moto_api._internal import mock_random  # pyright: ignore[reportMissingTypeStubs]
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sts import models as sts_models  # pyright: ignore[reportMissingTypeStubs]
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from rehearsal import ports
from rehearsal.aws import DELETION_PROTECTION, HEALTH
from rehearsal.aws.authorization import Access, ApiRequest, allows, flat
from rehearsal.aws.journal import Application, AwsRequest, Journal
from rehearsal.aws.metrics import Metrics
from rehearsal.layout import Layout

SESSION_TOKEN_DIGITS = 64

SERVICES = ("ec2", "elbv2", "iam", "sts")
"""Services whose moto backends create resources by themselves, or call such backends."""


PREFIXES = {"monitoring": "cloudwatch"}
"""Prefixes of actions in policies, by the service's name in signatures, where they differ.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""


def listen(application: Application, port: int) -> BaseWSGIServer:
    """A server that listens on a port of loopback, 0 for any free one; `serve_forever` starts to serve."""
    # A log line for each request would hide all others.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return make_server(ports.LOOPBACK, port, application, threaded=True, request_handler=MotoRequestHandler)


def application(layout: Layout) -> Application:
    """The account as a WSGI application, restored from its journal."""
    # The one value of STS that moto draws from the system's random numbers, not from those that the journal seeds.
    setattr(sts_models, "random_session_token", lambda: mock_random.get_random_hex(SESSION_TOKEN_DIGITS))  # noqa: B010
    setattr(ELBv2Backend, "set_rule_priorities", _set_rule_priorities)  # noqa: B010
    setattr(ELBv2Backend, "modify_rule", _modify_rule)  # noqa: B010
    setattr(ELBv2Backend, "deregister_targets", _deregister_targets)  # noqa: B010
    setattr(ELBv2Backend, "delete_load_balancer", _delete_load_balancer)  # noqa: B010
    setattr(IAMRequestBase, "check_action_permitted", _check_action_permitted)  # noqa: B010
    layout.aws_journal.parent.mkdir(parents=True, exist_ok=True)
    moto = DomainDispatcherApplication(create_backend_app)

    def prepare(request: AwsRequest) -> None:
        region, service = request.scope
        for name in SERVICES:
            backends: Any = get_backend(name)[os.environ["MOTO_ACCOUNT_ID"]]
            for place in {"us-east-1", region} & {*backends.regions} or {"aws"}:
                mock_random.seed(f"{place}/{name}")
                backends[place]
        mock_random.seed(service)
        moto.get_application(request.wsgi())  # creates the service's backend of us-east-1, too

    journal = Journal(_with_authorization(moto), layout.aws_journal, prepare)
    journal.replay()

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == HEALTH:
            return Response()(environ, start_response)
        return journal(environ, start_response)

    return respond


def _with_authorization(application: Application) -> Application:
    """Adds authorization: a role is allowed what its policies allow, the administrator everything.

    moto identifies the principal and words the refusal; `rehearsal.aws.authorization` evaluates the policies. A role's
    credentials have a session token, the administrator's have none. Not thread-safe: the journal handles one request at
    a time.
    """

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_role = "HTTP_X_AMZ_SECURITY_TOKEN" in environ
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0 if is_role else inf
        try:
            return application(environ, start_response)
        finally:
            moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = inf

    return respond


def _check_action_permitted(self: Any, resource: str) -> None:
    """Replaces `IAMRequestBase.check_action_permitted`.

    Args:
        self: moto's request; its `_data` are the query protocol's parameters, each value in a list.
        resource: ARN of the resource; moto fills it in for S3 only.
    """
    service, _, action = self._action.partition(":")
    if (service, action) == ("sts", "GetCallerIdentity"):
        return
    body = self._body.decode() if isinstance(self._body, bytes) else str(self._body)
    parameters = flat(json.loads(body)) if body.startswith("{") else ((k, v[0]) for k, v in self._data.items())
    request = ApiRequest(str(PREFIXES.get(service, service)), action, dict(parameters), self._region, self.account_id)
    documents: list[Any] = [vars(IAMPolicy(policy))["_policy_json"] for policy in self._access_key.collect_policies()]
    accesses = request.accesses(lambda arn: _tags(arn, self._region, self.account_id))
    for access in [Access(self._action, resource)] if service == "s3" else accesses:
        if not allows(documents, access):
            logging.getLogger(__name__).warning("%s may not %s", self._access_key.arn, access)
            self._raise_access_denied()


_set_rule_priorities_of_moto: Any = ELBv2Backend.set_rule_priorities


def _set_rule_priorities(self: Any, rule_priorities: list[dict[str, Any]]) -> Any:
    """Replaces `ELBv2Backend.set_rule_priorities`, which refuses a priority that another rule of the request gives up.

    On AWS only the priorities of rules outside the request are taken. The AWS Load Balancer Controller depends on it
    when it reorders rules after a change of Ingresses.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html
    """
    arns = {entry["RuleArn"] for entry in rule_priorities}
    rules = [
        rule
        for balancer in self.load_balancers.values()
        for listener in balancer.listeners.values()
        for rule in listener.rules.values()
        if rule.arn in arns
    ]
    priorities = [rule.priority for rule in rules]
    for rule in rules:
        rule.priority = None
    try:
        return _set_rule_priorities_of_moto(self, rule_priorities)
    finally:
        for rule, priority in zip(rules, priorities, strict=True):
            rule.priority = priority if rule.priority is None else rule.priority


_modify_rule_of_moto: Any = ELBv2Backend.modify_rule


def _modify_rule(self: Any, rule_arn: str, conditions: list[Any], actions: list[dict[str, Any]]) -> Any:
    """Replaces `ELBv2Backend.modify_rule`, after which a target group does not know its load balancer.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html (`LoadBalancerArns`)
    """
    rule = _modify_rule_of_moto(self, rule_arn, conditions, actions)
    for action in actions:
        for target in action.get("ForwardConfig", {}).get("TargetGroups", ()):
            arns = self.target_groups[target["TargetGroupArn"]].load_balancer_arns
            arns += {self.describe_listeners(None, [rule.listener_arn])[0].load_balancer_arn} - {*arns}
    return rule


_delete_load_balancer_of_moto: Any = ELBv2Backend.delete_load_balancer


def _delete_load_balancer(self: Any, arn: str) -> None:
    """Replaces `ELBv2Backend.delete_load_balancer`, which deletes a load balancer with deletion protection, too.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
    """
    balancer = self.load_balancers.get(arn)
    if balancer is not None and balancer.attrs.get(DELETION_PROTECTION) == "true":
        raise ELBClientError(
            "OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        )
    _delete_load_balancer_of_moto(self, arn)


_deregister_targets_of_moto: Any = ELBv2Backend.deregister_targets


def _deregister_targets(self: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
    """Replaces `ELBv2Backend.deregister_targets`, which refuses targets that are none any more.

    The AWS Load Balancer Controller names instances that have ended since, and would try again and again.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
    """
    group = self.target_groups.get(target_group_arn)
    _deregister_targets_of_moto(
        self, target_group_arn, [one for one in instances if group and one["Id"] in group.targets]
    )


def _tags(arn: str, region: str, account: str) -> dict[str, str]:
    if ":ec2:" in arn:
        described = ec2_backends[account][region].describe_tags({"resource-id": [arn.rsplit("/", 1)[-1]]})
        return {str(tag["key"]): str(tag["value"]) for tag in described}
    return elbv2_backends[account][region].tagging_service.get_tag_dict_for_resource(arn)


def main(layout: Layout) -> None:
    """Serves the account on loopback, until the process is killed."""
    metrics = Metrics()
    metrics.install()
    layout.front_door.mkdir(parents=True, exist_ok=True)
    metrics.listen(layout.front_door)
    port = ports.ensure(layout.control_plane / "ports.json").aws
    listen(application(layout), port).serve_forever()


if __name__ == "__main__":
    main(Layout.of_environment())
