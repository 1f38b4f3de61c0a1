//! Xen Orchestra: the few tools that are more than one operation of its API.

mod documentation;
mod summary;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::error::CallError;
use crate::executor::Steps;
use crate::generated::composites::xen_orchestra::requests::ReadPools;
use crate::generated::composites::xen_orchestra::*;

/// What a handler answers.
type Answer = Result<Value, CallError>;

/// The handlers of Xen Orchestra.
pub(super) struct XenOrchestra;

impl Composites for XenOrchestra {
    async fn check_connection(&self, _: CheckConnection, steps: Steps<'_, CheckConnection>) -> Answer {
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

    async fn get_infrastructure_summary(
        &self,
        _: GetInfrastructureSummary,
        steps: Steps<'_, GetInfrastructureSummary>,
    ) -> Answer {
        summary::get(&steps).await
    }

    async fn search_documentation(
        &self,
        arguments: SearchDocumentation,
        steps: Steps<'_, SearchDocumentation>,
    ) -> Answer {
        documentation::search(arguments, &steps).await
    }
}
