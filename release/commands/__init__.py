"""The commands of the release tool: functions of a session. `release/cli/` has their names and options."""
