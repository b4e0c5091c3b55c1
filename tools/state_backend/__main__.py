"""`python -m tools.state_backend --bucket NAME --region REGION`: makes or mends it, and says how to log in."""

from __future__ import annotations

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from tools.state_backend.making import BackendError, make

parser = argparse.ArgumentParser(prog="python -m tools.state_backend", description=__doc__)
parser.add_argument("--bucket", required=True, help="name of the S3 bucket, such as hello-pulumi-state")
parser.add_argument("--region", required=True, help="e.g. ap-northeast-2")
parser.add_argument("--key", default="hello-pulumi", help="alias of the KMS key: %(default)s")
given = parser.parse_args()
try:
    made = make(given.bucket, region=given.region, alias=given.key)
except (BackendError, BotoCoreError, ClientError) as error:
    sys.exit(f"error: {error}")
sys.stdout.write(f"""\
S3 bucket  {given.bucket}
KMS key    {made.key_arn}

Log in, and make the stacks:

  pulumi login '{made.url}'
  pulumi stack init dev --secrets-provider '{made.secrets_provider}'
  pulumi stack init prod --secrets-provider '{made.secrets_provider}'
""")
