{{- define "short" -}}
{{ .Values.nameOverride | default (printf "%s-%s" .Values.cloudProvider .Chart.Name) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "full" -}}
{{- $long := ternary .Release.Name (printf "%s-%s" .Release.Name (include "short" .)) (eq .Release.Name (include "short" .)) -}}
{{ .Values.fullnameOverride | default $long | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "account" -}}
{{ .Values.rbac.serviceAccount.name | default (include "full" .) }}
{{- end }}

{{- define "pods" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/name: {{ include "short" . }}
{{- end }}

{{- define "labels" -}}
{{ include "pods" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
rehearsal/stand-in-for: chart-{{ .Chart.Name }}
{{- end }}

{{- define "metadata" -}}
name: {{ include "full" . }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}
