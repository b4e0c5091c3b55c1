"""Emulates the headers of Fluentd's bulk requests, and how Elasticsearch 9 refuses wrong ones.

The headers by the sources of the image's gems: fluent-plugin-elasticsearch 6.0.0, elasticsearch-api 9.5.0, excon 1.6.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NEWLINE_JSON = "application/vnd.elasticsearch+x-ndjson; compatible-with=9"
MAJOR = 9
BAD_REQUEST = 400

Headers = list[tuple[str, str]]


def headers(output: Mapping[str, str]) -> Headers:
    """The media type headers of a bulk request.

    Args:
        output: Parameters of the plugin `elasticsearch`, which does not ask the server for its version.

    Raises:
        ValueError: The plugin would ask the server, for which Fluentd's user has no right.
    """
    if output.get("verify_es_version_at_startup", "true") != "false":
        raise ValueError("the plugin asks the server for its version")
    # `configure`, the branch after `@last_seen_major_version`: for version 9 it replaces both types, but not with
    # `suppress_type_name`. https://github.com/uken/fluent-plugin-elasticsearch/blob/v6.0.0/lib/fluent/plugin/out_elasticsearch.rb
    ours = {"Content-Type": output.get("content_type", "application/json")}
    version = int(output.get("default_elasticsearch_version", "5"))
    if version >= MAJOR and output.get("suppress_type_name", "false") != "true":
        ours = {"Content-Type": NEWLINE_JSON, "Accept": NEWLINE_JSON}
    # `update_ndjson_headers!`: by the names that are there, else in small letters.
    # https://github.com/elastic/elasticsearch-ruby/blob/v9.5.0/elasticsearch-api/lib/elasticsearch/api/utils.rb
    for pattern, fallback in (("content-?_?type", "content-type"), ("accept", "accept")):
        name = next((name for name in ours if re.match(pattern, name, re.IGNORECASE)), fallback)
        ours[name] = NEWLINE_JSON
    # Excon's own headers stay where no other has exactly their name.
    # https://github.com/elastic/elasticsearch-ruby/issues/3059
    return [*{"Accept": "*/*", **ours}.items()]


def answer(request: Headers) -> tuple[int, Any]:
    """Status and body of Elasticsearch 9's answer to a bulk request, as far as the headers decide it.

    The rules are those of `RestRequest` and `RestCompatibleVersionHelper`:
    https://github.com/elastic/elasticsearch/tree/main/server/src/main/java/org/elasticsearch/rest.
    The words are those of
    https://github.com/elastic/elasticsearch-ruby/issues/3059, and a server of 9.1 has the same.
    """
    values = {
        name: [value for header, value in request if header.lower() == name.lower()]
        for name in ("Accept", "Content-Type")
    }
    for name, given in values.items():
        if len(given) > 1:
            reason = f"Incorrect header [{name}]. Only one value should be provided"
            return BAD_REQUEST, _refusal(f"[{name}]", "illegal_argument_exception", reason)
    accept, content_type = (given[0] if given else None for given in values.values())
    versions = {"Accept": _version(accept), "Content-Type": _version(content_type)}
    both = f"Accept={accept or 'null'}, Content-Type={content_type or 'null'}"
    for name, version in versions.items():
        if version is not None and version not in {MAJOR, MAJOR - 1}:
            reason = f"{name} version must be either version {MAJOR} or {MAJOR - 1}, but found {version}."
            return BAD_REQUEST, _refusal("[Content-Type, Accept]", "status_exception", f"{reason} {both}")
    if len({*versions.values()}) > 1:
        reason = (
            "A compatible version is required on both Content-Type and Accept headers if either one has requested a "
            f"compatible version. {both}"
        )
        return BAD_REQUEST, _refusal("[Content-Type, Accept]", "status_exception", reason)
    return 200, {"errors": False}


def _version(media_type: str | None) -> int | None:
    found = re.search("compatible-with=([0-9]+)", media_type or "")
    return int(found[1]) if found else None


def _refusal(names: str, type_: str, reason: str) -> dict[str, Any]:
    error = {
        "type": "media_type_header_exception",
        "reason": f"Invalid media-type value on headers {names}",
        "caused_by": {"type": type_, "reason": reason},
    }
    return {"error": error, "status": BAD_REQUEST}
