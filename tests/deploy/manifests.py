"""Checks deploy/kubernetes: every file belongs to a kustomization, every resource is valid, and so is what an overlay
makes of them where kubectl is installed to tell."""

import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).parents[2] / "deploy" / "kubernetes"
# The oldest version that is still maintained by somebody, and the newest that the schemas know.
VERSIONS = ("1.30", kubernetes_validate.latest_version())


def judge(text, place):
    """Validates every resource in a YAML text, and gives their kinds and names."""
    found = []
    for resource in filter(None, yaml.safe_load_all(text)):
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(step) for step in error.path)
                sys.exit(f"{place}: {resource['kind']} {where}: {error.message} (Kubernetes {version})")
        found.append((resource["kind"], resource["metadata"]["name"]))
    if not found:
        sys.exit(f"{place}: no resource")
    return found


def main():
    files = set(ROOT.rglob("*.yaml"))
    kustomizations = {file for file in files if file.name == "kustomization.yaml"}
    named = set()
    for file in kustomizations:
        settings = yaml.safe_load(file.read_text())
        for name in settings.get("resources", []) + settings.get("components", []):
            target = (file.parent / name).resolve()
            target = target / "kustomization.yaml" if target.is_dir() else target
            if target not in files:
                sys.exit(f"{file}: there is no {name}")
            named.add(target)
    overlays = {file for file in kustomizations if "overlays" in file.parts}
    if forgotten := files - named - overlays:
        sys.exit(f"no kustomization names {', '.join(map(str, forgotten))}")
    for file in sorted(files - kustomizations):
        print(f"{file.relative_to(ROOT)}: {judge(file.read_text(), file)}")
    if not shutil.which("kubectl"):
        print("kubectl is not installed: what the overlays make of these was not looked at")
        return
    for file in sorted(overlays):
        made = subprocess.run(["kubectl", "kustomize", file.parent], check=True, capture_output=True, text=True)
        print(f"{file.parent.relative_to(ROOT)} as a whole: {judge(made.stdout, file)}")


main()
