"""`pulumi-resource-aws`: the plugin process of the emulator."""

from functools import partial

from rehearsal.emulators.aws.account import changing
from rehearsal.emulators.aws.provider import AwsProvider
from rehearsal.layout import Layout
from rehearsal.plugin import serve

if __name__ == "__main__":
    layout = Layout.of_environment()
    serve(AwsProvider(layout).add_to, uncut=partial(changing, layout))
