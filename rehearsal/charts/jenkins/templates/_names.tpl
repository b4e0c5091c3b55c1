{{- define "full" -}}
{{ .Values.fullnameOverride | default (contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name)) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "account" -}}
{{ .Values.serviceAccount.name | default (include "full" .) }}
{{- end }}

{{- define "agents" -}}
{{ .Values.agent.namespace | default .Release.Namespace }}
{{- end }}

{{- define "selected" -}}
app.kubernetes.io/component: jenkins-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pods" -}}
{{ include "selected" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/name: {{ .Chart.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "labels" -}}
{{ include "pods" . }}
rehearsal/stand-in-for: chart-{{ .Chart.Name }}
{{- end }}

{{- define "configured" -}}
{{ include "labels" . }}
{{ include "full" . }}-jenkins-config: "true"
{{- end }}
