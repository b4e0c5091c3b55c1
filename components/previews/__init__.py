"""Roles for previews: they look at AWS and at the cluster, try changes as dry runs, and change nothing."""

from components.previews.component import Previews, PreviewsArgs

__all__ = ["Previews", "PreviewsArgs"]
