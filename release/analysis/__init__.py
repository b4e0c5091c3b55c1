"""The analysis of a new version by the metrics of its users' requests, compared with the version before it.

`settings` has what a service asks for, `cloudwatch` and `prometheus` the sources, `judgement` the verdict on what they
say, `course` the course of an analysis over time.
"""
