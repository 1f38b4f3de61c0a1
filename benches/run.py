#!/usr/bin/env python3
"""Measures hostinger-mcp against the vendor's MCP server and prints one table.

Builds both sides of the measurement, installs the vendor's server from npm into benches/.cache and
lets both call a mock upstream on the loopback interface. Needs Linux, Cargo, Node.js 20 and npm;
Python 3.9 with nothing but its standard library.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
VENDOR_PACKAGE = "hostinger-api-mcp"
VENDOR_VERSION = "1.63.2"
TOKEN = {"HOSTINGER_API_TOKEN": "no-real-token"}
CALL = {"tool": "VPS_getVirtualMachinesV1", "arguments": {}}
OURS, CONFIGURED, EMPTY, VENDOR = "hostinger-mcp", "hostinger-mcp, configured", "empty main", "vendor"
# A server of rmcp and reqwest and nothing else: what the libraries alone cost on this machine.
PLAIN = "plain rmcp"


def main():
    options = parse_options()
    programs = build(HERE / "native" / "Cargo.toml", "release") | build(HERE / "plain" / "Cargo.toml", "release")
    ours = options.binary or build(HERE.parent / "Cargo.toml", options.profile, "hostinger-mcp")["hostinger-mcp"]
    CACHE.mkdir(exist_ok=True)
    vendor = install_vendor(VENDOR_PACKAGE, VENDOR_VERSION, "src/servers/all.js")
    with tempfile.TemporaryDirectory(dir=CACHE) as folder, mock_upstream(programs["mock-upstream"]) as upstream:
        ours, programs["empty"] = (install(program, folder) for program in (ours, programs["empty"]))
        starts = measure_starts(programs, ours, vendor, upstream, Path(folder), options)
        loads = measure_loads(programs, ours, vendor, upstream, options)
    print_table(starts, loads, options)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", metavar="FILE", help="measure this hostinger-mcp instead of building one")
    parser.add_argument("--profile", default="dist", help="Cargo profile to build with (dist, which is shipped)")
    parser.add_argument("--spawns", type=int, default=200, metavar="N", help="spawns of a native program (200)")
    parser.add_argument("--vendor-spawns", type=int, default=20, metavar="N", help="spawns of the vendor's server (20)")
    parser.add_argument("--in-flight", type=lambda text: [int(n) for n in text.split(",")], default=[1, 16, 64],
                        metavar="N,N", help="calls kept in flight (1,16,64)")
    parser.add_argument("--seconds", type=float, default=4, help="measured time of each load (4)")
    parser.add_argument("--rounds", type=int, default=1, help="how often the loads alternate A B B A (1)")
    return parser.parse_args()


def build(manifest, profile, binary=None):
    """Builds and returns the path of each executable by its name."""
    command = ["cargo", "build", "--manifest-path", manifest, "--profile", profile]
    command += ["--bin", binary] if binary else []
    output = subprocess.run(command + ["--message-format", "json-render-diagnostics"], check=True, stdout=subprocess.PIPE)
    messages = [json.loads(line) for line in output.stdout.splitlines()]
    return {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}


def install(program, folder):
    """Copies a program, as installing it does. What the linker has just written starts measurably slower."""
    return shutil.copy(program, folder)


def install_vendor(package, version, script):
    """The command of a vendor's server out of npm. Install scripts do not run."""
    place = CACHE / "node_modules" / package
    manifest = place / "package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != version:
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", CACHE,
                        f"{package}@{version}"], check=True)
    return [shutil.which("node"), str(place / script)]


@contextlib.contextmanager
def mock_upstream(program):
    """Yields the address of a running mock upstream, which ends with its stdin."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()


def harness(program, task):
    """Runs a program of the harness; a dictionary for each line that it prints."""
    run = subprocess.run([program], input=json.dumps(task), text=True, check=True, stdout=subprocess.PIPE)
    return [json.loads(line) for line in run.stdout.splitlines()]


def measure_starts(programs, ours, vendor, upstream, folder, options):
    """Alternating starts. The configured one of ours reads a flag, an account and a .env file as well."""
    configured = folder / "configured"
    configured.mkdir()
    (configured / ".env").write_text(f"HOSTINGER_API_TOKEN={TOKEN['HOSTINGER_API_TOKEN']}\nAPI_BASE_URL={upstream}\n")

    def subject(name, command, spawns=options.spawns, serves=True, **more):
        return {"name": name, "command": command, "spawns": spawns, "serves": serves, **more}

    figures = harness(programs["mcp-start"], [
        subject(EMPTY, [programs["empty"]], serves=False),
        subject(OURS, [ours], directory=str(folder)),
        subject(CONFIGURED, [ours, "--timeout", "30"], directory=str(configured)),
        subject(VENDOR, vendor, options.vendor_spawns, environment=TOKEN),
    ])
    return {figure["name"]: figure for figure in figures}


def measure_loads(programs, ours, vendor, upstream, options):
    """The figures of every run, by server and number in flight: A B C C B A, so that a drift falls on all."""
    environment = {**TOKEN, "API_BASE_URL": upstream}
    commands = {OURS: [ours], PLAIN: [programs["plain-rmcp"]], VENDOR: vendor, "ceiling": [programs["mcp-null"]]}
    runs = {}
    for name in ["ceiling"] + [OURS, PLAIN, VENDOR, VENDOR, PLAIN, OURS] * options.rounds:
        plan = {"command": commands[name], "environment": environment, "in_flight": options.in_flight,
                "seconds": options.seconds, "warm_up_seconds": options.seconds / 4, **CALL}
        for figure in harness(programs["mcp-load"], plan):
            if figure["errors"]:
                raise SystemExit(f"{name}: {figure['errors']} calls failed, the first with {figure['first_error']}")
            runs.setdefault((name, figure["in_flight"]), []).append(figure)
    return runs


def print_table(starts, loads, options):
    empty, ours, configured, vendor = (starts[name] for name in (EMPTY, OURS, CONFIGURED, VENDOR))

    def further(key):
        row("… with a flag, `.env` and account", f"{configured[key]:.2f} ms", "",
            configured[key] / empty[key], at_most=3)

    start_table("hostinger-mcp", f"{VENDOR_PACKAGE} {VENDOR_VERSION}", empty, ours, vendor, further, at_most=2)
    memory_row("peak memory after `tools/list`", ours["peak_kib"], vendor["peak_kib"], 10)
    for count in options.in_flight:
        a, b, plain = (typical(loads[name, count], "calls_per_second") for name in (OURS, VENDOR, PLAIN))
        row(f"calls per second, {count} in flight", f"{a:,.0f}", f"{b:,.0f}", a / b, at_least={16: 10, 64: 14}.get(count))
        row("… of a plain rmcp server", f"{plain:,.0f}", "", plain / b)
    for count in options.in_flight:
        a, b, plain = (typical(loads[name, count], "cpu_us_per_call") for name in (OURS, VENDOR, PLAIN))
        row(f"CPU per call, {count} in flight", f"{a:.0f} µs", f"{b:.0f} µs", a / b, at_most=0.25)
        row("… of a plain rmcp server", f"{plain:.0f} µs", "", plain / b)
    most = {name: max(run["peak_kib"] for count in options.in_flight for run in loads[name, count])
            for name in (OURS, VENDOR)}
    memory_row("peak memory under that load", most[OURS], most[VENDOR], 25)
    ceiling = ", ".join(f"{typical(loads['ceiling', count], 'calls_per_second'):,.0f}" for count in options.in_flight)
    print(f"\nCeiling of the harness, a server that does nothing: {ceiling} calls per second.")


def start_table(name, vendor_name, empty, ours, vendor, further, at_most=None):
    """The head of a table with the rows of the starts: of an empty `main`, of ours and of the vendor's server.
    `further` prints a row of its own for one of their figures; `at_most` is the aim for ours against the empty one."""
    print(f"\n| measure | {name} | {vendor_name} | ratio | aim |\n| --- | --- | --- | --- | --- |")
    row("tools", ours["tools"], vendor["tools"])
    row("bytes of `tools/list`", f"{ours['list_bytes']:,}", f"{vendor['list_bytes']:,}",
        ours["list_bytes"] / vendor["list_bytes"])
    for key, which in (("min_ms", "minimum"), ("median_ms", "median")):
        row(f"start to `tools/list`, {which}", f"{ours[key]:.2f} ms", f"{vendor[key]:.0f} ms",
            vendor[key] / ours[key], at_least=100)
        row(f"… against an empty `main` ({empty[key]:.2f} ms)", f"{ours[key] / empty[key]:.2f} ×", "",
            ours[key] / empty[key], at_most=at_most)
        further(key)


def typical(runs, key):
    return statistics.median(run[key] for run in runs)


def memory_row(measure, ours_kib, vendor_kib, most_mib):
    verdict = "" if ours_kib <= most_mib * 1024 else ", missed"
    row(measure, f"{ours_kib / 1024:.1f} MiB", f"{vendor_kib / 1024:.1f} MiB", ours_kib / vendor_kib,
        aim=f"≤ {most_mib} MiB{verdict}")


def row(measure, ours, vendor, ratio=None, at_least=None, at_most=None, aim=""):
    if at_least is not None:
        aim = f"≥ {at_least} ×" + ("" if ratio >= at_least else ", missed")
    if at_most is not None:
        aim = f"≤ {at_most} ×" + ("" if ratio <= at_most else ", missed")
    shown = "" if ratio is None else f"{ratio:.0f} ×" if ratio >= 100 else f"{ratio:.2f} ×"
    print(f"| {measure} | {ours} | {vendor} | {shown} | {aim} |")


if __name__ == "__main__":
    main()
