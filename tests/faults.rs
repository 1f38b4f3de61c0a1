//! VergeOS and Hostodo, its REST API and its MCP endpoint, when they are silent, unknown to every authority or tired
//! of the token, and ids that would lead elsewhere: the built binaries in front of upstreams that record what reaches
//! them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod recording;

use std::path::Path;
use std::process::{Command, Stdio};

use recording::Upstream;
use tempfile::TempDir;

const HOSTODO: &str = env!("CARGO_BIN_EXE_hostodo-mcp");
const VERGEOS: &str = env!("CARGO_BIN_EXE_vergeos-mcp");

/// A way to an upstream: the binary, what says where it is, the credential, and a call that reads.
struct Way {
    binary: &'static str,
    address: &'static str,
    path: &'static str,
    credential: &'static [(&'static str, &'static str)],
    call: &'static [&'static str],
}

const WAYS: [Way; 4] = [
    Way {
        binary: VERGEOS,
        address: "VERGEOS_HOST",
        path: "",
        credential: &[("VERGEOS_TOKEN", "token-of-a-test")],
        call: &["list_tenants"],
    },
    Way {
        binary: VERGEOS,
        address: "VERGEOS_HOST",
        path: "",
        credential: &[("VERGEOS_USER", "ada"), ("VERGEOS_PASS", "token-of-a-test")],
        call: &["list_tenants"],
    },
    Way {
        binary: HOSTODO,
        address: "HOSTODO_API_URL",
        path: "",
        credential: &[("HOSTODO_API_TOKEN", "token-of-a-test")],
        call: &["hostodo_list_invoices"],
    },
    Way {
        binary: HOSTODO,
        address: "HOSTODO_MCP_URL",
        path: "/mcp",
        credential: &[("HOSTODO_MCP_TOKEN", "token-of-a-test")],
        call: &["hostodo_list_vms"],
    },
];

impl Way {
    /// What a call prints in front of this upstream, with these flags.
    fn said(&self, upstream: &Upstream, flags: &[&str], call: &[&str], folder: &Path) -> (bool, String) {
        let mut command = Command::new(self.binary);
        command.env_clear().env("HOME", folder).current_dir(folder).stdin(Stdio::null());
        command.env(self.address, format!("{}{}", upstream.address, self.path));
        command.envs(self.credential.iter().copied()).args(flags).arg("call").args(call);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("token-of-a-test"), "{said}");
        (output.status.success(), said)
    }
}

#[test]
fn a_silent_upstream_is_not_waited_for_longer_than_allowed() {
    let upstream = Upstream::silent();
    std::thread::scope(|scope| {
        for way in &WAYS {
            let upstream = &upstream;
            scope.spawn(move || {
                let folder = TempDir::new().unwrap();
                let (done, said) = way.said(upstream, &["--timeout", "1"], way.call, folder.path());
                assert!(!done && said.contains("within 1 s"), "{}: {said}", way.address);
            });
        }
    });
    assert!(upstream.taken().len() >= WAYS.len(), "each was asked");
}

#[test]
fn an_expired_credential_is_named_by_its_variable() {
    let upstream = Upstream::answering("401 Unauthorized", r#"{"detail":"It has expired.","err":"It has expired."}"#);
    for way in &WAYS {
        let folder = TempDir::new().unwrap();
        let (done, said) = way.said(&upstream, &[], way.call, folder.path());
        let (variable, _) = way.credential.last().unwrap();
        assert!(!done && said.contains("401") && said.contains(variable), "{variable}: {said}");
        let asked = upstream.taken();
        // A token of VergeOS goes the other way once: it may be of either kind. Nothing else is tried again.
        let most = if *variable == "VERGEOS_TOKEN" { 2 } else { 1 };
        assert!((1..=most).contains(&asked.len()), "{variable}: {asked:?}");
    }
}

/// Nothing is sent over a connection to who knows whom, unless the certificate is vouched for by an authority or a
/// fingerprint that the operator names, or is not to be checked.
#[test]
fn a_certificate_that_nobody_vouches_for_gets_no_credential() {
    for way in &WAYS {
        let (upstream, pem) = Upstream::uncertified("401 Unauthorized", "{}");
        let folder = TempDir::new().unwrap();
        let said = |flags: &[&str]| way.said(&upstream, flags, way.call, folder.path()).1;
        let refused = said(&[]);
        assert!(refused.contains("no trusted connection") && refused.contains("--pin-sha256"), "{refused}");
        let other = said(&["--pin-sha256", &"00".repeat(32)]);
        assert!(other.contains("not the pinned one"), "{other}");
        assert_eq!(upstream.taken(), [""; 0], "{}", way.address);
        let pin = other.split("fingerprint ").nth(1).unwrap().split([',', ' ']).next().unwrap();
        std::fs::write(folder.path().join("authority.pem"), pem).unwrap();
        for flags in [&["--pin-sha256", pin][..], &["--insecure"], &["--ca-file", "authority.pem"]] {
            let answered = said(flags);
            assert!(answered.contains("401"), "{} {flags:?}: {answered}", way.address);
            assert!(!upstream.taken().is_empty(), "{} {flags:?}", way.address);
        }
    }
}

#[test]
fn an_id_leads_nowhere_else() {
    let upstream = Upstream::answering("200 OK", "{}");
    let folder = TempDir::new().unwrap();
    let [vergeos, _, rest, mcp] = &WAYS;
    // What looks like a name is looked up in the list of all; a whole id stays one step of the path.
    let names = "get /api/v4/vms?fields=";
    for (way, call, asked) in [
        (vergeos, &["get_vm", "id=../sys/tokens"][..], Some(names)),
        (vergeos, &["get_vm", "id=1?fields=all"], Some(names)),
        (vergeos, &["get_network", "id=.."], None),
        (vergeos, &["table_get", "table=vms", "key=1/../2"], None),
        (vergeos, &["table_get", "table=../sys", "key=1"], None),
        (vergeos, &["table_list", "table=vms/1"], None),
        (rest, &["hostodo_get_bandwidth_usage", "vm_id=ins::../../billing"], None),
        (rest, &["hostodo_get_deployment", "vm_id=ins::.."], Some("get /client/instances/ins%3a%3a../")),
        (rest, &["hostodo_check_vm_health", "vm_id=ins::a/b?c"], Some("get /client/instances/ins%3a%3aa%2fb%3fc/")),
        (rest, &["hostodo_get_invoice", "invoice_number=../../instances"], Some("get /v1/billing/invoices/")),
        (mcp, &["hostodo_get_vm", "vm_id="], None),
    ] {
        way.said(&upstream, &[], call, folder.path());
        let requests = upstream.taken();
        assert_eq!(requests.is_empty(), asked.is_none(), "{call:?}: {requests:?}");
        let fits = |head: &String| asked.is_some_and(|start| head.starts_with(start)) && !head.contains("/../");
        assert!(requests.iter().all(fits), "{call:?}: {requests:?}");
    }
}
