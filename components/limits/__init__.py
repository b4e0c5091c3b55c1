"""Limits of AWS and Kubernetes on the program's resources: lengths, alphabets, quotas; checked before any change.

`names` has the rules of single values by resource type, `load_balancers` the quotas that several resources share,
`check` applies both to everything that the program registers.
"""
