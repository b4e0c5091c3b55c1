"""`pulumi-resource-aws`: the plugin process of the emulator."""

from rehearsal.emulators.aws.provider import AwsProvider
from rehearsal.emulators.faults import Faults
from rehearsal.emulators.server import serve
from rehearsal.layout import Layout

if __name__ == "__main__":
    layout = Layout.of_environment()
    serve(AwsProvider(layout, Faults(layout)))
