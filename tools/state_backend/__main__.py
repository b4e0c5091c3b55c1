"""`python -m tools.state_backend --bucket NAME --region REGION`: creates or repairs the state backend."""

from __future__ import annotations

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from tools.state_backend.backend import ENGINE_VARIABLES, BackendError, make

parser = argparse.ArgumentParser(prog="python -m tools.state_backend", description=__doc__)
parser.add_argument("--bucket", required=True, help="name of the S3 bucket, such as hello-pulumi-state")
parser.add_argument("--region", required=True, help="e.g. ap-northeast-2")
parser.add_argument("--key", default="hello-pulumi", help="alias of the KMS key of the bucket: %(default)s")
parser.add_argument("--stacks", nargs="+", default=["dev", "prod"], help="stacks, each with its own key: dev prod")
arguments = parser.parse_args()
try:
    backend = make(arguments.bucket, region=arguments.region, alias=arguments.key, stacks=arguments.stacks)
except (BackendError, BotoCoreError, ClientError) as error:
    sys.exit(f"error: {error}")
keys = "".join(f"  {stack}: {arn}\n" for stack, arn in backend.stack_keys.items())
created = "".join(
    f"  pulumi stack init {stack} --secrets-provider '{backend.secrets_provider(stack)}'\n"
    for stack in backend.stack_keys
)
changed = "".join(
    f"  pulumi stack change-secrets-provider --stack {stack} '{backend.secrets_provider(stack)}'\n"
    for stack in backend.stack_keys
)
variables = "".join(f"  export {name}={value}\n" for name, value in ENGINE_VARIABLES.items())
sys.stdout.write(f"""\
S3 bucket {arguments.bucket}, with the KMS key (previews.stateKeyArn)
  {backend.key_arn}
KMS key of each stack's secrets (previews.keyArn)
{keys}
Wherever stacks are updated, set these, with which the engine writes a twelfth of the data:

{variables}
Log in, and create the stacks:

  pulumi login '{backend.url}'
{created}
A stack that exists with another key gets its own by:

{changed}""")
