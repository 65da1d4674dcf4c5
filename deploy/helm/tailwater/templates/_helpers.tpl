{{- define "tailwater.name" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "tailwater.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tailwater.labels" -}}
{{ include "tailwater.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "tailwater.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "tailwater.name" .) }}
{{- end }}

{{- define "tailwater.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Ingest that reads Kafka is a member of a group, which needs names that stay. Takes a dict of root and stage. */}}
{{- define "tailwater.kind" -}}
{{- if and (eq .stage "ingest") (not (dig "ingest" "kafka" nil .root.Values.config)) }}Deployment{{ else }}StatefulSet{{ end }}
{{- end }}

{{/* The configuration as the pods read it. */}}
{{- define "tailwater.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if .Values.zones.clientRack }}
{{- $config = mergeOverwrite $config (dict "bus" (dict "kafka" (dict "properties" (dict "client.rack" "${env:TAILWATER_ZONE:-}")))) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/*
What a pod of this stage reads at its start alone: a change of it is a rolling restart. The rest is taken while the process runs.
Other stages' sections don't count, but for redaction, which `GET /why` of each process does. Takes a dict of root and stage.
*/}}
{{- define "tailwater.restartOnly" -}}
{{- $section := get (dict "sample" "sampler" "watch" "k8s") .stage | default .stage }}
{{- $config := include "tailwater.config" .root | fromYaml }}
{{- $redact := dig "enrich" "redact" dict $config }}
{{- range list "ingest" "sampler" "enrich" "export" "k8s" }}
{{- if ne . $section }}{{ $_ := unset $config . }}{{ end }}
{{- end }}
{{- $_ := unset $config "tests" }}
{{- if hasKey $config "sampler" }}
{{- $_ := set $config "sampler" (omit $config.sampler "decision_wait" "decision_wait_after_root_received" "decision_cache_ttl" "maximum_trace_size_bytes" "sample_on_first_match" "late_errors" "linked" "annotate" "operation_names" "sample_rate_attribute" "promote" "policies") }}
{{- end }}
{{- toYaml (dict "config" $config "redact" $redact "secret" .root.Values.secret) }}
{{- end }}
