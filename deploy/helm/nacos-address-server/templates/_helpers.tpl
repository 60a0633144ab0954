{{- define "labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: nacos
{{- end }}

{{- /* A pod's: without the versions, or each new chart would start all pods anew. */}}
{{- define "podLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: nacos
{{- end }}

{{- define "addressServer.labels" -}}
app.kubernetes.io/name: nacos-address-server
app.kubernetes.io/component: address-server
{{- end }}

{{- define "addressServer.selector" -}}
app.kubernetes.io/name: nacos-address-server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "nacos.labels" -}}
{{- if eq .Values.mode "statefulset" }}
app: nacos
{{- end }}
app.kubernetes.io/name: nacos
app.kubernetes.io/component: server
{{- end }}

{{- define "nacos.selector" -}}
app.kubernetes.io/name: nacos
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* A StatefulSet's selector cannot be changed: that of nacos-k8s. */}}
{{- define "nacos.workloadSelector" -}}
{{- if eq .Values.mode "statefulset" -}}
app: nacos
{{- else -}}
{{ include "nacos.selector" . }}
{{- end -}}
{{- end }}

{{- define "addressServer.image" -}}
{{ .Values.addressServer.image.repository }}:{{ .Values.addressServer.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "nacos.image" -}}
{{ .Values.nacos.image.repository }}:{{ .Values.nacos.image.tag }}
{{- end }}

{{- define "expect" -}}
{{ .Values.nacos.expect | default .Values.nacos.replicas }}
{{- end }}

{{- define "addressServer.url" -}}
http://{{ .Values.addressServer.name }}:8080
{{- end }}

{{- define "addressServer.secret" -}}
{{ .Values.addressServer.existingSecret | default .Values.addressServer.name }}
{{- end }}

{{- define "nacos.secret" -}}
{{ .Values.nacos.existingSecret | default .Values.nacos.name }}
{{- end }}

{{- define "token.secret" -}}
{{ .Values.tokens.existingSecret | default (printf "%s-token" .Values.addressServer.name) }}
{{- end }}

{{- /* The token in the containers of nodes, and where it comes from. */}}
{{- define "token.mount" -}}
- { name: token, mountPath: /run/address-server, readOnly: true }
{{- end }}

{{- /* Of the keys of the Secret, the one that is given. */}}
{{- define "token.volume" -}}
- name: token
  # 0440
  secret: { secretName: {{ include "token.secret" .context }}, defaultMode: 288, items: [{ key: {{ .key }}, path: {{ .key }} }] }
{{- end }}

{{- /* Of a shell: asks the address server, with the token if there is one, for the status of its answer. */}}
{{- define "ask" -}}
ask() {
  {{- if .Values.tokens.enabled }}
  printf 'header = "Authorization: Bearer %s"\n' "$(tr -d '\r\n' </run/address-server/token)" |
    curl -K - -s -o /dev/null -w '%{http_code}' "$@"
  {{- else }}
  curl -s -o /dev/null -w '%{http_code}' "$@"
  {{- end }}
}
{{- end }}

{{- define "hardened" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "nacos.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "nacos.workloadSelector" . | nindent 6 }}
{{- end }}

{{- /* What a Nacos container has in every mode. */}}
{{- define "nacos.container" -}}
name: nacos
image: {{ include "nacos.image" . }}
imagePullPolicy: {{ .Values.nacos.image.pullPolicy }}
envFrom:
  - secretRef: { name: {{ include "nacos.secret" . }} }
ports:
  - { name: http, containerPort: 8848 }
  - { name: client-grpc, containerPort: 9848 }
  - { name: server-grpc, containerPort: 9849 }
  - { name: raft, containerPort: 7848 }
# Longer than the wait at the gate; Nacos opens its port only after it.
startupProbe:
  httpGet: { path: /nacos/v1/console/health/liveness, port: http }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 180
livenessProbe:
  httpGet: { path: /nacos/v1/console/health/liveness, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
resources:
  {{- toYaml .Values.nacos.resources | nindent 2 }}
{{- end }}
