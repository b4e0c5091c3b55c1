"""Jenkins as code: chart, configuration, jobs, agents and BuildKit, and their permissions."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import config
import pipelines
import versions
from components.delivery.jenkins.agents import pod
from components.delivery.jenkins.component import scan_rules
from components.delivery.jenkins.jobs import quoted, with_environment
from config import PROJECT, capacity
from contract.identities import PAGE, RECONCILER
from contract.quantities import cpu_millis, memory_bytes
from pipelines import certificates, commit_status, scan
from rehearsal.aws.authorization import Access, allows
from rehearsal.emulators.volumes import class_tags
from tests.unit.components.delivery.jcasc import AUTHORIZATION, POD_TEMPLATES, SECURITY_REALM, unknown
from tests.unit.components.delivery.jenkins import (
    DELIVERY,
    PASSWORD,
    SECRET,
    SLACK,
    TOKEN,
    configuration,
    of_its_sources,
    with_hook,
    with_jenkins,
)
from tests.unit.components.delivery.previews import with_previews
from tests.unit.pipelines.jenkinsfile import faults, parsed
from tests.unit.program import CHECKOUT, configured, platform
from tests.unit.test_main import in_clear
from tools.program.graph import Graph, Registration, Secret, every

REGISTRY = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev"


@pytest.fixture(params=["known", "preview"])
def graph(request: pytest.FixtureRequest) -> Graph:
    return with_jenkins(preview=request.param == "preview")


def named(graph: Graph, kind: str, name: str) -> Registration:
    (resource,) = (one for one in graph.of_kind(kind) if one.metadata["name"] == name)
    return resource


def chart(graph: Graph | None = None) -> Mapping[str, Any]:
    releases = (graph or with_jenkins()).of_type("kubernetes:helm.sh/v3:Release")
    (release,) = (one for one in releases if one.name == "jenkins")
    return release.inputs


def casc(graph: Graph | None = None) -> dict[str, Any]:
    return json.loads(chart(graph)["values"]["controller"]["JCasC"]["configScripts"]["hello"])


def job_script(graph: Graph | None = None) -> str:
    """The Job DSL script, without the escapes of JCasC."""
    return str(casc(graph)["jobs"][0]["script"]).replace("^${", "${")


def pipeline_of(script: str, job: str) -> str:
    """The pipeline in a job of the script."""
    _, _, after = script.partition(f"pipelineJob({quoted(job)})")
    _, _, text = after.partition("cps { script('''")
    text = re.split(r"(?<!\\)'''", text, maxsplit=1)[0]
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def variables_of(pipeline: str) -> dict[str, str]:
    """What the pipeline's environment has, but for credentials."""
    return dict(re.findall(r"^    (\w+) = '''(.*?)'''$", pipeline, re.MULTILINE))


def templates(graph: Graph | None = None) -> dict[str, dict[str, Any]]:
    """The pod of each kind of agent."""
    pod_templates = json.loads(chart(graph)["values"]["agent"]["podTemplates"]["hello"])
    return {template["label"]: json.loads(template["yaml"]) for template in pod_templates}


def test_without_its_settings_there_is_no_jenkins() -> None:
    urns = " ".join(platform("dev", preview=False).resources)
    assert "jenkins" not in urns
    assert "buildkit" not in urns


def test_chart_and_plugins_are_pinned() -> None:
    assert chart()["version"] == versions.JENKINS_CHART
    assert chart()["repositoryOpts"] == {"repo": "https://charts.jenkins.io"}
    controller = chart()["values"]["controller"]
    assert all(re.fullmatch(r"[a-z-]+:[\w.]+", plugin) for plugin in every(controller["installPlugins"]))
    assert controller["installLatestPlugins"] is False, "nor is what they depend on the newest of the day"


def test_each_plugin_was_tested_with_jenkins_by_its_publishers() -> None:
    known = yaml.safe_load(Path(__file__).with_name("plugins.yaml").read_text(encoding="utf-8"))
    assert f"Jenkins {known['lts']} LTS" in Path(versions.__file__).read_text(encoding="utf-8")
    pinned = {**versions.JENKINS_PLUGINS, **versions.JENKINS_HOOK_PLUGINS, **versions.JENKINS_LOGIN_PLUGINS}
    for name, version in pinned.items():
        tested = {of[name] for of in known["sources"].values() if name in of}
        assert version in tested, f"{name} {version} is not among {tested}"


def test_no_secret_is_in_the_charts_values_or_in_clear_anywhere(graph: Graph) -> None:
    secrets = [PASSWORD, TOKEN, SLACK, *DELIVERY["certificates"].values()]
    for one in graph.resources.values():
        for text in in_clear(one.inputs):
            assert not any(secret in text for secret in secrets), one.urn


def test_the_admin_and_git_logins_come_from_secrets() -> None:
    controller = chart()["values"]["controller"]
    assert controller["admin"] == {"existingSecret": "jenkins-admin", "userKey": "username", "passwordKey": "password"}
    for name in ("jenkins-admin", "jenkins-git", "buildkit-client", "buildkitd-server"):
        data = named(with_jenkins(), "Secret", name).inputs["stringData"]
        assert isinstance(data, Secret) or all(isinstance(value, Secret) for value in data.values())
    login = casc()["credentials"]["system"]["domainCredentials"][0]["credentials"][0]["usernamePassword"]
    assert login["password"] == "${jenkins-git-token}"  # noqa: S105 - a reference, which the plugin resolves
    assert {"name": "jenkins-git", "keyName": "token"} in controller["additionalExistingSecrets"]


@pytest.mark.parametrize("stack", [with_jenkins, with_hook])
def test_the_configuration_has_attributes_that_its_plugins_document(stack: Callable[[], Graph]) -> None:
    assert list(unknown(casc(stack()))) == []
    agents = chart(with_previews())["values"]["agent"]["podTemplates"]["hello"]
    assert list(unknown(json.loads(agents), POD_TEMPLATES)) == []
    wrong = {"jenkins": {"quietPeriod": "5", "sytemMessage": ""}, "jobs": {}}
    assert list(unknown(wrong)) == ["$.jenkins.quietPeriod: not int", "$.jenkins.sytemMessage", "$.jobs: not a list"]


def test_the_configuration_replaces_nothing_in_a_jenkinsfile() -> None:
    text = str(casc()["jobs"][0]["script"])
    assert re.findall(r"(?<!\^)\$\{", text) == []
    assert "${env.IMAGE}" in job_script()


def test_each_source_has_a_job_on_dev_and_one_for_prod_with_the_committed_pipelines() -> None:
    script = job_script()
    jobs = re.findall(r"pipelineJob\('''([^']+)'''\)", script)
    operations = [f"operations/{name}" for name in ("rollback", "switch", "retire", "status", "history")]
    assert jobs == ["dev/api", "prod/api", "dev/ai", "prod/ai", "platform/scan", "prod/together", *operations]
    assert "pipelineJob('platform/agent')" in script
    for environment in ("dev", "prod"):
        text = pipelines.jenkinsfile(environment)
        assert parsed(text).name == "pipeline"
        told = {"NOTIFY_SLACK": "jenkins-notify-slack", "NOTIFY_WEBHOOK": "jenkins-notify-webhook"}
        for service in ("api", "ai"):
            made = pipeline_of(script, f"{environment}/{service}")
            assert faults(parsed(made)) == []
            assert variables_of(made)["SERVICE"] == service
            assert made == with_environment(with_environment(text, {}, told), variables_of(made))
    assert script.count("pollSCM") == 3, "who brings out on prod is a person"
    assert script.count("cron { spec('''H 3 * * *''') }") == 1, "each night what is live is judged"


def test_what_a_job_builds_and_where_its_login_goes_is_no_parameter() -> None:
    """Who may build could have another repository's image brought out, or the login sent to any host."""
    script, source = job_script(), DELIVERY["sources"]["ai"]
    told = variables_of(pipeline_of(script, "dev/ai"))
    assert (told["SOURCE"], told["BRANCH"], told["CREDENTIALS"]) == (
        source["repository"],
        "release/next",
        "jenkins-git",
    )
    assert re.findall(r"stringParam\('''(.*?)'''", script) == ["SERVICES"], "those that go out together"
    assert "params." not in pipelines.jenkinsfile("dev") + pipelines.jenkinsfile("prod")


def test_a_job_runs_one_build_at_a_time_from_its_first_one_on() -> None:
    """What the pipeline says counts once a build has begun, and is gone when the script runs again."""
    script = job_script()
    jobs = len(re.findall(r"^pipelineJob\(", script, re.MULTILINE))
    assert script.count("disableConcurrentBuilds { abortPrevious(false) }") == jobs > 2


def test_a_setting_with_braces_is_no_template_of_the_chart() -> None:
    check = "curl --fail https://x/ | jq '{{a: .b}}'"
    graph = of_its_sources(sources={"api": {"repository": "https://git.example.com/hello/api.git", "check": check}})
    assert "{{" not in chart(graph)["values"]["controller"]["JCasC"]["configScripts"]["hello"]
    assert "{{a: .b}}" in pipeline_of(job_script(graph), "dev/api")


def test_other_branches_of_a_service_are_checked_by_the_controllers_jenkinsfile_and_never_released() -> None:
    script = job_script()
    text = multibranch(script, "checks/ai")
    assert f"remote({quoted(DELIVERY['sources']['ai']['repository'])})" in text
    assert "excludes('''release/next''')" in text, "that one is built by dev/ai"
    assert "markerFile('''Dockerfile''')" in text
    pipeline = parsed(pipelines.jenkinsfile("check"))
    labels = {one.arguments for one in pipeline.everything() if one.name == "label"}
    assert labels == {("build",)}, "an agent without rights in the cluster"
    told = [one.name for one in pipeline.everything()]
    assert not any(script in name for name in told for script in ("deploy", "verify.sh", "release"))
    assert "multibranchPipelineJob('''checks" not in job_script(of_its_sources(checks=False))


def texts(graph: Graph) -> list[dict[str, str]]:
    """The secret texts among Jenkins' credentials."""
    credentials = casc(graph)["credentials"]["system"]["domainCredentials"][0]["credentials"]
    return [one["string"] for one in credentials if "string" in one]


def test_who_is_told_of_builds_is_a_secret_of_the_pipelines_that_tell() -> None:
    told = {one["id"]: one["secret"] for one in texts(with_jenkins())}
    assert told == {
        "jenkins-notify-slack": "${jenkins-notify-slack}",
        "jenkins-notify-webhook": "${jenkins-notify-webhook}",
    }
    script = job_script().replace("\\'", "'")
    assert script.count("NOTIFY_SLACK = credentials('jenkins-notify-slack')") == script.count('notify.sh" unsuccessful')
    assert "NOTIFY_TEAMS" not in script
    data = named(with_jenkins(), "Secret", "jenkins-notify").inputs["stringData"]
    assert isinstance(data, Secret) or all(isinstance(value, Secret) for value in data.values())


LOGIN: dict[str, Any] = {
    "clientId": "jenkins",
    "clientSecret": "made-up-client-secret",
    "look": ["staff"],
    "build": ["developers"],
    "approve": ["leads", "on-call"],
    "administer": ["platform"],
}
DISCOVERY = "https://id.example.com/.well-known/openid-configuration"


@pytest.mark.parametrize("provider", ["oic", "github"])
def test_people_log_in_at_their_provider_and_groups_have_roles(provider: str) -> None:
    login = {**LOGIN, **({"oidc": {"discoveryUrl": DISCOVERY}} if provider == "oic" else {})}
    graph = of_its_sources(login=login)
    controller = chart(graph)["values"]["controller"]
    realm, strategy = (json.loads(controller["JCasC"][name]) for name in ("securityRealm", "authorizationStrategy"))
    assert list(realm) == [provider]
    assert list(unknown(realm, SECURITY_REALM)) == []
    assert list(unknown(strategy, AUTHORIZATION)) == []
    assert realm[provider]["clientSecret"] == "${jenkins-login-secret}"
    assert {"name": "jenkins-login", "keyName": "secret"} in controller["additionalExistingSecrets"]
    matrix = {one["group"]["name"]: set(one["group"]["permissions"]) for one in strategy["globalMatrix"]["entries"]}
    assert {name for name, may in matrix.items() if "Overall/Administer" in may} == {"platform", "emergency"}
    assert {name for name, may in matrix.items() if "Job/Build" in may} == {"developers", "leads", "on-call"}
    assert matrix["staff"] == {"Overall/Read", "Job/Read", "View/Read"}
    assert not matrix.keys() & {"anonymous", "authenticated"}
    variables = casc(graph)["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
    assert {"key": "APPROVERS", "value": "leads,on-call"} in variables
    plugins = {one.partition(":")[0] for one in controller["installPlugins"]}
    assert plugins >= {"matrix-auth", "oic-auth", "github-oauth"}
    assert not any("made-up-client-secret" in text for one in graph.resources.values() for text in in_clear(one.inputs))


def test_admin_is_for_emergencies_where_people_log_in_elsewhere() -> None:
    graph = of_its_sources(login={**LOGIN, "oidc": {"discoveryUrl": DISCOVERY}})
    realm = json.loads(chart(graph)["values"]["controller"]["JCasC"]["securityRealm"])
    (escape,) = realm["oic"]["properties"]
    assert escape["escapeHatch"]["secret"] == "${chart-admin-password}"  # noqa: S105 - a reference
    assert "securityRealm" not in chart()["values"]["controller"]["JCasC"], "the chart's: admin is the only user"


def test_checks_write_commit_statuses_with_a_token_that_no_log_shows() -> None:
    graph = of_its_sources(statusToken="made-up-status-token")
    assert "STATUS_TOKEN = credentials('jenkins-status-token')" in job_script(graph).replace("\\'", "'")
    (status,) = (one for one in texts(graph) if one["id"].startswith("jenkins-status"))
    assert status["secret"] == "${jenkins-status-token}"  # noqa: S105 - a reference
    assert {"name": "jenkins-status", "keyName": "token"} in chart(graph)["values"]["controller"][
        "additionalExistingSecrets"
    ]
    assert not any("made-up-status-token" in text for one in graph.resources.values() for text in in_clear(one.inputs))
    assert "STATUS_TOKEN = " not in job_script()


@pytest.mark.parametrize("host", commit_status.HOSTS)
def test_statuses_go_to_the_host_of_the_settings(host: str) -> None:
    def told(**settings: str) -> list[str]:
        graph = of_its_sources(statusHost=host, **settings)
        variables = casc(graph)["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
        return [one["value"] for one in variables if one["key"] == "STATUS_HOST"]

    assert told(statusToken="made-up-status-token") == [host]
    assert told() == [], "no token, no status"


def test_build_secrets_are_files_of_build_agents_only() -> None:
    graph = of_its_sources(buildSecrets={"NPM_TOKEN": "made-up-npm-token"})
    mounts = {
        kind: [mount["mountPath"] for mount in one["spec"]["containers"][0]["volumeMounts"]]
        for kind, one in templates(graph).items()
    }
    assert {kind for kind, paths in mounts.items() if "/etc/build-secrets" in paths} == {"build"}
    secret = named(graph, "Secret", "build-secrets")
    assert secret.metadata["namespace"] == "delivery"
    assert not any("made-up-npm-token" in text for one in graph.resources.values() for text in in_clear(one.inputs))


def test_an_operation_is_a_job_whose_command_nobody_can_change() -> None:
    script = job_script()
    for command, pipeline in (("rollback", "operate"), ("history", "look")):
        text = pipelines.jenkinsfile(pipeline)
        if pipeline == "operate":
            told = {"NOTIFY_SLACK": "jenkins-notify-slack", "NOTIFY_WEBHOOK": "jenkins-notify-webhook"}
            text = with_environment(text, {}, told)
        text = with_environment(text, {"COMMAND": command})
        assert faults(parsed(text)) == []
        assert f"script({quoted(text)})" in script
    assert "stringParam('''COMMAND'''" not in script
    assert script.count("choiceParam('''ENVIRONMENT''', ['''dev''', '''prod'''])") == 5
    assert script.count("choiceParam('''SERVICE''', ['''api''', '''ai'''])") == 5


def test_the_agents_image_is_built_from_this_repository_by_its_own_pipeline() -> None:
    script = job_script()
    (path,) = re.findall(r"scriptPath\('([^']+)'\)", script)
    assert (CHECKOUT / path).is_file()
    assert f"url({quoted(DELIVERY['platform']['repository'])})" in script


@pytest.mark.parametrize("text", ["plain", "it's", "back\\slash", "'''", "${env.IMAGE} $PIPELINES"])
def test_a_text_in_a_job_is_that_text(text: str) -> None:
    """Groovy's rules for '''…''': https://groovy-lang.org/syntax.html#_triple_single_quoted_string ."""
    inner = quoted(text).removeprefix("'''").removesuffix("'''")
    assert re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL) == text
    assert not re.search(r"(?<!\\)'", inner)


def test_every_job_script_is_groovy() -> None:
    from tests.unit.pipelines.jenkinsfile import PARSER  # noqa: PLC0415 - the parser alone

    assert not PARSER.parse(job_script().encode()).root_node.has_error


def test_builds_are_told_where_images_go_and_who_builds() -> None:
    variables = casc()["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
    assert {one["key"]: one["value"] for one in variables} == {
        "REGISTRY": REGISTRY,
        "CACHE": f"{REGISTRY}/build-cache",
        "BUILDKIT_HOST": "tcp://buildkitd.buildkit:1234",
        "BUILDKIT_TLS": "/etc/buildkit",
        "SCAN_RULES": scan_rules(config.Scan()),
    }


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({}, (".", "Dockerfile", "")),
        (
            {"context": "services/api"},
            ("services/api", "services/api/Dockerfile", "services/api services/api/Dockerfile"),
        ),
        (
            {"dockerfile": "docker/api", "paths": ["services/api", "libraries"]},
            (".", "docker/api", "docker/api libraries services/api"),
        ),
    ],
)
def test_a_service_of_several_in_a_repository_has_its_context_and_its_commits(
    source: dict[str, Any], told: tuple[str, str, str]
) -> None:
    sources = {"api": {"repository": "https://git.example.com/hello/all.git", **source}}
    variables = variables_of(pipeline_of(job_script(of_its_sources(sources=sources)), "dev/api"))
    assert tuple(variables.get(name, "") for name in ("CONTEXT", "DOCKERFILE", "PATHS")) == told


def test_the_check_of_a_service_is_in_its_pipeline_where_no_parameter_replaces_it() -> None:
    source = {"repository": "https://git.example.com/hello/api.git", "check": "curl --fail 'https://x/?image='$IMAGE"}
    script = job_script(of_its_sources(sources={"api": source}))
    assert faults(parsed(pipeline_of(script, "dev/api"))) == []
    assert quoted(f"    VERIFY_CHECK = {quoted(source['check'])}\n").strip("'") in script


def test_images_have_the_attestations_that_are_set() -> None:
    generator = "docker.io/docker/buildkit-syft-scanner:stable-1"
    graph = of_its_sources(provenance=True, sbomGenerator=generator)
    variables = casc(graph)["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
    told = {one["key"]: one["value"] for one in variables}
    assert (told["PROVENANCE"], told["SBOM_GENERATOR"]) == ("true", generator)
    script = (CHECKOUT / "pipelines" / "push.sh").read_text(encoding="utf-8")
    assert all(f"${{{name}:-}}" in script for name in ("PROVENANCE", "SBOM_GENERATOR"))


def test_the_scan_gate_reads_the_rules_that_are_set() -> None:
    waiver = {"finding": "CVE-2026-1", "until": "2027-03-31", "reason": "never ${called} by it", "services": ["api"]}
    graph = of_its_sources(scan={"severity": "HIGH", "waivers": [waiver], "unscannable": ["ai"]})
    variables = casc(graph)["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
    (text,) = (one["value"] for one in variables if one["key"] == "SCAN_RULES")
    assert re.findall(r"(?<!\^)\$\{", text) == [], "the plugin would interpolate it"
    assert scan.Rules.parse(text.replace("^${", "${")) == scan.Rules(
        severity="HIGH",
        fixable_only=True,
        waivers=[scan.Waiver("CVE-2026-1", date(2027, 3, 31), "never ${called} by it", ["api"])],
        unscannable=["ai"],
    )


def test_who_builds_may_ask_for_findings_of_both_kinds_of_scanning() -> None:
    """Enhanced scanning asks its caller for rights in Inspector, too.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced.html
    """
    statements = [
        json.loads(one.inputs["policy"])
        for one in with_jenkins().of_type("aws:iam/rolePolicy:RolePolicy")
        if one.name == "hello-dev-build"
    ]
    repository = "arn:aws:ecr:ap-northeast-2:123456789012:repository/hello-dev/api"
    for action in ("ecr:DescribeImageScanFindings", "ecr:StartImageScan"):
        assert allows(statements, Access(action, repository, {})), action
    for action in ("inspector2:ListFindings", "inspector2:ListCoverage"):
        assert allows(statements, Access(action, "*", {})), action


def test_each_kind_of_agent_has_the_identity_of_its_stage_and_no_other() -> None:
    accounts = {kind: one["spec"]["serviceAccountName"] for kind, one in templates().items()}
    assert accounts == {"build": "hello-build", "release": "hello-release", "verify": "hello-verify"}
    kinds = {label for name in ("dev", "prod") for label in re.findall(r"label '(\w+)'", pipelines.jenkinsfile(name))}
    assert kinds == set(accounts)
    tokens = {kind: one["spec"]["automountServiceAccountToken"] for kind, one in templates().items()}
    assert tokens == {"build": False, "release": True, "verify": True}
    certificates = {kind for kind, one in templates().items() if "buildkit-client" in json.dumps(one)}
    assert certificates == {"build"}


def test_a_branch_is_previewed_by_the_controllers_jenkinsfile_on_an_agent_that_may_look_only() -> None:
    """A Jenkinsfile of the branch could use the release agents."""
    graph = with_previews()
    text = pipelines.jenkinsfile("preview")
    assert job_script(graph).count(f"script({quoted(text)})") == 1
    assert re.findall(r"label '(\w+)'", text) == ["preview"]
    spec = templates(graph)["preview"]["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("hello-preview", False)
    assert "buildkit" not in json.dumps(spec)
    variables = casc(graph)["jenkins"]["globalNodeProperties"][0]["envVars"]["env"]
    assert {one["key"]: one["value"] for one in variables}.items() >= {
        "STACK": "dev",
        "AWS_REGION": "ap-northeast-2",
        "PULUMI_BACKEND_URL": "s3://hello-pulumi-state?region=ap-northeast-2",
    }.items()


def multibranch(script: str, name: str) -> str:
    """The statements of a multibranch job of the script, without its pipeline."""
    without_pipelines = re.sub(r"script\('''.*?(?<!\\)'''\)", "", script, flags=re.DOTALL)
    pattern = rf"multibranchPipelineJob\('''{re.escape(name)}'''\) {{\n(.*?)\n}}\n"
    (text,) = re.findall(pattern, without_pipelines, re.DOTALL)
    return text


@pytest.mark.parametrize(
    ("branch", "previewed"), [("change", True), ("main-2", True), ("feature/main", True), ("main", False)]
)
def test_every_branch_is_previewed_but_the_one_that_is_brought_up(branch: str, *, previewed: bool) -> None:
    """The filter matches whole names, `*` in it any text, spaces part patterns.

    https://github.com/jenkinsci/scm-api-plugin/blob/master/src/main/java/jenkins/scm/impl/trait/WildcardSCMHeadFilterTrait.java
    """
    text = multibranch(job_script(with_previews()), "platform/preview")
    ((included, excluded),) = re.findall(r"includes\('(.*?)'\); excludes\('''(.*?)'''\)", text)

    def matches(patterns: str) -> bool:
        return any(fnmatch.fnmatchcase(branch, pattern) for pattern in patterns.split(" "))

    assert (matches(included) and not matches(excluded)) == previewed


def test_new_commits_of_branches_are_found_without_a_workspace() -> None:
    """A `pollSCM` of several branches needs the workspace of the build before, which is gone with its agent.

    https://github.com/jenkinsci/git-plugin/blob/master/src/main/java/hudson/plugins/git/GitSCM.java
    """
    graph = with_previews()
    script = job_script(graph)
    text = multibranch(script, "platform/preview")
    assert "periodicFolderTrigger { interval('5m') }" in text
    assert "pollSCM" not in text
    assert f"remote({quoted(DELIVERY['platform']['repository'])})" in text
    assert re.findall(r"markerFile\('''(.*?)'''\)", text) == ["Pulumi.yaml"]
    assert (CHECKOUT / "Pulumi.yaml").is_file()
    polled = [variables_of(pipeline_of(script, f"dev/{service}"))["BRANCH"] for service in DELIVERY["sources"]]
    assert polled == [source.get("branch", "main") for source in DELIVERY["sources"].values()], "one branch a job"
    plugins = [one.partition(":")[0] for one in chart(graph)["values"]["controller"]["installPlugins"]]
    assert "inline-pipeline" in plugins


def test_agents_are_confined_run_on_dev_and_come_by_digest() -> None:
    for one in templates(with_previews()).values():
        spec = one["spec"]
        (container,) = spec["containers"]
        assert container["image"] == f"{REGISTRY}/agent@{DELIVERY['agentDigest']}"
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert spec["securityContext"]["runAsNonRoot"] is True
        expression = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert expression["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["dev"]
    assert pod("build", "image", environment="other", priority_class="x")["spec"]["tolerations"][0]["value"] == "other"


def test_the_settings_count_what_jenkins_its_agents_and_buildkitd_request() -> None:
    counted = {pods.name: pods for pods in capacity.tooling(config.Logs())}
    values = chart()["values"]
    controller = values["controller"]
    containers = [controller["resources"], controller["sidecars"]["configAutoReload"]["resources"]]
    assert counted["Jenkins"].one == sum_of(one["requests"] for one in containers)
    agents = {
        kind: sum_of([one["spec"]["containers"][0]["resources"]["requests"]])
        for kind, one in templates(with_previews()).items()
    }
    assert agents.pop("preview") == counted["Jenkins agent that previews"].one
    assert {counted["Jenkins agent"].one} == set(agents.values())
    at_once = counted["Jenkins agent"].count + counted["Jenkins agent that previews"].count
    assert at_once == values["agent"]["containerCap"]
    deployment = named(with_jenkins(), "Deployment", "buildkitd")
    (container,) = deployment.spec["template"]["spec"]["containers"]
    assert counted["buildkitd"].one == sum_of([container["resources"]["requests"]])


def sum_of(requests: Iterable[Mapping[str, str]]) -> capacity.Resources:
    """The sum over the containers of one pod."""
    amounts = list(requests)
    return capacity.Resources(
        sum(cpu_millis(one["cpu"]) for one in amounts), sum(memory_bytes(one["memory"]) for one in amounts), 1
    )


def test_agents_have_a_quota(graph: Graph) -> None:
    (quota,) = (one for one in graph.of_kind("ResourceQuota") if one.metadata["name"] == "agents")
    assert quota.spec["hard"]["pods"] == "5", "three agents, the reconciler, the page of releases"


def test_who_builds_pushes_to_this_stacks_repositories_only() -> None:
    (policy,) = (
        one for one in with_jenkins().of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "hello-dev-build"
    )
    statements = json.loads(policy.inputs["policy"])["Statement"]
    for statement in statements:
        if any("Put" in action or "Upload" in action for action in statement["Action"]):
            assert all(":repository/hello-dev/" in resource for resource in statement["Resource"])
        actions = set(statement["Action"])
        assert not {action for action in actions if "Delete" in action or action.endswith("*")}


def test_the_layer_cache_is_apart_mutable_and_ends() -> None:
    repositories = {one.inputs["name"]: one.inputs for one in with_jenkins().of_type("aws:ecr/repository:Repository")}
    assert repositories["hello-dev/build-cache"]["imageTagMutability"] == "MUTABLE"
    assert repositories["hello-dev/agent"]["imageTagMutability"] == "IMMUTABLE"
    (policy,) = (
        one
        for one in with_jenkins().of_type("aws:ecr/lifecyclePolicy:LifecyclePolicy")
        if one.inputs["repository"].endswith("build-cache")
    )
    (rule,) = json.loads(policy.inputs["policy"])["rules"]
    assert rule["selection"]["tagStatus"] == "any"
    assert rule["selection"]["countType"] == "sinceImagePushed"


def test_its_home_is_on_an_encrypted_volume_with_a_snapshot_each_night() -> None:
    assert chart()["values"]["persistence"]["storageClass"] == "gp3"
    (schedule,) = with_jenkins().of_type("aws:dlm/lifecyclePolicy:LifecyclePolicy")
    details = schedule.inputs["policyDetails"]
    (storage_class,) = with_jenkins().of_kind("StorageClass")
    claim = {"metadata": {"namespace": "jenkins", "name": "jenkins"}}
    tags = class_tags(claim, {"parameters": storage_class.inputs["parameters"]})
    assert details["targetTags"] == tags == {"hello-platform/claim": "hello-dev/jenkins/jenkins"}
    assert details["schedules"][0]["retainRule"]["count"] >= 7


def test_its_home_outlives_a_release_that_is_replaced() -> None:
    assert chart()["values"]["persistence"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_staff_reach_it_and_nobody_else() -> None:
    graph = with_jenkins()
    (ingress,) = (one for one in graph.of_kind("Ingress") if one.metadata["namespace"] == "jenkins")
    assert ingress.spec["rules"][0]["host"] == "jenkins.dev.hello.example.com"
    (staff,) = (one for one in graph.of_kind("Ingress") if one.metadata["namespace"] == "logging")
    assert ingress.spec["ingressClassName"] == staff.spec["ingressClassName"]


def test_a_push_that_github_signed_starts_what_is_polled_and_nothing_else_is_believed() -> None:
    graph = with_hook()
    script = job_script(graph)
    assert script.count("githubPush()") == script.count("pollSCM") == 3, "who brings out on prod is a person"
    assert casc(graph)["unclassified"] == {
        "gitHubPluginConfig": {"hookSecretConfigs": [{"credentialsId": "jenkins-hook", "signatureAlgorithm": "SHA256"}]}
    }
    (secret,) = (one for one in texts(graph) if one["scope"] == "SYSTEM")
    assert (secret["id"], secret["secret"]) == ("jenkins-hook", "${jenkins-hook-secret}")
    controller = chart(graph)["values"]["controller"]
    assert {"name": "jenkins-hook", "keyName": "secret"} in controller["additionalExistingSecrets"]
    plugins = {name: f"{name}:{version}" for name, version in versions.JENKINS_HOOK_PLUGINS.items()}
    assert plugins["github"] in controller["installPlugins"]
    data = named(graph, "Secret", "jenkins-hook").inputs["stringData"]
    assert isinstance(data, Secret) or all(isinstance(value, Secret) for value in data.values())
    assert not any(SECRET in text for one in graph.resources.values() for text in in_clear(one.inputs))


def test_without_the_setting_nothing_listens_for_a_webhook() -> None:
    assert "githubPush" not in job_script()
    assert "unclassified" not in casc()
    assert not any(plugin.startswith("github:") for plugin in chart()["values"]["controller"]["installPlugins"])


def test_buildkitd_asks_for_certificates_and_is_reached_by_who_builds_only() -> None:
    deployment = named(with_jenkins(), "Deployment", "buildkitd")
    (container,) = deployment.spec["template"]["spec"]["containers"]
    for flag in ("--tlscacert", "--tlscert", "--tlskey", "--oci-worker-no-process-sandbox"):
        assert flag in container["args"]
    policy = named(with_jenkins(), "NetworkPolicy", "buildkitd")
    (rule,) = policy.spec["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "hello-build"}}
    assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "delivery"}}
    assert [port["port"] for port in rule["ports"]] == [1234]


def test_the_certificates_are_for_one_another() -> None:
    from cryptography import x509  # noqa: PLC0415 - for this test alone
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

    pem = {name: value.encode() for name, value in DELIVERY["certificates"].items()}
    authority = x509.load_pem_x509_certificate(pem["ca"])
    for name, usage in (("server", ExtendedKeyUsageOID.SERVER_AUTH), ("client", ExtendedKeyUsageOID.CLIENT_AUTH)):
        certificate = x509.load_pem_x509_certificate(pem[name])
        certificate.verify_directly_issued_by(authority)
        assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
    host = x509.load_pem_x509_certificate(pem["server"]).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert host.value.get_values_for_type(x509.DNSName) == ["buildkitd.buildkit"], "as BUILDKIT_HOST calls it"


def test_sources_without_a_login_need_none() -> None:
    values = configuration()
    delivery = json.loads(values[f"{PROJECT}:delivery"])
    del delivery["git"], delivery["notify"]
    graph = configured({**values, f"{PROJECT}:delivery": json.dumps(delivery)})
    (release,) = (one for one in graph.of_type("kubernetes:helm.sh/v3:Release") if one.name == "jenkins")
    assert release.inputs["values"]["controller"]["additionalExistingSecrets"] == []
    assert "credentials" not in json.loads(release.inputs["values"]["controller"]["JCasC"]["configScripts"]["hello"])


def test_the_sidecar_has_the_memory_that_it_was_seen_to_take() -> None:
    """Its limit is its init container's too, which Jenkins waits for.

    https://github.com/kiwigrid/k8s-sidecar/issues/462
    """
    resources = chart()["values"]["controller"]["sidecars"]["configAutoReload"]["resources"]
    assert memory_bytes(resources["limits"]["memory"]) > 189 * 10**6
    assert resources["requests"]["memory"] == resources["limits"]["memory"], "or its node may end it first"


def resources_of_the_page() -> dict[str, dict[str, tuple[str, str]]]:
    """Requests and limits in `docs/delivery.md`, by container and by kind; each row says where they come from."""
    text = (CHECKOUT / "docs" / "delivery.md").read_text(encoding="utf-8")
    section = text.partition("### What each container may take")[2].partition("\n### ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line]
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for names, *figures, source in every(rows[2:], "row"):
        assert len(source) > len("not measured"), names
        for name in re.findall(r"`([\w-]+)`", names):
            pairs = {kind: tuple(figure.split(", ")) for kind, figure in zip(KINDS, figures, strict=True) if figure}
            found[name] = {kind: (request, limit) for kind, (request, limit) in pairs.items()}
    return found


KINDS = ("cpu", "memory", "ephemeral-storage")


def test_the_page_says_what_each_container_may_take() -> None:
    controller = chart()["values"]["controller"]
    assert "initContainerResources" not in controller, "the chart gives it the controller's"
    sidecar = controller["sidecars"]["configAutoReload"]["resources"]
    (buildkitd,) = named(with_jenkins(), "Deployment", "buildkitd").spec["template"]["spec"]["containers"]
    (reconciler,) = named(with_jenkins(), "Deployment", RECONCILER).spec["template"]["spec"]["containers"]
    (page,) = named(with_jenkins(), "Deployment", PAGE).spec["template"]["spec"]["containers"]
    containers: dict[str, Any] = {
        "reconciler": reconciler["resources"],
        "page": page["resources"],
        "jenkins": controller["resources"],
        "init": controller["resources"],
        "config-reload": sidecar,
        "config-reload-init": sidecar,
        "buildkitd": buildkitd["resources"],
    }
    for kind, one in templates(with_previews()).items():
        (container,) = one["spec"]["containers"]
        containers[kind] = container["resources"]
    assert resources_of_the_page() == {
        name: {kind: (of["requests"][kind], of["limits"][kind]) for kind in of["requests"]}
        for name, of in containers.items()
    }


def restarted_by(**changes: Any) -> set[str]:
    """Who gets another pod template by these changes of `delivery`."""

    def pods(graph: Graph) -> dict[str, Any]:
        return {
            "jenkins": chart(graph)["values"]["controller"]["podAnnotations"],
            "buildkitd": named(graph, "Deployment", "buildkitd").spec["template"]["metadata"]["annotations"],
        }

    before = pods(with_jenkins())
    after = pods(of_its_sources(**changes))
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"certificates": certificates.new_certificates(datetime(2027, 1, 1, tzinfo=UTC))}, {"buildkitd"}),
        ({"adminPassword": "another-made-up-password"}, {"jenkins"}),
        ({"git": {"username": "reader", "token": "another-made-up-token"}}, {"jenkins"}),
        ({"pollMinutes": 7}, set[str]()),
    ],
    ids=["certificates", "admin's password", "Git token", "nothing that is read at the start"],
)
def test_what_reads_a_secret_at_its_start_starts_anew_with_another(changes: Any, wanted: set[str]) -> None:
    assert restarted_by(**changes) == wanted


def test_builds_reach_the_ports_of_the_internet_that_are_set() -> None:
    graph = of_its_sources(buildEgressPorts=[22, 443])
    (rule,) = named(graph, "NetworkPolicy", "buildkitd").spec["egress"]
    assert [port["port"] for port in rule["ports"]] == [22, 443]


def test_the_layer_cache_leaves_room_on_its_volume() -> None:
    spec = named(with_jenkins(), "Deployment", "buildkitd").spec["template"]["spec"]
    arguments = spec["containers"][0]["args"]
    _, free, most = arguments[arguments.index("--oci-worker-gc-keepstorage") + 1].split(",")
    (volume,) = (one["emptyDir"] for one in spec["volumes"] if "emptyDir" in one)
    assert int(most) * 10**6 + int(free) * 10**6 < memory_bytes(volume["sizeLimit"])
