"""What the API server refuses of a release, whoever may ask: ValidatingAdmissionPolicies.

`component` makes the objects; `fields` and `images` say in CEL what holds.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from components.workload.admission.component import Admission, AdmissionArgs

__all__ = ["Admission", "AdmissionArgs"]
