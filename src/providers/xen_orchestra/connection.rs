//! Whether the server can be reached and lets the account in.

use serde_json::{Value, json};

use super::Answer;
use crate::executor::Steps;
use crate::generated::composites::xen_orchestra::CheckConnection;
use crate::generated::composites::xen_orchestra::requests::ReadPools;

pub(super) async fn check_connection(_: CheckConnection, steps: Steps<'_, CheckConnection>) -> Answer {
    // As much as it takes to know that address, credential and permission are right.
    let first = ReadPools { fields: "name_label".into(), limit: 1.into() };
    let seen = steps.ask(first).await?;
    let pool = seen.pointer("/0/name_label").cloned().unwrap_or_default();
    let message = match pool {
        Value::Null => "Xen Orchestra takes this credential, but shows no pool to it.",
        _ => "Xen Orchestra takes this credential.",
    };
    Ok(json!({ "connected": true, "message": message, "address": steps.address().as_str(), "first_pool": pool }))
}
