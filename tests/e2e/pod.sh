#!/bin/bash
# pod.sh FOLDER DIRECTORY COMMAND...: runs a command as in a pod, in a mount namespace of its own (below `unshare --mount`).
# It sees this machine's folders, but /minio, /s3, /gcs and what Kubeflow uses in /tmp are the pod's own, empty at first:
# https://github.com/kubeflow/pipelines/blob/2.16.1/backend/src/v2/compiler/argocompiler/container.go#L461-L505
# CLAIMS: one `folder:path` a line, folders of this machine that stand for claimed volumes.
set -e
pod=$1 directory=$2
shift 2
root=$pod/root
mkdir -p "$root"
mount -t tmpfs none "$root"
for entry in /*; do
  name=${entry##*/}
  case $name in minio | s3 | gcs) continue ;; esac
  if [ -L "$entry" ]; then
    cp -P "$entry" "$root/"
  elif [ -d "$entry" ]; then
    mkdir "$root/$name"
    mount --rbind "$entry" "$root/$name"
  fi
done
for path in /minio /s3 /gcs /tmp/kfp_outputs /tmp/kfp /tmp/petseg; do
  mkdir -p "$pod$path" "$root$path"
  mount --bind "$pod$path" "$root$path"
done
while IFS=: read -r folder path; do
  [ -n "$path" ] || continue
  mkdir -p "$root$path"
  mount --bind "$folder" "$root$path"
done <<<"$CLAIMS"
unset CLAIMS
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
