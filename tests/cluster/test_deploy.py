"""What deploy/ ships: nginx, compose and Kubernetes, as far as it can be checked without a cluster.

The manifests are held against the schemas of Kubernetes that the package `kubernetes-validate`
carries. `docker compose config` runs where docker has it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shopsearch.settings import Settings

from .cluster import PROJECT, nginx_config
from .conftest import needed

DEPLOY = PROJECT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
BASE, EXAMPLE = KUBERNETES / "base", KUBERNETES / "overlays" / "example"
OURS = re.compile(r"SHOPSEARCH_[A-Z_]+")
OF_COMPOSE = {"SHOPSEARCH_PUBLISHED"}  # names of the compose file's own
Manifest = dict[str, Any]


def documents(folder: Path) -> Iterator[tuple[str, Manifest]]:
    for path in sorted(folder.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for document in yaml.safe_load_all(path.read_text()):
                yield f"{path.name}: {document['kind']} {document['metadata']['name']}", document


ALL = [*documents(BASE), *((name, one) for name, one in documents(EXAMPLE) if "Ingress" in name)]


def pod_of(document: Manifest) -> Manifest | None:
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    pod: Manifest | None = spec.get("template", {}).get("spec")
    return pod


PODS = [(name, pod) for name, document in ALL if (pod := pod_of(document))]


def compose() -> Manifest:
    told: Manifest = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return told


@pytest.mark.parametrize(("name", "document"), ALL, ids=[name for name, _ in ALL])
def test_each_manifest_fits_the_schema_of_kubernetes(name: str, document: Manifest) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    kubernetes_validate.validate(document, "1.30", strict=True)


def test_the_schema_would_notice_a_misspelt_field() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    _, pod = PODS[0]
    wrong = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {**pod, "restartPolice": "Never"},
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.30", strict=True)


@pytest.mark.parametrize(("name", "pod"), PODS, ids=[name for name, _ in PODS])
def test_each_pod_is_bounded_and_may_do_little(name: str, pod: Manifest) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        allowed = container["securityContext"]
        assert allowed["allowPrivilegeEscalation"] is False
        assert allowed["readOnlyRootFilesystem"] is True
        assert allowed["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {"/var/lib/shopsearch", "/tmp"} <= mounts  # noqa: S108 - of the container
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        names = {next(iter(one.values()))["name"] for one in container["envFrom"]}
        assert names == {"shopsearch"}
        assert not any("value" in one for one in container.get("env", []))


def test_web_pods_are_asked_whether_they_live_and_can_search() -> None:
    (web,) = (d for _, d in ALL if d["kind"] == "Deployment")
    (container,) = web["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["startupProbe"]["httpGet"]["path"] == "/readyz"


def test_everything_that_selects_selects_the_web_pods() -> None:
    (web,) = (d for _, d in ALL if d["kind"] == "Deployment")
    labels = web["spec"]["template"]["metadata"]["labels"]
    assert web["spec"]["selector"]["matchLabels"] == labels
    for _, document in ALL:
        spec = document.get("spec", {})
        if document["kind"] == "Service":
            assert spec["selector"] == labels
        elif document["kind"] == "PodDisruptionBudget":
            assert spec["selector"]["matchLabels"] == labels
        elif document["kind"] == "NetworkPolicy":
            assert spec["podSelector"]["matchLabels"].items() <= labels.items()
        elif document["kind"] == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] == web["metadata"]["name"]


def test_the_kustomizations_name_what_is_there() -> None:
    base = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    assert sorted([*base["resources"], "kustomization.yaml"]) == sorted(
        path.name for path in BASE.iterdir()
    )
    example = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())
    there = {(one["kind"], one["metadata"]["name"]) for _, one in documents(BASE)}
    for patch in example["patches"]:
        told = yaml.safe_load((EXAMPLE / patch["path"]).read_text())
        assert (told["kind"], told["metadata"]["name"]) in there
    for resource in example["resources"]:
        assert (EXAMPLE / resource).exists()


def test_no_secret_is_written_down() -> None:
    assert not [name for name, one in ALL if one["kind"] == "Secret"]
    for path in DEPLOY.rglob("*"):
        if path.suffix in (".yaml", ".env"):
            for line in path.read_text().splitlines():
                name, _, value = line.strip().partition("=")
                if name.endswith("PASSWORD"):
                    assert value == "", f"{path}: {line}"


def test_every_setting_that_is_named_is_one() -> None:
    known = {f"SHOPSEARCH_{name.upper()}" for name in Settings.model_fields}
    for path in [DEPLOY / "compose.yaml", DEPLOY / "nginx.conf", *KUBERNETES.rglob("*.yaml")]:
        for name in OURS.findall(path.read_text()):
            assert name in known | OF_COMPOSE, f"{path}: {name}"


def test_the_image_has_the_extras_that_the_settings_need() -> None:
    extras = re.search(r"^ARG EXTRAS=(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert extras is not None
    assert {"postgres", "redis", "s3", "milvus"} <= set(extras[1].split(","))
    told = [yaml.safe_load((BASE / "configmap.yaml").read_text())["data"]]
    told.append(compose()["services"]["web-1"]["environment"])
    for one in told:
        assert "milvus" in one["SHOPSEARCH_INDEX"]
        assert one["SHOPSEARCH_STORAGE"].startswith("s3:")


def test_the_services_of_compose_fit_together() -> None:
    told = compose()
    services = told["services"]
    volumes = set(told["volumes"])
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for {other}"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or source.startswith((".", "$")), f"{name}: {volume}"
    upstream = re.findall(r"server (\S+):(\d+) ", (DEPLOY / "nginx.conf").read_text())
    assert upstream == [("web-1", "8000"), ("web-2", "8000")]
    assert {name for name, _ in upstream} <= set(services)


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    program = needed("nginx", "nginx-light")
    config = tmp_path / "nginx.conf"
    config.write_text(nginx_config(tmp_path, 8080, [8001, 8002]))
    tried = subprocess.run(
        [program, "-t", "-p", tmp_path, "-c", config], check=False, capture_output=True, text=True
    )
    assert tried.returncode == 0, tried.stderr
    assert "warn" not in tried.stderr


def test_docker_takes_the_compose_file() -> None:
    command = ["docker", "compose", "-f", str(DEPLOY / "compose.yaml")]
    try:
        subprocess.run([*command, "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("docker compose is not here; its file is checked by the tests above")
    passwords = {"POSTGRES_PASSWORD": "x", "MINIO_PASSWORD": "x"}
    subprocess.run([*command, "config", "-q"], check=True, env=passwords)
