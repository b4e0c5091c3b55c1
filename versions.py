"""Every pinned version that is not a Python package. One line each; a change here is a change of the platform."""

from __future__ import annotations

KUBERNETES = "1.34"
"""Minor version of the EKS control plane and of the nodes.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
"""

VPC_CNI = "v1.21.1-eksbuild.1"
"""EKS add-on `vpc-cni`. `aws eks describe-addon-versions --addon-name vpc-cni --kubernetes-version 1.34`."""

KUBE_PROXY = "v1.34.1-eksbuild.2"
"""EKS add-on `kube-proxy`: never newer than the control plane's minor version."""

COREDNS = "v1.12.4-eksbuild.1"
"""EKS add-on `coredns`."""
