//! Networks, tenants, nodes, volumes and the log.

use serde_json::{Value, json};

use super::Answer;
use super::rows::{chosen, key_in, of_machine, quoted, rows, without_secrets};
use crate::executor::Steps;
use crate::generated::composites::vergeos::requests::{
    ApplyDns, NetworkAction as ActOnNetwork, ReadAlarms, ReadClusterStatus, ReadLogs, ReadNetwork, ReadNetworks,
    ReadNode, ReadNodes, ReadStats, ReadTierStats, ReadVolumes, TenantAction as ActOnTenant,
};
use crate::generated::composites::vergeos::{
    GetAlarms, GetClusterStats, GetClusterStatus, GetLogs, GetNetwork, GetNodeStats, ListNetworks, ListNodes,
    ListVolumes, NetworkAction, TenantAction,
};

pub(super) async fn list_networks(arguments: ListNetworks, steps: Steps<'_, ListNetworks>) -> Answer {
    let conditions = [
        arguments.type_.as_deref().map(|kind| format!("type eq {}", quoted(kind))),
        arguments.name.as_deref().map(|name| format!("name ct {}", quoted(name))),
        arguments.enabled.map(|enabled| format!("enabled eq {enabled}")),
    ];
    let fields = "$key,name,type,network,enabled,description,machine#status#running as running";
    let request = ReadNetworks {
        fields: fields.into(),
        filter: all_of(conditions),
        sort: "+$key".into(),
        limit: arguments.limit.into(),
        offset: arguments.offset.into(),
    };
    let columns = ["name", "type", "network", "enabled", "running", "description"];
    let columns: Vec<(&str, &str)> = [("id", "$key")].into_iter().chain(columns.map(|name| (name, name))).collect();
    Ok(rows(steps.ask(request).await?).iter().map(|row| chosen(row, &columns)).collect())
}

/// The conditions that there are as one filter; none where there are none.
fn all_of<const N: usize>(conditions: [Option<String>; N]) -> Value {
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    if conditions.is_empty() { Value::Null } else { conditions.join(" and ").into() }
}

pub(super) async fn get_network(arguments: GetNetwork, steps: Steps<'_, GetNetwork>) -> Answer {
    let row = steps.ask(ReadNetwork { id: arguments.id.into(), fields: "most".into() }).await?;
    Ok(without_secrets(row))
}

pub(super) async fn network_action(arguments: NetworkAction, steps: Steps<'_, NetworkAction>) -> Answer {
    let id = Value::from(arguments.id);
    let action = match arguments.action.as_str() {
        "applydns" => return acted(steps.ask(ApplyDns { id }).await?),
        "apply" => "refresh",
        action => action,
    };
    acted(steps.ask(ActOnNetwork { vnet: id, action: action.into() }).await?)
}

pub(super) async fn tenant_action(arguments: TenantAction, steps: Steps<'_, TenantAction>) -> Answer {
    let request = ActOnTenant { tenant: arguments.id.into(), action: arguments.action.into() };
    acted(steps.ask(request).await?)
}

/// The answer of the system, which may be empty.
fn acted(answer: Value) -> Answer {
    Ok(if answer.is_null() { json!({ "success": true }) } else { without_secrets(answer) })
}

pub(super) async fn list_nodes(_: ListNodes, steps: Steps<'_, ListNodes>) -> Answer {
    Ok(without_secrets(steps.ask(ReadNodes { fields: "most".into() }).await?))
}

pub(super) async fn get_node_stats(arguments: GetNodeStats, steps: Steps<'_, GetNodeStats>) -> Answer {
    let node = steps.ask(ReadNode { id: arguments.id.into(), fields: "$key,name,machine".into() }).await?;
    let Some(machine) = key_in(&node, "machine") else {
        return Err(steps.unmet(format!("VergeOS shows no machine behind node {}.", arguments.id)));
    };
    let filter = format!("machine eq {machine}").into();
    Ok(of_machine(steps.ask(ReadStats { fields: "all".into(), filter }).await?, machine).into())
}

pub(super) async fn list_volumes(_: ListVolumes, steps: Steps<'_, ListVolumes>) -> Answer {
    Ok(without_secrets(steps.ask(ReadVolumes { fields: "most".into() }).await?))
}

pub(super) async fn get_cluster_status(_: GetClusterStatus, steps: Steps<'_, GetClusterStatus>) -> Answer {
    Ok(without_secrets(steps.ask(ReadClusterStatus { fields: "most".into() }).await?))
}

pub(super) async fn get_cluster_stats(_: GetClusterStats, steps: Steps<'_, GetClusterStats>) -> Answer {
    Ok(without_secrets(steps.ask(ReadTierStats { fields: "most".into() }).await?))
}

pub(super) async fn get_alarms(_: GetAlarms, steps: Steps<'_, GetAlarms>) -> Answer {
    Ok(without_secrets(steps.ask(ReadAlarms { fields: "most".into() }).await?))
}

pub(super) async fn get_logs(arguments: GetLogs, steps: Steps<'_, GetLogs>) -> Answer {
    let conditions = [
        arguments.level.as_deref().map(|level| format!("level eq {}", quoted(level))),
        arguments.object_type.as_deref().map(|kind| format!("object_type eq {}", quoted(kind))),
    ];
    let filter = all_of(conditions);
    let request = ReadLogs { fields: "all".into(), filter, sort: "-$key".into(), limit: arguments.limit.into() };
    let entry = |row: &Value| {
        json!({
            "id": row.get("$key"),
            "timestamp": row.get("dbtime").or_else(|| row.get("timestamp")),
            "level": row.get("level"),
            "text": row.get("text"),
            "user": row.get("user"),
            "object_type": row.get("object_type"),
            "object_name": row.get("object_name"),
        })
    };
    Ok(rows(steps.ask(request).await?).iter().map(entry).collect())
}
