"""Emulators of the providers `aws` and `eks`: Pulumi's plugin protocol over resources on this machine.

`volumes` emulates the controller of the EBS CSI driver.
"""
