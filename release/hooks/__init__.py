"""Hooks: Jobs of a release, with the image and the configuration of a slot. `docs/decisions/0032` says why Jobs.

`values` has what they are, `plan` the steps for them, `jobs` their manifests and their logs.
"""
