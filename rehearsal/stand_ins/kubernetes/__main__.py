"""Run by the engine as `pulumi-resource-kubernetes`; its address is the last argument."""

import sys

from rehearsal.stand_ins.kubernetes.engine_log import EngineLog
from rehearsal.stand_ins.kubernetes.provider import KubernetesProvider
from rehearsal.stand_ins.server import serve

provider = KubernetesProvider(EngineLog(sys.argv[-1] if len(sys.argv) > 1 else None))
serve(provider, before_end=provider.stop)
