{{/* The image's full name. */}}
{{- define "kube-proxy-nft.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The data of the ConfigMap. */}}
{{- define "kube-proxy-nft.data" -}}
{{- $fixed := dict "apiVersion" "kubeproxy.config.k8s.io/v1alpha1" "kind" "KubeProxyConfiguration" "clientConnection" (dict "kubeconfig" "/var/lib/kube-proxy/kubeconfig.conf") -}}
config.conf: |
  {{- mergeOverwrite (deepCopy .Values.config) $fixed | toYaml | nindent 2 }}
kubeconfig.conf: |
  apiVersion: v1
  kind: Config
  clusters:
  - name: default
    cluster:
      certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
      server: {{ .Values.apiServer }}
  users:
  - name: default
    user:
      tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
  contexts:
  - name: default
    context:
      cluster: default
      user: default
  current-context: default
{{- end -}}

{{/*
The ConfigMap's name. If the chart creates the ConfigMap, its name contains a hash: a change creates a new one, which
the nodes get gradually.
*/}}
{{- define "kube-proxy-nft.configMap" -}}
{{- if .Values.configMap.create -}}
{{ .Values.configMap.name }}-{{ include "kube-proxy-nft.data" . | sha256sum | trunc 10 }}
{{- else -}}
{{ .Values.configMap.name }}
{{- end -}}
{{- end -}}
