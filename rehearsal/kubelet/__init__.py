"""A kubelet that runs pods as processes of this machine, if it has the programs of all their images."""
