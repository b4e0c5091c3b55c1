"""Pinned versions of everything but Python packages.

`aws eks describe-addon-versions --addon-name NAME --kubernetes-version 1.36` lists the versions of an EKS add-on. Those
here are the defaults of autumn 2026, according to public repositories that pin them. Without a pinned version, each
preview would look up the newest one and show a change.
"""

from __future__ import annotations

from datetime import date

KUBERNETES = "1.36"
"""Minor version of the control plane and the nodes.

With it change, as one set that `tests/unit/test_versions.py` holds together: its end of support, the nodes' image,
kube-proxy and the cluster autoscaler. EKS upgrades by one minor at a time, and never back.
https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
"""

END_OF_STANDARD_SUPPORT = date(2027, 8, 2)
"""Day on which EKS' standard support of this minor version ends, and EKS upgrades the cluster by itself.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
"""

NODE_IMAGE_RELEASE = "1.36.1-20260930"
"""Release of the EKS-optimized AMI: Kubernetes' patch version and the image's day; a new one about every week.

Nodes get security updates with a new release only: `python -m tools.node_image` writes the newest one here, and the
next `pulumi up` replaces the nodes one by one. https://github.com/awslabs/amazon-eks-ami/releases
"""

VPC_CNI = "v1.22.4-eksbuild.3"
"""https://github.com/aws/amazon-vpc-cni-k8s/releases."""

KUBE_PROXY = "v1.36.0-eksbuild.25"
"""Never newer than the control plane's minor version.

https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html
"""

POD_IDENTITY_AGENT = "v1.3.10-eksbuild.3"
"""https://github.com/aws/eks-pod-identity-agent/releases."""

COREDNS = "v1.14.3-eksbuild.23"
"""https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html."""

EBS_CSI_DRIVER = "v1.66.0-eksbuild.1"
"""https://github.com/kubernetes-sigs/aws-ebs-csi-driver/releases."""

METRICS_SERVER = "v0.9.0-eksbuild.11"
"""https://github.com/kubernetes-sigs/metrics-server/releases."""

CLUSTER_AUTOSCALER_CHART = "9.59.0"
"""https://github.com/kubernetes/autoscaler/releases/tag/cluster-autoscaler-chart-9.59.0."""

CLUSTER_AUTOSCALER = "1.36.1"
"""Must have the cluster's minor version; the chart's default is 1.35.0.

https://github.com/kubernetes/autoscaler/releases/tag/cluster-autoscaler-1.36.1
"""

AWS_LOAD_BALANCER_CONTROLLER_CHART = "3.3.0"
"""Chart and controller have the same version. The rehearsal takes the CRDs from the Go module of this release.

https://github.com/kubernetes-sigs/aws-load-balancer-controller/releases/tag/v3.3.0
"""

JENKINS_CHART = "5.9.53"
"""Installs Jenkins 2.568.2 LTS. https://github.com/jenkinsci/helm-charts/releases."""

JENKINS_PLUGINS = {
    "configuration-as-code": "2115.vf6de120eef70",
    "git": "5.10.1",
    "inline-pipeline": "1.0.32.vf433f2d57630",
    "job-dsl": "3654.vdf58f53e2d15",
    "junit": "1424.vc64a_edde7777",
    "kubernetes": "4540.v612369217f87",
    "workflow-aggregator": "608.v67378e9d3db_1",
}
"""The chart's default plugins, Job DSL, test reports, and multibranch jobs with a Jenkinsfile of the controller.

Those that are not the chart's are from the bill of materials of Jenkins' LTS line, as a test holds them.
https://github.com/jenkinsci/bom
"""

JENKINS_HOOK_PLUGINS = {"github": "1.47.0"}
"""Plugin that receives GitHub webhooks and verifies their signature. https://plugins.jenkins.io/github/."""

JENKINS_LOGIN_PLUGINS = {
    "github-oauth": "685.v53b_070455063",
    "matrix-auth": "3.3",
    "oic-auth": "4.718.ve731df6ca_88a_",
}
"""Plugins for the login by an identity provider, and for what groups may do. https://plugins.jenkins.io/."""

BUILDKIT_IMAGE = "docker.io/moby/buildkit:v0.34.2-rootless"
"""Same version as in `pipelines/agent.Dockerfile`. https://github.com/moby/buildkit/releases."""

ECK_CHART = "3.5.0"
"""Chart of the ECK operator, with its CRDs; supports Kubernetes 1.32 to 1.36 and Elasticsearch 8 and 9.

https://github.com/elastic/cloud-on-k8s/releases/tag/v3.5.0
"""

ELASTIC = "9.5.6"
"""Version of Elasticsearch and Kibana, which must be the same. https://github.com/elastic/elasticsearch/releases/tag/v9.5.6."""

FLUENTD_IMAGE = "docker.io/fluent/fluentd-kubernetes-daemonset:v1.19.3-debian-elasticsearch9-1.1"
"""Fluentd 1.19.3 with the Elasticsearch plugin; a release tag, which never moves.

https://github.com/fluent/fluentd-kubernetes-daemonset/tree/master/docker-image/v1.19/debian-elasticsearch9
"""

PYTHON_IMAGE = "public.ecr.aws/docker/library/python:3.13.7-slim-bookworm"
"""Image of jobs that run a Python script with the standard library only. https://gallery.ecr.aws/docker/library/python."""
