{{/* A stage's pods: all alike but for the command, its ports and what the values say of it. Takes a dict of root, stage and values. */}}
{{- define "tailwater.pod" -}}
{{- $root := .root -}}
{{- $stage := .stage -}}
{{- $metrics := include "tailwater.metricsPort" $root -}}
metadata:
  labels:
    {{- include "tailwater.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .stage }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # What is read at the start alone. Policies are not: they take effect when the mounted file changes.
    checksum/restart-only: {{ include "tailwater.restartOnly" (dict "root" $root "stage" .stage) | sha256sum }}
    {{- if and $root.Values.metrics.annotations $metrics }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ $metrics | quote }}
    {{- end }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if eq .stage "watch" }}
  # It alone asks the API server.
  serviceAccountName: {{ include "tailwater.name" $root }}-watch
  automountServiceAccountToken: true
  {{- else }}
  serviceAccountName: {{ include "tailwater.serviceAccount" $root }}
  automountServiceAccountToken: false
  {{- end }}
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
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  containers:
    - name: {{ .stage }}
      image: {{ include "tailwater.image" $root | quote }}
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
      {{- if or $root.Values.zones.clientRack .values.env }}
      env:
        {{- if $root.Values.zones.clientRack }}
        - {name: TAILWATER_ZONE, valueFrom: {fieldRef: {fieldPath: "metadata.labels['topology.kubernetes.io/zone']"}}}
        {{- end }}
        {{- with .values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      ports:
        {{- if eq .stage "ingest" }}
        - {name: otlp-grpc, containerPort: {{ include "tailwater.grpcPort" $root }}}
        - {name: otlp-http, containerPort: {{ include "tailwater.httpPort" $root }}}
        {{- end }}
        - {name: health, containerPort: {{ include "tailwater.healthPort" $root }}}
        {{- if $metrics }}
        - {name: metrics, containerPort: {{ $metrics }}}
        {{- end }}
      # It answers before the bus is reached, so this is about the process alone.
      startupProbe: {httpGet: {path: /livez, port: health}, periodSeconds: 1, failureThreshold: 60}
      livenessProbe: {httpGet: {path: /livez, port: health}, timeoutSeconds: 5}
      readinessProbe: {httpGet: {path: /readyz, port: health}, periodSeconds: 5, timeoutSeconds: 3}
      {{- if and (eq .stage "ingest") $root.Values.preStopSeconds }}
      # Clients learn of it before it stops to listen.
      lifecycle: {preStop: {sleep: {seconds: {{ $root.Values.preStopSeconds }}}}}
      {{- end }}
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
        {{- range $at, $mount := $root.Values.secretMounts }}
        {{- if or (not $mount.stages) (has $stage $mount.stages) }}
        - {name: secret-{{ $at }}, mountPath: {{ $mount.path }}, readOnly: true}
        {{- end }}
        {{- end }}
        {{- with .values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - {name: config, configMap: {name: {{ include "tailwater.name" $root }}}}
    - {name: tmp, emptyDir: {sizeLimit: 16Mi}}
    {{- range $at, $mount := $root.Values.secretMounts }}
    {{- if or (not $mount.stages) (has $stage $mount.stages) }}
    - {name: secret-{{ $at }}, secret: {secretName: {{ $mount.secret }}, defaultMode: 0440}}
    {{- end }}
    {{- end }}
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
  topologySpreadConstraints:
    {{- if .values.topologySpreadConstraints }}
    {{- toYaml .values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "tailwater.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $stage }}
    {{- end }}
    {{- end }}
{{- end }}
