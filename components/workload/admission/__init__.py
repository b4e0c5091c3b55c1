"""ValidatingAdmissionPolicies that limit what a release may change, for the release tool and for people alike.

`component` registers the policies and bindings; `fields` and `images` have their CEL expressions.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from components.workload.admission.component import Admission, AdmissionArgs

__all__ = ["Admission", "AdmissionArgs"]
