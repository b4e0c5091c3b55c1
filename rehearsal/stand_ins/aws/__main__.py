"""`pulumi-resource-aws`: serves the account of the rehearsal named by the environment to the engine."""

from rehearsal.layout import Layout
from rehearsal.stand_ins.aws.provider import AwsProvider
from rehearsal.stand_ins.faults import Faults
from rehearsal.stand_ins.server import serve

if __name__ == "__main__":
    layout = Layout.of_environment()
    serve(AwsProvider(layout, Faults(layout)))
