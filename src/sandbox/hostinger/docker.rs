//! Docker Compose projects on a machine.

use super::Routes;
use super::actions::Task;
use super::estate::Estate;
use super::outcome::{Failure, Outcome, answer};
use super::request::Request;
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post};
use serde_json::{Value, json};

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker", list),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker", create),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}", contents),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/containers", containers),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/logs", logs),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/start", start),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/stop", stop),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/restart", restart),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/update", update),
    (Delete, "/api/vps/v1/virtual-machines/{virtualMachineId}/docker/{projectName}/down", delete),
];

#[derive(Debug, Clone)]
pub(super) struct Project {
    name: String,
    content: String,
    environment: Option<String>,
    services: Vec<Service>,
    running: bool,
    since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    name: String,
    image: String,
    /// Host port and container port.
    ports: Vec<(u16, u16)>,
}

const SEED: &str =
    "services:\n  web:\n    image: nginx:1.29\n    ports:\n      - \"8080:80\"\n  cache:\n    image: valkey:8\n";

impl Project {
    pub(super) fn seed(since: Timestamp) -> Self {
        Self {
            name: "storefront".to_owned(),
            content: SEED.to_owned(),
            environment: Some("CACHE_URL=redis://cache:6379".to_owned()),
            services: services(SEED),
            running: true,
            since,
        }
    }

    fn state(&self) -> &'static str {
        if self.running { "running" } else { "stopped" }
    }

    fn resource(&self) -> Value {
        json!({
            "name": self.name,
            "status": format!("{}({})", if self.running { "running" } else { "exited" }, self.services.len()),
            "state": self.state(),
            "path": format!("/docker/{}/docker-compose.yml", self.name),
            "containers": self.containers(false),
        })
    }

    fn containers(&self, with_stats: bool) -> Vec<Value> {
        let container = |(index, service): (usize, &Service)| {
            json!({
                "id": format!("{:012x}", 0xc0de_0000_u64 + u64::try_from(index).unwrap_or(0)),
                "name": format!("{}-{}-1", self.name, service.name),
                "image": service.image,
                "command": "/entrypoint.sh",
                "status": if self.running { format!("Up since {}", self.since) } else { "Exited (0)".to_owned() },
                "state": if self.running { "running" } else { "exited" },
                "health": if self.running { "healthy" } else { "" },
                "ports": service.ports.iter().map(port).collect::<Vec<_>>(),
                "stats": (with_stats && self.running).then(stats),
            })
        };
        self.services.iter().enumerate().map(container).collect()
    }
}

fn port(&(host, container): &(u16, u16)) -> Value {
    json!({
        "type": "published", "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": host, "container_port": container,
        "host_port_start": null, "host_port_end": null, "container_port_start": null, "container_port_end": null,
    })
}

fn stats() -> Value {
    json!({
        "cpu_percentage": 1.5, "memory_percentage": 2.25, "memory_used": 96.5, "memory_total": 4096.0,
        "net_in": 18_432, "net_out": 40_960,
    })
}

/// The services of a compose file, as far as lines of the usual layout tell; no YAML parser is needed for that.
fn services(content: &str) -> Vec<Service> {
    let mut found: Vec<Service> = Vec::new();
    let mut depth = None;
    let lines = content.lines().skip_while(|line| line.trim_end() != "services:").skip(1);
    for line in lines.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        if indent == 0 {
            break;
        }
        if indent == *depth.get_or_insert(indent) {
            let name = text.trim_end_matches(':').to_owned();
            found.push(Service { image: format!("{name}:latest"), name, ports: Vec::new() });
        } else if let Some(service) = found.last_mut() {
            let plain = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
            if let Some(image) = text.strip_prefix("image:") {
                service.image = plain(image);
            } else if let Some(port) = text.strip_prefix('-').map(plain).as_deref().and_then(published) {
                service.ports.push(port);
            }
        }
    }
    found
}

fn published(text: &str) -> Option<(u16, u16)> {
    let (host, container) = text.split_once(':')?;
    Some((host.parse().ok()?, container.parse().ok()?))
}

fn list(estate: &mut Estate, request: &Request) -> Outcome {
    let projects = &estate.machine(request.number(0)?)?.disk.projects;
    answer(projects.iter().map(Project::resource).collect::<Vec<_>>())
}

fn contents(estate: &mut Estate, request: &Request) -> Outcome {
    let project = project(estate, request)?;
    Ok(json!({ "content": project.content, "environment": project.environment }))
}

fn containers(estate: &mut Estate, request: &Request) -> Outcome {
    answer(project(estate, request)?.containers(true))
}

fn logs(estate: &mut Estate, request: &Request) -> Outcome {
    let project = project(estate, request)?;
    let entry = |line: String| json!({ "timestamp": project.since, "line": line });
    let log = |service: &Service| {
        let lines = [format!("{} is starting", service.name), "Ready for connections".to_owned()];
        json!({ "service": service.name, "entries": lines.map(entry) })
    };
    answer(project.services.iter().map(log).collect::<Vec<_>>())
}

/// A project with the same name is replaced.
fn create(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let name = body.text("project_name")?.to_owned();
    let content = body.text("content")?.to_owned();
    let environment = body.optional_text("environment")?.map(str::to_owned);
    if !(3..=64).contains(&name.len())
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        return Err(body.failure("project_name", "The project_name must be 3 to 64 letters, digits, - or _."));
    }
    let services = if content.starts_with("https://") || content.starts_with("http://") {
        vec![Service { name: "app".to_owned(), image: format!("{name}:latest"), ports: Vec::new() }]
    } else {
        services(&content)
    };
    if services.is_empty() {
        return Err(body.failure("content", "The content must be a compose file with services, or a URL of one."));
    }
    let task = Task::change("docker_compose_up", move |machine, since| {
        let projects = &mut machine.disk.projects;
        projects.retain(|project| project.name != name);
        projects.push(Project { name, content, environment, services, running: true, since });
    });
    estate.act(request.number(0)?, task)
}

fn start(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, "docker_compose_start", |project, now| {
        if !project.running {
            (project.running, project.since) = (true, now);
        }
    })
}

fn stop(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, "docker_compose_stop", |project, _| project.running = false)
}

fn restart(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, "docker_compose_restart", |project, now| (project.running, project.since) = (true, now))
}

fn update(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, "docker_compose_update", |project, now| (project.running, project.since) = (true, now))
}

fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    let name = project(estate, request)?.name.clone();
    let remove = Task::change("docker_compose_down", move |machine, _| {
        machine.disk.projects.retain(|project| project.name != name);
    });
    estate.act(request.number(0)?, remove)
}

fn change(
    estate: &mut Estate,
    request: &Request,
    action: &'static str,
    change: fn(&mut Project, Timestamp),
) -> Outcome {
    let name = project(estate, request)?.name.clone();
    let task = Task::change(action, move |machine, now| {
        if let Some(project) = machine.disk.projects.iter_mut().find(|project| project.name == name) {
            change(project, now);
        }
    });
    estate.act(request.number(0)?, task)
}

fn project<'a>(estate: &'a mut Estate, request: &Request) -> Result<&'a Project, Failure> {
    let name = request.word(1);
    let projects = &estate.machine(request.number(0)?)?.disk.projects;
    projects.iter().find(|project| project.name == name).ok_or_else(|| Failure::missing("Docker project", name))
}
