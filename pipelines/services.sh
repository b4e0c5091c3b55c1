# Sets the arguments to the names in SERVICES, which a person typed; to be sourced.
set -f
for service in $SERVICES; do
  case $service in
    [a-z]*) ;;
    *) echo "error: SERVICES: $service is no service" >&2; exit 2 ;;
  esac
done
set -- $SERVICES
