{{- define "tailwater.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "tailwater.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
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

{{/* A stage's pods: all alike but for the command, its ports and what the values say of it. Takes a dict of root, stage and values. */}}
{{- define "tailwater.pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "tailwater.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .stage }}
  annotations:
    # A changed configuration is a rolling restart.
    checksum/config: {{ printf "%s%s" (toYaml $root.Values.config) (toYaml $root.Values.secret) | sha256sum }}
    {{- if $root.Values.metrics.annotations }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8888"
    {{- end }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "tailwater.serviceAccount" $root }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .stage }}
      image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [{{ .stage }}, --config, /etc/tailwater/tailwater.yaml]
      {{- if or $root.Values.secret $root.Values.existingSecrets }}
      envFrom:
        {{- if $root.Values.secret }}
        - secretRef: {name: {{ include "tailwater.name" $root }}}
        {{- end }}
        {{- range $root.Values.existingSecrets }}
        - secretRef: {name: {{ . }}}
        {{- end }}
      {{- end }}
      {{- with .values.env }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- if eq .stage "ingest" }}
        - {name: otlp-grpc, containerPort: 4317}
        - {name: otlp-http, containerPort: 4318}
        {{- end }}
        - {name: health, containerPort: 13133}
        - {name: metrics, containerPort: 8888}
      livenessProbe: {httpGet: {path: /livez, port: health}}
      readinessProbe: {httpGet: {path: /readyz, port: health}, periodSeconds: 5}
      {{- with .values.resources }}
      resources: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /etc/tailwater, readOnly: true}
        # Instance names are locks on files there.
        - {name: tmp, mountPath: /tmp}
        {{- with .values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - {name: config, configMap: {name: {{ include "tailwater.name" $root }}}}
    - {name: tmp, emptyDir: {}}
    {{- with .values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.topologySpreadConstraints }}
  topologySpreadConstraints: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
