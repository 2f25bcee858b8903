#!/usr/bin/env bash
# The documented commands, unchanged: Debian's aws-cli and the Docker family against a gate; what people read when keys have
# ended or the repository is not theirs; every road to the gate; boto3 and a newer aws-cli where they are installed.
HOME_BEFORE=$HOME
source "$(dirname "$0")/lib.sh"
need umoci busybox skopeo curl python3
[ -x /usr/bin/aws ] || skip "awscli is not installed"
while read -r name; do unset "$name"; done < <(env | sed -n 's/^\(AWS_[A-Z_]*\)=.*/\1/p')
unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy
export AWS_EC2_METADATA_DISABLED=true
mkdir "$work/bin" && ln -s /usr/bin/aws "$work/bin/aws" && PATH="$work/bin:$PATH"

account=123456789012
clean_image clean
echo 0 >"$work/clock"
gate_start <<YAML
policy: tre
aws: {account: "$account", region: us-east-1, proxy: "127.0.0.1:0"}
test_clock: $work/clock
YAML
as ann status >/dev/null
repositoryUri="$host/nextflow-staging/ann"
staged() { as ann status --format json | json '[s["tag"] for s in d["submissions"]]'; }

forget() { unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; }
use_account() { forget; eval "$(as "$1" aws-credentials)"; }
# What the staff's script does for a user: their upload role, for an hour.
sheet() {
  use_account admin
  aws sts assume-role --role-arn "arn:aws:iam::$account:role/$1-ECRUploadRole" --role-session-name "$1" --duration-seconds 3600 >"$work/keys.json"
  forget
  export AWS_ACCESS_KEY_ID=$(json 'd["Credentials"]["AccessKeyId"]' <"$work/keys.json")
  export AWS_SECRET_ACCESS_KEY=$(json 'd["Credentials"]["SecretAccessKey"]' <"$work/keys.json")
  export AWS_SESSION_TOKEN=$(json 'd["Credentials"]["SessionToken"]' <"$work/keys.json")
}

# -- aws-setup ---------------------------------------------------------------------------------------------------------
mkdir -p "$HOME/.aws/cli"
printf '# mine\n[toplevel]\nwhoami = sts get-caller-identity\n' >"$HOME/.aws/cli/alias"
cp "$HOME/.aws/cli/alias" "$work/alias.before"
claim "aws-setup shows what it would write" "$PRATIQUE" aws-setup --dry-run
says "sts = sts --endpoint-url $url --region us-east-1"
claim "and then has written nothing" cmp "$HOME/.aws/cli/alias" "$work/alias.before"
claim "aws-setup writes the aliases" "$PRATIQUE" aws-setup

use_account ann
claim "an account's own keys say who they are" aws sts get-caller-identity
says "\"Arn\": \"arn:aws:iam::$account:user/ann\""
claim "an alias of one's own still works" aws whoami

# -- the documented commands -------------------------------------------------------------------------------------------
sheet ann
claim "aws sts get-caller-identity" aws sts get-caller-identity
says "\"Arn\": \"arn:aws:sts::$account:assumed-role/ann-ECRUploadRole/ann\""
says "\"Account\": \"$account\""
claim "the password has no colon" bash -c 'password=$(aws ecr get-login-password --region us-east-1); [ -n "$password" ] && [ "${password#*:}" = "$password" ]'

export repositoryUri
if command -v dockerd >/dev/null && [ "$(id -u)" = 0 ]; then
  docker_work=$(mktemp -d /tmp/dk.XXXX)  # socket paths end at 107 characters
  cleanups+=("[ ! -e $docker_work/pid ] || kill \$(cat $docker_work/pid)" "until_true test ! -e $docker_work/pid" "rm -rf $docker_work")
  dockerd --data-root "$docker_work/data" --exec-root "$docker_work/exec" --pidfile "$docker_work/pid" -H "unix://$docker_work/s" \
    --iptables=false --ip6tables=false --bridge=none --storage-driver overlay2 >"$docker_work/log" 2>&1 &
  export DOCKER_HOST="unix://$docker_work/s"
  until_true docker version || { tail -n 5 "$docker_work/log"; die "dockerd did not start"; }
  docker import -c 'CMD ["/bin/sh"]' "$work/clean.tar" my_docker:latest >/dev/null
  claim "aws ecr get-login-password | docker login" bash -o pipefail -c \
    'aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin $repositoryUri'
  says "Login Succeeded"
  claim "docker tag" docker tag my_docker:latest "$repositoryUri:docker"
  claim "docker push" docker push "$repositoryUri:docker"
  claim "the gate has it" grep -q docker <(staged)
  docker tag my_docker:latest "$host/nextflow-staging/sam:docker"
  docker tag my_docker:latest "$host/nextflow-stagin/ann:docker"
  refuse "a push to another repository fails at once" timeout 20 docker push "$host/nextflow-staging/sam:docker"
  says "check the repository URI and that the exports were run in this terminal"
  refuse "and so does one to a name with a typo" timeout 20 docker push "$host/nextflow-stagin/ann:docker"
  says "check the repository URI and that the exports were run in this terminal"
  refuse "what was pushed cannot be pulled back" docker pull "$repositoryUri:docker"
else
  echo "SKIPPED: dockerd needs to be installed and run as root"
fi

storage=(--root "$work/pod" --runroot "$work/podrun" --storage-driver vfs)
if command -v podman >/dev/null && [ "$(id -u)" = 0 ]; then
  cleanups+=("umount '$work/pod/overlay' 2>/dev/null")
  podman "${storage[@]}" pull -q "oci:$work/clean:latest" >/dev/null
  podman "${storage[@]}" tag "$(podman "${storage[@]}" images -q | head -n 1)" "$repositoryUri:podman"
  claim "aws ecr get-login-password | podman login" bash -o pipefail -c \
    "aws ecr get-login-password --region us-east-1 | podman ${storage[*]} login --tls-verify=false --username AWS --password-stdin \$repositoryUri"
  claim "podman push" podman "${storage[@]}" push --tls-verify=false "$repositoryUri:podman"
  refuse "podman has nothing for another repository" podman "${storage[@]}" push --tls-verify=false "$repositoryUri:podman" "docker://$host/nextflow-staging/sam:podman"
else
  echo "SKIPPED: podman needs to be installed and run as root here"
fi

echo '{}' >"$REGISTRY_AUTH_FILE"
claim "aws ecr get-login-password | skopeo login" bash -o pipefail -c \
  'aws ecr get-login-password --region us-east-1 | skopeo login --tls-verify=false --username AWS --password-stdin $repositoryUri'
claim "skopeo copy" skopeo copy --dest-tls-verify=false "oci:$work/clean:latest" "docker://$repositoryUri:skopeo"
claim "the gate has it" grep -q skopeo <(staged)

# -- ECR ---------------------------------------------------------------------------------------------------------------
refuse "keys for pushing describe nothing" aws ecr describe-images --repository-name nextflow-staging/ann --region us-east-1
says "An error occurred (AccessDeniedException) when calling the DescribeImages operation: User: arn:aws:sts::$account:assumed-role/ann-ECRUploadRole/ann is not authorized to perform: ecr:DescribeImages on resource: arn:aws:ecr:us-east-1:$account:repository/nextflow-staging/ann"
refuse "an operation that is not offered is refused" aws ecr set-repository-policy --repository-name nextflow-staging/ann --policy-text '{}' --region us-east-1
says "AccessDeniedException"
as rea review approve "$(newest ann)" --note ok >/dev/null
use_account rea
claim "reviewers see repositories" aws ecr describe-repositories
says "\"repositoryUri\": \"$host/nextflow-approved/ann\""
claim "and wait for a scan" aws ecr wait image-scan-complete --repository-name nextflow-staging/ann --image-id imageTag=skopeo
claim "and read findings" aws ecr describe-image-scan-findings --repository-name nextflow-staging/ann --image-id imageTag=skopeo
says '"findingSeverityCounts"'
claim "and page through images" aws ecr list-images --repository-name nextflow-staging/ann --page-size 1 --query 'length(imageIds)'
use_account ann
claim "a manifest that was approved may be read" aws ecr batch-get-image --repository-name nextflow-approved/ann --image-ids imageTag=skopeo --query 'images[0].imageManifest'
says 'schemaVersion'
claim "and the approval's time is told" aws ecr get-lifecycle-policy --repository-name nextflow-approved/ann
says 'countNumber\":30'
refuse "another repository is not found" aws ecr describe-images --repository-name nextflow-approved/nobody
says "RepositoryNotFoundException"

# -- after expiry ------------------------------------------------------------------------------------------------------
sheet ann
password=$(aws ecr get-login-password --region us-east-1)
echo 3601 >"$work/clock"
refuse "an hour later the password is none" bash -c "printf %s '$password' | skopeo login --tls-verify=false --username AWS --password-stdin $repositoryUri"
says "invalid username/password"
if [ -n "${DOCKER_HOST:-}" ]; then
  docker tag my_docker:latest "$repositoryUri:late"
  refuse "and docker push says so" timeout 60 docker push "$repositoryUri:late"
  says "Your authorization token has expired. Reauthenticate and try again."
fi
refuse "skopeo as well" skopeo copy --dest-tls-verify=false --dest-creds "AWS:$password" "oci:$work/clean:latest" "docker://$repositoryUri:late"
says "Your authorization token has expired. Reauthenticate and try again."
# Keys that were issued an hour ago by a server whose clock agrees with the client's.
echo -3601 >"$work/clock"
forget
as admin aws-credentials --format json >"$work/old.json"
echo 0 >"$work/clock"
export AWS_ACCESS_KEY_ID=$(json 'd["access_key_id"]' <"$work/old.json") AWS_SECRET_ACCESS_KEY=$(json 'd["secret_access_key"]' <"$work/old.json")
export AWS_SESSION_TOKEN=$(json 'd["session_token"]' <"$work/old.json")
refuse "keys that have ended are said to be" aws sts get-caller-identity
says "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired"
refuse "by ECR too" aws ecr get-login-password --region us-east-1
says "An error occurred (ExpiredTokenException) when calling the GetAuthorizationToken operation: The security token included in the request is expired"
refuse "the documented pipe then fails" bash -o pipefail -c 'aws ecr get-login-password --region us-east-1 | skopeo login --tls-verify=false --username AWS --password-stdin $repositoryUri'

# -- hostile or mistaken -----------------------------------------------------------------------------------------------
sheet ann
refuse "a wrong secret" env AWS_SECRET_ACCESS_KEY=wrong aws sts get-caller-identity
says "(SignatureDoesNotMatch)"
refuse "another token" env AWS_SESSION_TOKEN=wrong aws sts get-caller-identity
says "(InvalidClientTokenId)"
refuse "an unknown key" env AWS_ACCESS_KEY_ID=ASIAUNKNOWNUNKNOWN00 aws ecr get-login-password
says "(UnrecognizedClientException)"
refuse "nothing signed" aws sts get-caller-identity --no-sign-request
says "(MissingAuthenticationToken)"
if command -v faketime >/dev/null; then
  refuse "a clock ten minutes behind" faketime -f '-10m' aws sts get-caller-identity
  says "Signature expired"
fi

# -- the other roads ---------------------------------------------------------------------------------------------------
claim "aws-setup takes out what it put in" "$PRATIQUE" aws-setup --remove
claim "and leaves the file as it was" cmp "$HOME/.aws/cli/alias" "$work/alias.before"
refuse "another region" aws ecr get-login-password --region eu-west-1 --endpoint-url "$url"
says "use --region us-east-1"
claim "endpoints.json is the other way" "$PRATIQUE" aws-setup --method endpoints
claim "by it, aws sts get-caller-identity" aws sts get-caller-identity
claim "and aws ecr get-login-password" aws ecr get-login-password --region us-east-1
claim "which goes as well" "$PRATIQUE" aws-setup --remove
claim "without a trace" test ! -e "$HOME/.aws/models/endpoints.json"
echo '{"version": 3, "partitions": []}' >"$HOME/.aws/models/endpoints.json"
refuse "a list of one's own is not touched" "$PRATIQUE" aws-setup --method endpoints
rm "$HOME/.aws/models/endpoints.json"

proxy_line=$(sed -n 's/^AWS proxy: export //p' "$work/serve.out")
claim "by the proxy, with nothing else set: aws sts get-caller-identity" env $proxy_line aws sts get-caller-identity
says "assumed-role/ann-ECRUploadRole/ann"
claim "and aws ecr get-login-password" env $proxy_line aws ecr get-login-password --region us-east-1
refuse "the proxy leads nowhere else" env $proxy_line curl -sS --max-time 10 https://example.org/
says "CONNECT tunnel failed, response 403"

newer=$(type -aP aws | grep -vE "^($work|/usr/bin/aws)" | head -n 1 || true)
if [ -n "$newer" ] && "$newer" --version >/dev/null 2>&1; then
  eval "$("$PRATIQUE" aws-setup --method env)"
  claim "$("$newer" --version | cut -d' ' -f1) reads AWS_ENDPOINT_URL_STS" "$newer" sts get-caller-identity
  claim "and AWS_ENDPOINT_URL_ECR" "$newer" ecr get-login-password --region us-east-1
else
  echo "SKIPPED: no newer aws-cli on the path"
fi
python=$(for p in python3 "$HOME_BEFORE/.pyenv/shims/python3"; do "$p" -c 'import boto3' 2>/dev/null && { echo "$p"; break; }; done || true)
if [ -n "$python" ]; then
  use_account_quietly() { forget; eval "$(as "$1" aws-credentials)"; }
  use_account_quietly rea
  claim "boto3 pages, waits and reads errors" "$python" - "$url" <<'PY'
import sys, boto3, botocore
ecr = boto3.client("ecr", endpoint_url=sys.argv[1], region_name="us-east-1")
sts = boto3.client("sts", endpoint_url=sys.argv[1], region_name="us-east-1")
assert sts.get_caller_identity()["Arn"].endswith(":user/rea")
names = [r["repositoryName"] for page in ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 1}) for r in page["repositories"]]
assert "nextflow-staging/ann" in names and "nextflow-approved/ann" in names, names
images = [i for page in ecr.get_paginator("list_images").paginate(repositoryName="nextflow-staging/ann", PaginationConfig={"PageSize": 1}) for i in page["imageIds"]]
assert any(i["imageTag"] == "skopeo" for i in images), images
ecr.get_waiter("image_scan_complete").wait(repositoryName="nextflow-staging/ann", imageId={"imageTag": "skopeo"})
detail = ecr.describe_images(repositoryName="nextflow-staging/ann", imageIds=[{"imageTag": "skopeo"}])["imageDetails"][0]
assert detail["imageScanStatus"]["status"] == "COMPLETE" and detail["imagePushedAt"].year > 2000, detail
try:
    ecr.describe_images(repositoryName="nextflow-staging/ann", imageIds=[{"imageTag": "nothing"}])
except ecr.exceptions.ImageNotFoundException as error:
    assert "nothing" in str(error)
else:
    raise SystemExit("no ImageNotFoundException")
try:
    ecr.create_repository(repositoryName="nextflow-staging/ann")
except ecr.exceptions.RepositoryAlreadyExistsException:
    pass
role = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/ann-ECRUploadRole", RoleSessionName="ann", DurationSeconds=3600)
assert role["Credentials"]["AccessKeyId"].startswith("ASIA")
PY
else
  echo "SKIPPED: boto3 is not installed"
fi

# -- nothing secret is kept in the open --------------------------------------------------------------------------------
gate_stop
for secret in "$(json 'd["Credentials"]["SecretAccessKey"]' <"$work/keys.json")" "$(json 'd["Credentials"]["SessionToken"]' <"$work/keys.json")" "$password"; do
  refuse "no secret in the log" grep -qF -- "$secret" "$work/serve.log"
  refuse "nor in the database" grep -rqF -- "$secret" "$work/data"
done
