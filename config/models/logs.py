"""Elasticsearch, Fluentd and Kibana."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from config.models.base import Model
from config.values import Cpu, EachOnce, Email, Memory, PersonName

LogRole: TypeAlias = Literal["read-dev", "read-prod", "read-platform", "admin"]
"""Roles of people in Elasticsearch and Kibana."""


class LogRetention(Model):
    """Days after which events are deleted."""

    dev: int = Field(default=14, ge=1, le=3650, description="Days for services on dev.")
    prod: int = Field(default=90, ge=1, le=3650, description="Days for services on prod.")
    platform: int = Field(default=30, ge=1, le=3650, description="Days for the cluster's own programs and the tools.")


class Person(Model):
    """A person who logs in to Kibana."""

    roles: Annotated[list[LogRole], EachOnce] = Field(
        min_length=1,
        description="What the person may do: read the logs of an environment or of the platform's own programs, and "
        "save searches and dashboards; `admin` also manages data streams, snapshots and Kibana.",
    )


class Logs(Model):
    """Storage and retention of the containers' logs in Elasticsearch."""

    nodes: int = Field(default=1, ge=1, le=9, description="Number of Elasticsearch pods: 1, or 3 and more.")
    cpu: Cpu = Field(default="500m", description="CPU request of each pod; its limit is four times as much.")
    memory: Memory = Field(default="2Gi", description="Memory of each pod; half of it is the JVM's heap.")
    storage_gib: int = Field(default=50, ge=10, le=16384, description="Volume of each pod, GiB; gp3, encrypted.")
    zone_awareness: bool = Field(
        default=False, description="Whether replicas of a shard are in different zones; for 3 pods and more."
    )
    retention_days: LogRetention = Field(default_factory=LogRetention, description="Days for which events are kept.")
    snapshot_days: int = Field(
        default=14, ge=1, le=3650, description="Days for which the nightly snapshots are kept in S3."
    )
    people: dict[PersonName, Person] = Field(
        default_factory=dict[str, Person],
        max_length=200,
        description="Who may log in to Kibana, by name; left out, `reader` is the one login for all. "
        "The password of `ada-lovelace` is the secret `secrets.platform.people.ADA_LOVELACE`.",
    )
    alert_emails: list[Email] = Field(
        default_factory=list[Email],
        description="Addresses that Amazon SNS tells of the logs' alarms; each has to confirm one message.",
    )
    buffer_mib: int = Field(
        default=2048,
        ge=256,
        le=65536,
        description="Disk of each node for events that wait for Elasticsearch, MiB.",
    )
