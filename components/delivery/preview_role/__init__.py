"""Roles for previews: they read AWS and the cluster, send changes as dry runs, and change nothing."""

from components.delivery.preview_role.component import PreviewRole, PreviewRoleArgs

__all__ = ["PreviewRole", "PreviewRoleArgs"]
