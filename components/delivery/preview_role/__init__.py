"""Roles for previews: they look at AWS and at the cluster, try changes as dry runs, and change nothing."""

from components.delivery.preview_role.component import PreviewRole, PreviewRoleArgs

__all__ = ["PreviewRole", "PreviewRoleArgs"]
