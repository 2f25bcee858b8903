#!/usr/bin/env bash
# The clients people have — skopeo, podman, buildah, docker — push into staging and pull what was approved, unchanged.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox
clean_image clean
gate_start <<<'policy: tre'
as ann status >/dev/null
approve_newest() { as rea review approve "$(newest ann)" --note ok >/dev/null; }

claim "skopeo pushes" push ann clean nextflow-staging/ann:skopeo
claim "the reviewer approves" approve_newest
claim "skopeo pulls" pull ann nextflow-approved/ann:skopeo got-skopeo

if command -v podman >/dev/null && [ "$(id -u)" = 0 ]; then
  storage=(--root "$work/pod" --runroot "$work/podrun" --storage-driver vfs)
  cleanups+=("umount '$work/pod/overlay' 2>/dev/null")
  claim "podman loads the image" podman "${storage[@]}" pull -q "oci:$work/clean:latest"
  id=$(podman "${storage[@]}" images -q | head -n 1)
  claim "podman logs in" bash -c "password='$(password_of ann)'; printf %s \"\$password\" | podman ${storage[*]} login --tls-verify=false -u ann --password-stdin $host"
  claim "podman pushes" podman "${storage[@]}" push --tls-verify=false "$id" "docker://$host/nextflow-staging/ann:podman"
  claim "the reviewer approves" approve_newest
  claim "podman pulls" podman "${storage[@]}" pull --tls-verify=false "$host/nextflow-approved/ann:podman"
  claim "podman searches" podman "${storage[@]}" search --tls-verify=false "$host/ann"
  says "nextflow-approved/ann"
  silent "nextflow-staging"
  refuse "podman cannot pull from staging" podman "${storage[@]}" pull --tls-verify=false "$host/nextflow-staging/ann:podman"
  if command -v buildah >/dev/null; then
    claim "buildah pushes" buildah "${storage[@]}" push --tls-verify=false --creds "ann:$(password_of ann)" "$id" "docker://$host/nextflow-staging/ann:buildah"
  else
    echo "SKIPPED: buildah is not installed"
  fi
else
  echo "SKIPPED: podman needs to be installed and run as root here"
fi

if command -v dockerd >/dev/null && [ "$(id -u)" = 0 ]; then
  docker_work=$(mktemp -d /tmp/dk.XXXX)  # socket paths end at 107 characters
  cleanups+=("[ ! -e $docker_work/pid ] || kill \$(cat $docker_work/pid)" "until_true test ! -e $docker_work/pid" "rm -rf $docker_work")
  dockerd --data-root "$docker_work/data" --exec-root "$docker_work/exec" --pidfile "$docker_work/pid" -H "unix://$docker_work/s" \
    --iptables=false --ip6tables=false --bridge=none --storage-driver overlay2 >"$docker_work/log" 2>&1 &
  export DOCKER_HOST="unix://$docker_work/s"
  until_true docker version || { tail -n 5 "$docker_work/log"; die "dockerd did not start"; }
  claim "docker logs in" bash -c "printf %s '$(password_of ann)' | docker login -u ann --password-stdin $host"
  docker import -c 'CMD ["/bin/sh"]' "$work/clean.tar" "$host/nextflow-staging/ann:docker" >/dev/null
  claim "docker pushes" docker push "$host/nextflow-staging/ann:docker"
  claim "the reviewer approves" approve_newest
  claim "docker pulls what was approved" docker pull "$host/nextflow-approved/ann:docker"
  claim "docker searches" docker search "$host/ann"
  says "nextflow-approved/ann"
  silent "nextflow-staging"
  refuse "docker cannot pull from staging" docker pull "$host/nextflow-staging/ann:docker"
  claim "pratique submits straight from the docker daemon" as rea status
  refuse "a docker image without an account is refused" as nobody submit "docker-daemon:$host/nextflow-approved/ann:docker"
  claim "submit from the docker daemon" as ann submit "docker-daemon:$host/nextflow-approved/ann:docker" --as fromdaemon
else
  echo "SKIPPED: dockerd needs to be installed and run as root"
fi
