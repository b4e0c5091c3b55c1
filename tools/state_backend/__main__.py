"""`python -m tools.state_backend --bucket NAME --region REGION`: creates or repairs the state backend."""

from __future__ import annotations

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from tools.state_backend.backend import BackendError, make

parser = argparse.ArgumentParser(prog="python -m tools.state_backend", description=__doc__)
parser.add_argument("--bucket", required=True, help="name of the S3 bucket, such as hello-pulumi-state")
parser.add_argument("--region", required=True, help="e.g. ap-northeast-2")
parser.add_argument("--key", default="hello-pulumi", help="alias of the KMS key: %(default)s")
arguments = parser.parse_args()
try:
    backend = make(arguments.bucket, region=arguments.region, alias=arguments.key)
except (BackendError, BotoCoreError, ClientError) as error:
    sys.exit(f"error: {error}")
sys.stdout.write(f"""\
S3 bucket  {arguments.bucket}
KMS key    {backend.key_arn}

Log in, and create the stacks:

  pulumi login '{backend.url}'
  pulumi stack init dev --secrets-provider '{backend.secrets_provider}'
  pulumi stack init prod --secrets-provider '{backend.secrets_provider}'
""")
