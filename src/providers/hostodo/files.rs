//! A file of this machine, in one call to its place in a virtual machine.

use serde_json::{Map, Value};

use super::requests::{InstallSlot, ReserveSlot};
use super::{Answer, HostodoInstallArtifact, HostodoUploadFile, passed_on, text};
use crate::error::CallError;
use crate::executor::Steps;

/// The longest name of a file that the provider takes, in characters.
const LONGEST_NAME: usize = 200;

/// Has a file installed that somebody else has uploaded. The machine was named for the sake of its owner's consent.
pub(super) async fn hostodo_install_artifact(
    arguments: HostodoInstallArtifact,
    steps: Steps<'_, HostodoInstallArtifact>,
) -> Answer {
    let HostodoInstallArtifact { artifact_id, destination_path, mode, owner, .. } = arguments;
    let install = InstallSlot {
        artifact_id: artifact_id.into(),
        destination_path: destination_path.into(),
        mode: mode.into(),
        owner: owner.into(),
    };
    steps.send(install).await.map(passed_on)
}

/// Reserves a slot, sends the file there and has it installed. With the id of a slot that was filled before, it only
/// installs, unless nothing ever arrived there.
pub(super) async fn hostodo_upload_file(arguments: HostodoUploadFile, steps: Steps<'_, HostodoUploadFile>) -> Answer {
    if let Some(artifact) = &arguments.artifact_id {
        match install(&arguments, &steps, artifact).await {
            Err(error) if code(&error) == Some("artifact_not_uploaded") => {}
            outcome => return outcome,
        }
    }
    let slot = steps
        .ask(ReserveSlot {
            vm_id: arguments.vm_id.as_str().into(),
            filename: file_name(&arguments.path).into(),
            size_bytes: arguments.size_bytes.into(),
            sha256: arguments.sha256.as_deref().into(),
            purpose: arguments.purpose.as_str().into(),
        })
        .await?;
    let (artifact, address) = (text(&slot, "artifact_id"), address_in(&slot));
    let Some(address) = address.filter(|_| !artifact.is_empty()) else {
        return Err(steps.unmet("Hostodo gave no slot that could be understood, so the file was not sent."));
    };
    steps.put_file(address).await?;
    install(&arguments, &steps, artifact).await
}

async fn install(arguments: &HostodoUploadFile, steps: &Steps<'_, HostodoUploadFile>, artifact: &str) -> Answer {
    let usual = match arguments.purpose.as_str() {
        "config" => "0640",
        "script" => "0750",
        _ => "0644",
    };
    let mode = arguments.mode.as_deref().unwrap_or(usual);
    let installed = steps
        .ask(InstallSlot {
            artifact_id: artifact.into(),
            destination_path: arguments.destination_path.as_str().into(),
            mode: mode.into(),
            owner: arguments.owner.as_str().into(),
        })
        .await;
    let answer = installed.map_err(|error| {
        let done = match code(&error) {
            Some("artifact_sha_mismatch") => "What arrived is another file: leave `artifact_id` out.".to_owned(),
            _ => format!(
                "The file is uploaded as {artifact} and not installed, as far as is known. Once the reason is gone, \
                 call again with `artifact_id`: {artifact:?}, and it is not sent a second time."
            ),
        };
        CallError::Midway { error: Box::new(error), done }
    })?;
    let mut told = Map::from_iter([
        ("vm_id".to_owned(), arguments.vm_id.as_str().into()),
        ("artifact_id".to_owned(), artifact.into()),
        ("destination_path".to_owned(), arguments.destination_path.as_str().into()),
        ("mode".to_owned(), mode.into()),
        ("owner".to_owned(), arguments.owner.as_str().into()),
        ("size_bytes".to_owned(), arguments.size_bytes.into()),
        ("sha256".to_owned(), arguments.sha256.as_deref().into()),
    ]);
    // What else there is, the provider knows best.
    told.extend(answer.as_object().cloned().unwrap_or_default());
    Ok(Value::Object(told))
}

fn code(error: &CallError) -> Option<&str> {
    match error.cause() {
        CallError::Remote(remote) => remote.code.as_deref(),
        _ => None,
    }
}

/// The last part of a path, in the characters that the provider takes.
fn file_name(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    last.chars().map(|c| if fits(c) { c } else { '_' }).take(LONGEST_NAME).collect()
}

/// The address in the answer to a reservation, whose name nothing documents: the only text that is one.
fn address_in(slot: &Value) -> Option<&str> {
    let members = slot.as_object()?;
    members.values().filter_map(Value::as_str).find(|text| text.starts_with("https://") || text.starts_with("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_of_the_characters_that_are_taken() {
        for (path, expected) in [
            ("site.conf", "site.conf"),
            ("/srv/open/My file (1).tar.gz", "My_file__1_.tar.gz"),
            ("C:\\files\\é.sh", "_.sh"),
            (&"x".repeat(300), &"x".repeat(200)),
        ] {
            assert_eq!(file_name(path), expected, "{path}");
        }
    }

    #[test]
    fn the_address_is_found_whatever_it_is_called() {
        for (slot, expected) in [
            (json!({"artifact_id": "a", "upload_url": "https://s.example/1"}), Some("https://s.example/1")),
            (json!({"artifact_id": "a", "put": "http://s.example/2", "method": "PUT"}), Some("http://s.example/2")),
            (json!({"artifact_id": "https", "headers": {"url": "https://s.example"}}), None),
            (json!("https://s.example"), None),
        ] {
            assert_eq!(address_in(&slot), expected, "{slot}");
        }
    }
}
