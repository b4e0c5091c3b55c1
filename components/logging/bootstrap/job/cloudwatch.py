"""Publishes metrics to CloudWatch with the pod's credentials, without a library: requests are signed here."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 20
TYPE = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of an IAM role.

    Attributes:
        key: Access key id.
        secret: Secret access key.
        token: Session token.
    """

    key: str
    secret: str
    token: str


def of_pod() -> Credentials:
    """The pod's credentials, by the variables that EKS sets in its containers.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

    Raises:
        KeyError: The pod has no role.
        OSError: The agent on the node does not answer.
    """
    token = Path(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text(encoding="utf-8")
    url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    request = urllib.request.Request(url, headers={"Authorization": token})  # noqa: S310 - EKS's own URL
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
        found = json.load(response)
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])


def form(namespace: str, dimensions: Mapping[str, str], metrics: Mapping[str, float]) -> bytes:
    """The body of a request PutMetricData.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
    """
    fields = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": namespace}
    for place, (metric, value) in enumerate(metrics.items(), start=1):
        prefix = f"MetricData.member.{place}"
        fields |= {f"{prefix}.MetricName": metric, f"{prefix}.Value": str(value)}
        for number, (dimension, of) in enumerate(dimensions.items(), start=1):
            fields |= {
                f"{prefix}.Dimensions.member.{number}.Name": dimension,
                f"{prefix}.Dimensions.member.{number}.Value": of,
            }
    return urlencode(fields).encode()


def signed(url: str, body: bytes, region: str, credentials: Credentials, now: datetime) -> dict[str, str]:
    """The headers of a POST request to CloudWatch, with its signature, version 4.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    time = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": TYPE,
        "host": urlsplit(url).netloc,
        "x-amz-date": time,
        "x-amz-security-token": credentials.token,
    }
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    request = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{time[:8]}/{region}/monitoring/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**headers, "Authorization": authorization}


def publish(url: str, region: str, body: bytes, credentials: Credentials, now: datetime) -> None:
    """Sends the metrics.

    Raises:
        OSError: CloudWatch refuses the request, or does not answer.
    """
    request = urllib.request.Request(url, body, signed(url, body, region, credentials, now))  # noqa: S310 - of the settings
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
        pass
