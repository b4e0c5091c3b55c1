"""`pulumi-resource-aws`: the plugin process of the emulator."""

from rehearsal.emulators.aws.provider import AwsProvider
from rehearsal.layout import Layout
from rehearsal.plugin import serve

if __name__ == "__main__":
    serve(AwsProvider(Layout.of_environment()).add_to)
