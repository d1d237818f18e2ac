{{- /* A list that may not be empty: of addresses, an empty one would mean everybody. */ -}}
{{- define "payments.need" -}}
{{- if not .list }}{{ fail (printf "%s is required: %s" .name .what) }}{{ end -}}
{{- end }}

{{- define "payments.labels" -}}
app.kubernetes.io/name: payments
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "payments.selector" -}}
app.kubernetes.io/name: payments
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "payments.name" -}}
{{ printf "%s-%s" .root.Release.Name .part | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "payments.image" -}}
{{ required "image.repository is required" .Values.image.repository }}@{{ required "image.digest is required" .Values.image.digest }}
{{- end }}

{{- /* PodSecurity "restricted", and a root that nobody writes to. */ -}}
{{- define "payments.podSecurity" -}}
# Kubernetes would name the service of the dashboard PAYMENTS_DASHBOARD_PORT, which is a setting and no address.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "payments.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  capabilities: {drop: [ALL]}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* Two pods of a part are on two nodes where there are two. */ -}}
{{- define "payments.spread" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "payments.selector" . | nindent 14 }}
{{- end }}

{{- define "payments.checksums" -}}
checksum/config: {{ include (print .root.Template.BasePath "/config.yaml") .root | sha256sum }}
{{- end }}

{{- /* Settings of all parts, and Kafka's secret where there is one; of those that read records the mapping and secrets, too. */ -}}
{{- define "payments.environment" -}}
envFrom:
  - configMapRef: {name: {{ include "payments.name" (dict "root" .root "part" "settings") }}}
env:
  {{- if .root.Values.kafka.propertiesSecret }}
  - name: KAFKA_CLIENT_PROPERTIES
    value: /etc/payments/kafka/client.properties
  {{- end }}
  {{- if and .root.Values.mapping (has .part (list "processor" "code-location")) }}
  - name: PAYMENTS_EVENT_MAPPING
    value: /etc/payments/mapping/events.toml
  {{- end }}
  {{- if has .part (list "processor" "executor" "code-location") }}
  {{- range $name, $from := .root.Values.secretSettings }}
  - name: {{ $name }}
    valueFrom:
      secretKeyRef:
        name: {{ required (printf "secretSettings.%s.secret is required" $name) $from.secret }}
        key: {{ required (printf "secretSettings.%s.key is required" $name) $from.key }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "payments.password" -}}
- name: DAGSTER_POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ required "postgres.secret is required: the secret that holds the password" .Values.postgres.secret }}
      key: {{ .Values.postgres.key }}
{{- end }}

{{- /* What every part may write to: one volume of its own, of bounded size. */ -}}
{{- define "payments.writable" -}}
- {name: scratch, mountPath: /tmp, subPath: tmp}
{{- range $folder := list "run" "logs" }}
- {name: scratch, mountPath: /opt/payments/home/{{ $folder }}, subPath: {{ $folder }}}
{{- end }}
{{- end }}

{{- define "payments.dagsterMounts" -}}
- {name: scratch, mountPath: /opt/payments/home/dagster, subPath: dagster}
- {name: dagster, mountPath: /opt/payments/home/dagster/dagster.yaml, subPath: dagster.yaml, readOnly: true}
- {name: dagster, mountPath: /opt/payments/home/dagster/workspace.yaml, subPath: workspace.yaml, readOnly: true}
{{- end }}

{{- define "payments.dagsterVolumes" -}}
- name: scratch
  emptyDir: {sizeLimit: {{ .size }}}
- name: dagster
  configMap: {name: {{ include "payments.name" (dict "root" .root "part" "dagster") }}}
{{- end }}

{{- define "payments.kafkaMount" -}}
{{- if .Values.kafka.propertiesSecret }}
- {name: kafka, mountPath: /etc/payments/kafka, readOnly: true}
{{- end }}
{{- end }}

{{- define "payments.kafkaVolume" -}}
{{- if .Values.kafka.propertiesSecret }}
- name: kafka
  secret: {secretName: {{ .Values.kafka.propertiesSecret }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- define "payments.mappingMount" -}}
{{- if .Values.mapping }}
- {name: mapping, mountPath: /etc/payments/mapping, readOnly: true}
{{- end }}
{{- end }}

{{- define "payments.mappingVolume" -}}
{{- if .Values.mapping }}
- name: mapping
  configMap: {name: {{ include "payments.name" (dict "root" . "part" "mapping") }}}
{{- end }}
{{- end }}

{{- /* Who comes in is asked by oauth2-proxy, beside a server that listens on loopback alone. */ -}}
{{- define "payments.proxy" -}}
{{- $values := .root.Values.proxy -}}
- name: proxy
  image: {{ required "proxy.repository is required" $values.repository }}@{{ required "proxy.digest is required" $values.digest }}
  imagePullPolicy: IfNotPresent
  args:
    - --http-address=0.0.0.0:4180
    - --upstream={{ .upstream }}
    - --reverse-proxy=true
    - --cookie-secure=true
    - --skip-provider-button=true
    {{- include "payments.need" (dict "list" $values.arguments "name" "proxy.arguments" "what" "who may come in") }}
    {{- range $values.arguments }}
    - {{ . | quote }}
    {{- end }}
  {{- include "payments.containerSecurity" .root | nindent 2 }}
  env:
    {{- range $name, $key := dict "OAUTH2_PROXY_CLIENT_ID" "client-id" "OAUTH2_PROXY_CLIENT_SECRET" "client-secret" "OAUTH2_PROXY_COOKIE_SECRET" "cookie-secret" }}
    - name: {{ $name }}
      valueFrom:
        secretKeyRef:
          name: {{ required "proxy.secret is required: the secret with client-id, client-secret and cookie-secret" $values.secret }}
          key: {{ $key }}
    {{- end }}
  ports:
    - {name: http, containerPort: 4180}
  livenessProbe:
    httpGet: {path: /ping, port: http}
    periodSeconds: 20
    timeoutSeconds: 5
  readinessProbe:
    httpGet: {path: /ping, port: http}
    periodSeconds: 10
    timeoutSeconds: 5
  resources: {{- toYaml $values.resources | nindent 4 }}
{{- end }}
