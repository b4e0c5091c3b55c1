"""Identities and access of releases, Jenkins with BuildKit, and the roles of previews."""
