#!/bin/bash
# kfp_pod.sh FOLDER DIRECTORY COMMAND...: runs a command as in a pod of Kubeflow Pipelines, in a mount namespace of its own
# (below `unshare --mount`). It sees this machine's folders, but /tmp, /minio, /s3 and /gcs are its own and lie in FOLDER.
# POD_MOUNTS: claimed volumes, one `folder:path` a line. POD_SERVICE_ACCOUNT: folder with the account's files.
# POD_LAUNCHER: the launcher, which an init container would put at /kfp-launcher/launch. Without one, there is no account.
set -e
pod=$1 directory=$2
shift 2
root=$pod/root
mkdir -p "$root"
mount -t tmpfs none "$root"
for entry in /*; do
  name=${entry##*/}
  case $name in tmp | run | minio | s3 | gcs | kfp-launcher) continue ;; esac
  if [ -L "$entry" ]; then
    cp -P "$entry" "$root/"
  elif [ -d "$entry" ]; then
    mkdir "$root/$name"
    mount --rbind "$entry" "$root/$name"
  fi
done
for name in tmp minio s3 gcs; do
  mkdir -p "$pod/$name" "$root/$name"
  mount --bind "$pod/$name" "$root/$name"
done
# The project and its Python stay in sight where they lie below /tmp.
for path in "$directory" "${PATH%%:*}"; do
  [[ $path == /tmp/* ]] && mkdir -p "$root$path" && mount --bind "$path" "$root$path"
done
if [ -n "$POD_LAUNCHER" ]; then
  mkdir -p "$root/run/secrets/kubernetes.io/serviceaccount" "$root/kfp-launcher"
  mount --bind "$POD_SERVICE_ACCOUNT" "$root/run/secrets/kubernetes.io/serviceaccount"
  cp "$POD_LAUNCHER" "$root/kfp-launcher/launch"
fi
while IFS=: read -r folder path; do
  [ -n "$path" ] || continue
  mkdir -p "$root$path"
  mount --bind "$folder" "$root$path"
done <<<"$POD_MOUNTS"
unset POD_MOUNTS POD_SERVICE_ACCOUNT POD_LAUNCHER
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
