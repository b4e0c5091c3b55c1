# Functions and variables of the stages that handle an image; to be sourced in the checkout. SERVICE, REGISTRY, CACHE,
# BUILDKIT_HOST, BUILDKIT_TLS, and what a repository of several services needs: CONTEXT (a folder), DOCKERFILE (a path)
# and PATHS (what the image is made of), and BUILD_SECRETS (a folder), come from the job and the controller's configuration. No code of a service runs in the
# agent: builds and unit tests are stages of its Dockerfile, and run in buildkitd.
repository=$REGISTRY/$SERVICE
dockerfile=${DOCKERFILE:-Dockerfile}
# The last commit that changed what the image is made of. Without PATHS each commit does.
commit=$(if [ -n "${PATHS:-}" ]; then git log -1 --format=%H -- $PATHS; else git rev-parse HEAD; fi)
[ -n "$commit" ] || { echo "error: no commit has $PATHS: correct delivery.sources.$SERVICE" >&2; exit 1; }
tag=commit-$commit

build() {
  if [ -z "${DOCKER_CONFIG:-}" ]; then
    DOCKER_CONFIG=$(mktemp -d)
    export DOCKER_CONFIG
    trap 'rm -rf "$DOCKER_CONFIG"' EXIT
    python3 -m pipelines.ecr login "$repository"
  fi
  # For RUN --mount=type=secret,id=NAME: no layer has them.
  for secret in "${BUILD_SECRETS:-/nowhere}"/*; do
    [ ! -f "$secret" ] || set -- "$@" --secret id="${secret##*/}",src="$secret"
  done
  # A branch's layers do not replace those of the deployed branch.
  [ -z "${CACHE_TAG:-}" ] || set -- "$@" --import-cache type=registry,ref="$CACHE:$CACHE_TAG"
  buildctl --tlsdir "$BUILDKIT_TLS" build --progress plain --frontend dockerfile.v0 \
    --local context="${CONTEXT:-.}" --local dockerfile="$(dirname "$dockerfile")" --opt filename="${dockerfile##*/}" \
    --opt label:org.opencontainers.image.revision="$commit" \
    --import-cache type=registry,ref="$CACHE:$SERVICE" "$@"
}

# Prints the image by digest, from the metadata of its build.
printed() {
  python3 -c 'import json, sys; print(sys.argv[1] + "@" + json.load(open(sys.argv[2]))["containerimage.digest"], end="")' \
    "$repository" "$1"
}

# Prints the image that another build of the commit has pushed since this one began: a tag never moves.
pushed_meanwhile() {
  image=$(python3 -m pipelines.ecr find "$repository" "$tag")
  [ -n "$image" ] || exit 1
  printf %s "$image"
}
