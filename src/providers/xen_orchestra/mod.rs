//! Xen Orchestra: the few tools that are more than one operation of its API.

mod connection;
mod documentation;
mod summary;
#[cfg(test)]
mod tests;

use super::handler::Answer;
use crate::generated::composites::xen_orchestra::*;

/// The handlers of Xen Orchestra.
pub(super) struct XenOrchestra;

handlers! {
    XenOrchestra:
    check_connection(CheckConnection) by connection;
    get_infrastructure_summary(GetInfrastructureSummary) by summary;
    search_documentation(SearchDocumentation) by documentation;
}
