{{- define "kelp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "kelp.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "kelp.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kelp.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "kelp.selector" -}}
app.kubernetes.io/name: {{ include "kelp.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kelp.labels" -}}
{{ include "kelp.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{- define "kelp.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kelp.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "kelp.pipelines" -}}
{{- .Values.existingPipelines | default (printf "%s-pipelines" (include "kelp.fullname" .)) }}
{{- end }}

{{/* The container's memory, in MiB. */}}
{{- define "kelp.memory" -}}
{{- $memory := (.Values.resources.limits | default dict).memory | toString }}
{{- if regexMatch "^[0-9]+Gi$" $memory }}{{ mul (trimSuffix "Gi" $memory | int) 1024 }}
{{- else if regexMatch "^[0-9]+Mi$" $memory }}{{ trimSuffix "Mi" $memory | int }}
{{- else }}{{ fail (printf "resources.limits.memory: %s is not in whole Mi or Gi, which memory_limit follows" $memory) }}
{{- end }}
{{- end }}

{{/* A size as Kelp reads it, in bytes; nothing if it is none. */}}
{{- define "kelp.bytes" -}}
{{- $number := regexFind "^[0-9]+" . }}
{{- $unit := trimPrefix $number . | trim | lower }}
{{- $units := dict "" 1 "b" 1 "kib" 1024 "mib" 1048576 "gib" 1073741824 "kb" 1000 "mb" 1000000 "gb" 1000000000 }}
{{- if and $number (hasKey $units $unit) }}{{ mul (int64 $number) (get $units $unit) }}{{ end }}
{{- end }}

{{/* What may be set as memory_limit: four fifths of the container, and no more than leaves 160 MiB for the rest. */}}
{{- define "kelp.memoryLimit" -}}
{{- $container := include "kelp.memory" . | int }}
{{- if hasKey .Values.config "memory_limit" }}
{{- $given := .Values.config.memory_limit }}
{{- $text := ternary (printf "%.0f" $given) ($given | toString) (kindIs "float64" $given) }}
{{- $bytes := include "kelp.bytes" $text }}
{{- if contains "$" $text }}
{{- else if not $bytes }}{{ fail (printf "config.memory_limit: %s is not a size like 512MiB" $text) }}
{{- else if gt (int64 $bytes) (mul $container 1048576) }}{{ fail "config.memory_limit is more than resources.limits.memory" }}
{{- else if lt (int64 $bytes) 67108864 }}{{ fail (printf "config.memory_limit: %s is too little, give at least 64MiB" $text) }}
{{- end }}{{ $text }}
{{- else }}
{{- $limit := min (div (mul $container 4) 5) (sub $container 160) }}
{{- if lt (int64 $limit) 64 }}
{{- fail (printf "resources.limits.memory: %dMi is too little: give at least 224Mi, 64 for memory_limit and 160 for the rest, or set config.memory_limit" $container) }}
{{- end }}{{ $limit }}MiB
{{- end }}
{{- end }}

{{/* Where Kelp listens, and the port of it, which the probes and the Service have too. */}}
{{- define "kelp.listen" -}}
{{- $listen := (.Values.config.admin | default dict).listen | default "0.0.0.0:9600" | toString }}
{{- if not (regexMatch "^([0-9.]+|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]{0,4}$" $listen) }}
{{- fail (printf "config.admin.listen: %s is not an IP address and a port, like 0.0.0.0:9600, which the probes and the Service follow" $listen) }}
{{- end }}
{{- if regexMatch "^(127\\.|\\[::1\\])" $listen }}
{{- fail (printf "config.admin.listen: %s cannot be reached by the probes: listen on 0.0.0.0" $listen) }}
{{- end }}
{{- range .Values.env }}
{{- if eq .name "KELP_ADMIN__LISTEN" }}{{ fail "env: KELP_ADMIN__LISTEN: set config.admin.listen, which the probes and the Service follow" }}{{ end }}
{{- end }}
{{- $listen }}
{{- end }}

{{- define "kelp.port" -}}
{{- include "kelp.listen" . | regexFind "[0-9]+$" }}
{{- end }}

{{/* kelp.yaml: what is given, over what follows from the rest of the chart. */}}
{{- define "kelp.config" -}}
{{- $own := dict
  "pipelines" "/etc/kelp/pipelines"
  "admin" (dict "listen" (include "kelp.listen" .))
  "memory_limit" (include "kelp.memoryLimit" .)
  "shutdown_timeout" (printf "%ds" (int .Values.shutdownTimeoutSeconds)) }}
{{- $config := mergeOverwrite $own (deepCopy .Values.config) }}
{{- if hasKey .Values.config "shutdown_timeout" }}
{{- fail "config.shutdown_timeout: set shutdownTimeoutSeconds, which the pods' grace period follows" }}
{{- end }}
{{- $text := toYaml $config }}
{{- /* What stands in files is named here and not shown. */}}
{{- $shown := toYaml (set (deepCopy $config) "kafka" (omit $config.kafka "properties_files")) }}
{{- if regexMatch "://[^/\\s$]*@|(password|passphrase|api_key|secret)\\s*:\\s*[^$\\s]" $shown }}
{{- fail "config: a password would be readable by everybody in the ConfigMap: put it into secretEnvironment or existingSecret as a variable KELP_…, or name its file" }}
{{- end }}
{{- $text }}
{{- end }}

{{- define "kelp.pod" -}}
metadata:
  labels:
    {{- include "kelp.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- if or .Values.restartOnChange .Values.podAnnotations }}
  annotations:
    {{- if .Values.restartOnChange }}
    kelp/config: {{ include "kelp.config" . | sha256sum }}
    kelp/secret: {{ toYaml .Values.secretEnvironment | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "kelp.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add (int .Values.shutdownTimeoutSeconds) 10 }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext: {{- toYaml .Values.podSecurityContext | nindent 4 }}
  containers:
    - name: kelp
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [run, -c, /etc/kelp/config/kelp.yaml]
      securityContext: {{- toYaml .Values.securityContext | nindent 8 }}
      ports:
        - {name: admin, containerPort: {{ include "kelp.port" . }}}
      {{- $static := and .Values.staticMembership (eq .Values.kind "StatefulSet") }}
      {{- if or $static .Values.env }}
      env:
        {{- if $static }}
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: KELP_KAFKA__PROPERTIES__GROUP_INSTANCE_ID
          value: $(POD_NAME)
        {{- end }}
        {{- with .Values.env }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- end }}
      {{- if or .Values.secretEnvironment .Values.existingSecret }}
      envFrom:
        {{- if .Values.secretEnvironment }}
        - secretRef: {name: {{ include "kelp.fullname" . }}}
        {{- end }}
        {{- with .Values.existingSecret }}
        - secretRef: {name: {{ . }}}
        {{- end }}
      {{- end }}
      livenessProbe:
        httpGet: {path: /livez, port: admin}
        {{- toYaml .Values.livenessProbe | nindent 8 }}
      readinessProbe:
        httpGet: {path: /readyz, port: admin}
        {{- toYaml .Values.readinessProbe | nindent 8 }}
      resources: {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/kelp/config, readOnly: true}
        - {name: pipelines, mountPath: /etc/kelp/pipelines, readOnly: true}
        {{- range .Values.secretFiles }}
        - {name: secret-{{ . }}, mountPath: /etc/kelp/secrets/{{ . }}, readOnly: true}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "kelp.fullname" . }}}
    - name: pipelines
      configMap: {name: {{ include "kelp.pipelines" . }}}
    {{- range .Values.secretFiles }}
    - name: secret-{{ . }}
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
  topologySpreadConstraints:
    {{- if .Values.topologySpreadConstraints }}{{ toYaml .Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "kelp.selector" . | nindent 10 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
{{- end }}
