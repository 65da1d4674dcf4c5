{{/* What values mean, and what they must not be. */}}

{{/* The port of an address to listen on, which others than the pod must reach. Takes a dict of key, its path below config, and address. */}}
{{- define "tailwater.port" -}}
{{- $address := toString .address }}
{{- if regexMatch "^(localhost|127\\.[0-9.]+|\\[::1\\]):[0-9]+$" $address }}
{{- fail (printf "config.%s is %q, which only the pod itself can reach; write 0.0.0.0 instead" .key $address) }}
{{- end }}
{{- if not (regexMatch "^.*:[1-9][0-9]*$" $address) }}
{{- fail (printf "config.%s is %q; the chart needs an address with a port, such as 0.0.0.0:4317" .key $address) }}
{{- end }}
{{- regexFind "[0-9]+$" $address }}
{{- end }}

{{- define "tailwater.grpcPort" -}}
{{ include "tailwater.port" (dict "key" "ingest.grpc.listen" "address" (dig "ingest" "grpc" "listen" "127.0.0.1:4317" .Values.config)) }}
{{- end }}
{{- define "tailwater.httpPort" -}}
{{ include "tailwater.port" (dict "key" "ingest.http.listen" "address" (dig "ingest" "http" "listen" "127.0.0.1:4318" .Values.config)) }}
{{- end }}
{{- define "tailwater.healthPort" -}}
{{ include "tailwater.port" (dict "key" "admin.health" "address" (dig "admin" "health" "127.0.0.1:13133" .Values.config)) }}
{{- end }}
{{/* Empty: metrics are off. */}}
{{- define "tailwater.metricsPort" -}}
{{- $address := dig "admin" "metrics" "127.0.0.1:8888" .Values.config }}
{{- if ne (toString $address) "off" }}{{ include "tailwater.port" (dict "key" "admin.metrics" "address" $address) }}{{ end }}
{{- end }}

{{/* A number as text, without an exponent. */}}
{{- define "tailwater.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{/* Bytes of a size as Tailwater or Kubernetes writes it; empty: a variable, or another way of writing. */}}
{{- define "tailwater.bytes" -}}
{{- $text := include "tailwater.text" . | trim }}
{{- $number := regexFind "^[0-9]+(\\.[0-9]+)?" $text }}
{{- $unit := $text | trimPrefix $number | trim | lower | trimSuffix "b" }}
{{- $factors := dict "" 1 "k" 1000 "ki" 1024 "m" 1000000 "mi" 1048576 "g" 1000000000 "gi" 1073741824 "t" 1000000000000 "ti" 1099511627776 }}
{{- if and $number (hasKey $factors $unit) }}{{ mulf (float64 $number) (get $factors $unit) | int64 }}{{ end }}
{{- end }}

{{/* Seconds of a duration; empty: a variable, or a unit that nobody would use there. */}}
{{- define "tailwater.seconds" -}}
{{- $factors := dict "ms" 0.001 "s" 1.0 "sec" 1.0 "m" 60.0 "min" 60.0 "h" 3600.0 }}
{{- $sum := 0.0 }}
{{- $known := regexMatch "^\\s*([0-9]+(\\.[0-9]+)?\\s*(ms|s|sec|m|min|h)\\s*)+$" (toString .) }}
{{- if $known }}
{{- range regexFindAll "[0-9.]+\\s*[a-z]+" (toString .) -1 }}
{{- $sum = addf $sum (mulf (float64 (regexFind "^[0-9.]+" .)) (get $factors (regexFind "[a-z]+$" .))) }}
{{- end }}
{{- ceil $sum | int64 }}
{{- end }}
{{- end }}

{{/* Memory that is given out must fit the limit. Takes a dict of stage, what (a list of keys below config and values), and limit. */}}
{{- define "tailwater.checkMemory" -}}
{{- $limit := include "tailwater.bytes" (default "" .limit) }}
{{- $sum := 134217728 }}
{{- $known := $limit }}
{{- range .sizes }}
{{- $bytes := include "tailwater.bytes" . }}
{{- if $bytes }}{{ $sum = add $sum (int64 $bytes) }}{{ else }}{{ $known = "" }}{{ end }}
{{- end }}
{{- if $known }}{{ if gt $sum (int64 $limit) }}
{{- fail (printf "stages.%s.resources.limits.memory is %v, but %s and 128Mi for the rest take %dMi" .stage .limit .what (div $sum 1048576)) }}
{{- end }}{{ end }}
{{- end }}

{{/* What would be installed and then not work. */}}
{{- define "tailwater.check" -}}
{{- if not (dig "bus" "kafka" "brokers" nil .Values.config) }}{{ fail "config.bus.kafka.brokers is missing: the stages run in pods of their own, which only share Kafka" }}{{ end }}
{{- $partitions := dig "bus" "topics" "partitions" 16 .Values.config | int }}
{{- range $stage := list "ingest" "sample" "enrich" "export" }}
{{- $values := get $.Values.stages $stage }}
{{- $keda := dig "keda" "enabled" false $values }}
{{- if and $keda $values.autoscaling.enabled }}{{ fail (printf "stages.%s has both autoscaling and keda: KEDA makes a HorizontalPodAutoscaler of its own" $stage) }}{{ end }}
{{- if ne $stage "ingest" }}
{{- range $key, $count := dict "replicas" $values.replicas "autoscaling.maxReplicas" (ternary $values.autoscaling.maxReplicas 0 $values.autoscaling.enabled) "keda.maxReplicas" (ternary (dig "keda" "maxReplicas" 0 $values) 0 $keda) }}
{{- if gt (int $count) $partitions }}{{ fail (printf "stages.%s.%s is %v, but there are %d partitions (config.bus.topics.partitions), and a pod beyond them has nothing to do" $stage $key $count $partitions) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- include "tailwater.checkMemory" (dict "stage" "ingest" "what" "config.ingest.memory_limit" "limit" (dig "resources" "limits" "memory" "" .Values.stages.ingest)
      "sizes" (list (dig "ingest" "memory_limit" "256MiB" .Values.config))) }}
{{- include "tailwater.checkMemory" (dict "stage" "sample" "what" "config.sampler.memory_limit, statistics_limit" "limit" (dig "resources" "limits" "memory" "" .Values.stages.sample)
      "sizes" (list (dig "sampler" "memory_limit" "512MiB" .Values.config) (dig "sampler" "statistics_limit" "64MiB" .Values.config))) }}
{{- $deadline := include "tailwater.seconds" (dig "shutdown" "deadline" "30s" .Values.config) }}
{{- if $deadline }}{{ if lt (int .Values.terminationGracePeriodSeconds) (add (int $deadline) (int .Values.preStopSeconds)) }}
{{- fail (printf "terminationGracePeriodSeconds is %v, but config.shutdown.deadline and preStopSeconds take %d" .Values.terminationGracePeriodSeconds (add (int $deadline) (int .Values.preStopSeconds))) }}
{{- end }}{{ end }}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled }}{{ fail "metrics.podMonitor and metrics.serviceMonitor are both enabled: each pod would be scraped twice" }}{{ end }}
{{- if not (include "tailwater.metricsPort" .) }}
{{- if or .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled }}{{ fail "config.admin.metrics is off, so that a monitor has nothing to scrape" }}{{ end }}
{{- end }}
{{- end }}
