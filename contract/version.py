"""The version of the project: of its program, the release tool, the rehearsal and the pipelines together."""

from __future__ import annotations

VERSION = "0.1.0"
"""By Semantic Versioning, for the people who run the platform: docs/releasing.md. The newest one in CHANGELOG.md.

https://semver.org/
"""
