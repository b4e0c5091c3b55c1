"""A role for previews on GitHub: it looks at AWS and at the cluster, tries changes as dry runs, and changes nothing."""

from components.previews.component import Previews, PreviewsArgs

__all__ = ["Previews", "PreviewsArgs"]
