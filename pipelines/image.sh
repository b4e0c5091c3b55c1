# Functions and variables of the stages that handle an image; to be sourced in the checkout. SERVICE, REGISTRY, CACHE,
# BUILDKIT_HOST and BUILDKIT_TLS come from the job and the controller's configuration. No code of a service runs in the
# agent: builds and unit tests are stages of its Dockerfile, and run in buildkitd.
repository=$REGISTRY/$SERVICE
commit=$(git rev-parse HEAD)
tag=commit-$commit

build() {
  DOCKER_CONFIG=$(mktemp -d)
  export DOCKER_CONFIG
  trap 'rm -rf "$DOCKER_CONFIG"' EXIT
  python3 -m pipelines.ecr login "$repository"
  buildctl --tlsdir "$BUILDKIT_TLS" build --progress plain --frontend dockerfile.v0 \
    --local context=. --local dockerfile=. --opt filename="${DOCKERFILE:-Dockerfile}" \
    --opt label:org.opencontainers.image.revision="$commit" \
    --import-cache type=registry,ref="$CACHE:$SERVICE" "$@"
}
