# The image of Jenkins' agents: git, buildctl, the release tool, and the stages' scripts; for previews, Pulumi's engine and
# the AWS CLI. Built from the root of the checkout; its stage `test` checks that all of them start. The setting
# `delivery.agentDigest` selects the image that agents run.
FROM docker.io/moby/buildkit:v0.34.2 AS buildkit

FROM docker.io/pulumi/pulumi-base:3.260.0 AS pulumi

FROM docker.io/jenkins/inbound-agent:3385.vf1123fb_515da_-1-jdk21 AS agent
USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends awscli git python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/hello
# What the release tool and the pipelines need, without Pulumi; the versions are those of requirements.txt.
COPY constraints.txt ./
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir --constraint constraints.txt boto3 jinja2 kubernetes rich sse-starlette starlette tenacity typer uvicorn
COPY --from=buildkit /usr/bin/buildctl /usr/local/bin/
COPY --from=pulumi /pulumi/bin/ /usr/local/bin/
COPY contract ./contract
COPY kube ./kube
COPY release ./release
COPY pipelines ./pipelines
ENV PATH=/opt/hello/.venv/bin:$PATH PIPELINES=/opt/hello/pipelines PYTHONPATH=/opt/hello PYTHONDONTWRITEBYTECODE=1
USER jenkins
WORKDIR /home/jenkins

FROM agent AS test
RUN python3 -m release --help && python3 -m pipelines.ecr --help && buildctl --version && git --version \
    && pulumi version && aws --version

FROM agent
