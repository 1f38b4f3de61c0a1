//! One invoice, and the order of a machine with every check before money is spent.

use serde_json::{Value, json};

use super::requests::{
    ListInstances, ListInvoices, ListKeys, ListPaymentMethods, ListPlans, ListRegions, ListTemplates, Order, Quote,
};
use super::{Answer, HostodoDeployInstance, HostodoGetInvoice, text};
use crate::executor::Steps;

/// How many pages of invoices are read at most: a list that long is looked through in the console.
const PAGES: usize = 20;

pub(super) async fn hostodo_get_invoice(arguments: HostodoGetInvoice, steps: Steps<'_, HostodoGetInvoice>) -> Answer {
    let number = arguments.invoice_number.as_str();
    let mut seen = 0;
    for page in 0..PAGES {
        // The first as the vendor's client asks for it.
        let offset = if page == 0 { Value::Null } else { seen.into() };
        let answer = steps.ask(ListInvoices { offset, ..ListInvoices::default() }).await?;
        let invoices = listed(&answer);
        if let Some(invoice) = invoices.iter().find(|invoice| text(invoice, "invoice_number") == number) {
            let unpaid = text(invoice, "status") != "paid";
            let mut told = invoice.clone();
            let today = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).date_naive().to_string();
            // Days in this form are in the order of their letters.
            told["overdue"] = (unpaid && text(invoice, "due_date") < today.as_str()).into();
            return Ok(told);
        }
        seen += invoices.len();
        let all = answer.get("count").and_then(Value::as_u64).unwrap_or(0);
        if invoices.is_empty() || u64::try_from(seen).unwrap_or(u64::MAX) >= all {
            break;
        }
    }
    Err(steps.unmet(format!("There is no invoice {number:?}. hostodo_list_invoices shows the numbers.")))
}

fn listed(answer: &Value) -> Vec<Value> {
    let list = answer.get("results").unwrap_or(answer);
    list.as_array().cloned().unwrap_or_default()
}

/// The entry with this name: without regard to letter case, or the only one that contains it.
fn named<'l>(list: &'l [Value], member: &str, wanted: &str, kind: &str) -> Result<&'l Value, String> {
    let wanted = wanted.to_lowercase();
    let name = |entry: &Value| text(entry, member).to_lowercase();
    if let Some(exact) = list.iter().find(|entry| name(entry) == wanted) {
        return Ok(exact);
    }
    let fitting: Vec<&Value> = list.iter().filter(|entry| name(entry).contains(&wanted)).collect();
    let names = |entries: &[&Value]| entries.iter().map(|entry| text(entry, member)).collect::<Vec<_>>().join(", ");
    match fitting[..] {
        [only] => Ok(only),
        [] => Err(format!("There is no {kind} {wanted:?}. There are: {}.", names(&list.iter().collect::<Vec<_>>()))),
        _ => Err(format!("{wanted:?} fits several: {}. Give the whole name.", names(&fitting))),
    }
}

/// An amount as text, in one form: `7`, `7.0` and `7.00` are the same.
fn amount(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let (whole, cents) = (whole.trim_start_matches('0'), cents.trim_end_matches('0'));
    format!("{}.{cents}", if whole.is_empty() { "0" } else { whole })
}

pub(super) async fn hostodo_deploy_instance(
    arguments: HostodoDeployInstance,
    steps: Steps<'_, HostodoDeployInstance>,
) -> Answer {
    let fail = |problem: String| steps.unmet(format!("Nothing was ordered. {problem}"));
    let plans = listed(&steps.ask(ListPlans { limit: 200.into() }).await?);
    let plan = named(&plans, "name", &arguments.plan, "plan").map_err(fail)?;
    let regions = listed(&steps.ask(ListRegions {}).await?);
    let region = named(&regions, "name", &arguments.region, "region").map_err(fail)?;
    let templates = listed(&steps.ask(ListTemplates {}).await?);
    let template = named(&templates, "name", &arguments.template, "template").map_err(fail)?;
    let price = text(plan, &format!("price_{}", arguments.billing_cycle));
    let categories = region.get("plan_categories").and_then(Value::as_array).into_iter().flatten();
    let yes = Some(&Value::Bool(true));
    for (holds, problem) in [
        (plan.get("show_on_frontend") == yes && plan.get("out_of_stock") != yes, "This plan takes no orders now."),
        (region.get("out_of_stock") != yes, "This region takes no orders now."),
        (
            categories.into_iter().any(|category| category["id"] == plan["plan_category_id"]),
            "This plan is not offered in this region.",
        ),
        (!matches!(price, "" | "0" | "0.00"), "This plan is not offered for this period."),
    ] {
        if !holds {
            return Err(fail(problem.to_owned()));
        }
    }
    let key = match &arguments.ssh_key {
        None => Value::Null,
        Some(wanted) => {
            let keys = listed(&steps.ask(ListKeys {}).await?);
            named(&keys, "name", wanted, "SSH key").map_err(fail)?["name"].clone()
        }
    };
    let methods = listed(&steps.ask(ListPaymentMethods {}).await?);
    let method = match &arguments.payment_method_id {
        Some(id) => methods.iter().find(|method| text(method, "payment_method_id") == id),
        None => methods.iter().find(|method| method.get("customer_default") == yes),
    };
    let method = method.ok_or_else(|| fail("There is no such payment method, or no default one.".to_owned()))?;
    let all = ListInstances { limit: 1000.into(), offset: 0.into(), sort: "updated_at".into(), order: "asc".into() };
    let taken = listed(&steps.ask(all).await?).iter().any(|vm| text(vm, "hostname") == arguments.hostname);
    if taken {
        return Err(fail(format!("A machine is called {:?} already.", arguments.hostname)));
    }
    let code = arguments.promocode.as_deref().map_or(Value::Null, Value::from);
    let quote = Quote {
        plan_id: plan["id"].clone(),
        billing_cycle: arguments.billing_cycle.as_str().into(),
        quantity: 1.into(),
        promocode: code.clone(),
    };
    let due = steps.ask(quote).await?["amount_due"].clone();
    if arguments.expected_amount.as_deref().is_some_and(|expected| amount(&expected.into()) != amount(&due)) {
        return Err(fail(format!("The price is {due} now, which is not the expected amount.")));
    }
    let order = Order {
        hostname: arguments.hostname.as_str().into(),
        region: region["name"].clone(),
        template: template["name"].clone(),
        plan: plan["name"].clone(),
        billing_cycle: arguments.billing_cycle.as_str().into(),
        ssh_key: key,
        payment_method_id: method["payment_method_id"].clone(),
        promocode: code,
        quantity: 1.into(),
    };
    let made = steps.ask(order).await?;
    let (order, invoice) = (&made["order"], &made["invoice"]);
    Ok(json!({
        "order_number": order["order_number"], "order_status": order["status"], "hostname": order["hostname"],
        "invoice_number": invoice["invoice_number"], "invoice_status": invoice["status"], "amount_due": due,
        "checkout_url": made["checkout_url"],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whole_or_by_a_part_of_one() {
        let list = ["KVM-1G", "KVM-2G", "kvm-2g-plus"].map(|name| json!({ "name": name }));
        for (wanted, expected) in [
            ("kvm-2g", Ok("KVM-2G")),
            ("1g", Ok("KVM-1G")),
            ("kvm", Err("fits several: KVM-1G, KVM-2G, kvm-2g-plus")),
            ("xen", Err("There is no plan \"xen\"")),
        ] {
            match (named(&list, "name", wanted, "plan"), expected) {
                (Ok(found), Ok(name)) => assert_eq!(found["name"], name),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{problem}"),
                (got, expected) => panic!("{got:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn amounts_are_compared_as_decimals() {
        for (one, other, same) in [
            (json!("6.99"), json!(6.99), true),
            (json!("7"), json!("7.00"), true),
            (json!("0.50"), json!(".5"), true),
            (json!("6.99"), json!("6.9"), false),
        ] {
            assert_eq!(amount(&one) == amount(&other), same, "{one} {other}");
        }
    }
}
