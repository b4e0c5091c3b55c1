"""Services and image of the first release."""

from __future__ import annotations

from contract.blue_green import contract
from rehearsal.first_release import Target, demo_image, targets
from release import slots

REPOSITORY = "111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev"
OUTPUTS = {
    "repositories": {"api": f"{REPOSITORY}/api", "ai": f"{REPOSITORY}/ai"},
    "services": {
        environment: {service: contract(environment, service) for service in ("api", "ai")}
        for environment in ("dev", "prod")
    },
}


def test_every_service_of_every_environment_is_a_target() -> None:
    found = targets(OUTPUTS)
    assert {(one.namespace, one.service) for one in found} == {
        (environment, service) for environment in ("dev", "prod") for service in ("api", "ai")
    }
    assert all(one.repository == f"{REPOSITORY}/{one.service}" for one in found)


def test_the_demo_image_is_one_that_the_release_tool_takes_and_differs_by_service() -> None:
    images = {
        demo_image(Target("dev", service, {"blue": f"{service}-blue"}, f"{REPOSITORY}/{service}"))
        for service in ("api", "ai")
    }
    assert len(images) == 2
    for image in images:
        deployment = {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}
        assert slots.is_released(deployment)
