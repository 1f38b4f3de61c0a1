//! A stand-in for the public documentation: pages in its shape, whose words are invented.

use super::answer::{Answer, refuse};

/// Where the documentation is.
pub(super) const HOST: &str = "docs.xen-orchestra.com";

/// The pages, with what each is about.
const PAGES: [(&str, &str); 9] = [
    ("installation", "where the appliance runs and how it gets its first address"),
    ("configuration", "users, plugins, certificates and outgoing mail"),
    ("backups", "schedules, retention, remotes and the kinds of copies"),
    ("restapi", "tokens, collections, filters, fields and tasks"),
    ("manage", "pools, hosts, machines and their disks"),
    ("users", "groups, roles and who may do what"),
    ("architecture", "how server, hosts and browser talk to each other"),
    ("troubleshooting", "logs, ports, certificates and hosts that do not answer"),
    ("releases", "what is new in each version"),
];

/// The page at this path.
pub(super) fn page(path: &str) -> Answer {
    match PAGES.iter().find(|(topic, _)| *topic == path.trim_matches('/')) {
        Some((topic, about)) => Answer::Html(format!(
            "<!doctype html><html><head><title>{topic}</title></head><body><nav><a href=\"/\">Contents</a></nav>\
             <article><h1>{topic}</h1><p>This simulated page is about {about}.</p>\
             <h2>First steps</h2><ol><li>Sign in.</li><li>Look around.</li></ol>\
             <h2>Limits</h2><p>A simulation has <em>no</em> limits &amp; no support.</p></article>\
             <footer>Simulated documentation</footer></body></html>"
        )),
        None => refuse(404, "no such page"),
    }
}
