"""`pulumi-resource-aws`: the plugin process of the emulator."""

from rehearsal.emulators.aws.provider import AwsProvider
from rehearsal.emulators.server import serve
from rehearsal.layout import Layout

if __name__ == "__main__":
    serve(AwsProvider(Layout.of_environment()))
