//! All accounts of a server, and which of them a call means.

use std::collections::BTreeMap;
use std::sync::Arc;

use infra_mcp_model::Tool;
use serde_json::{Map, Value, json};

use super::Account;

/// What the account of the environment is called where there are others.
pub const DEFAULT: &str = "default";

/// The argument that says which account is meant, unless a tool has one of that name itself.
const ARGUMENT: &str = "account";

/// What is said to who may use no account of a provider.
const FOREIGN: &str = "is not for this caller to choose: no account of this provider is granted";

/// The accounts of a server, by provider. The one of the environment has no name; it comes first.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    all: BTreeMap<&'static str, Vec<Arc<Account>>>,
    /// What there is to choose, for providers with more than one.
    choices: BTreeMap<&'static str, Choice>,
}

/// What a call has to say where its provider has several accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The names of the accounts, in order.
    pub names: Vec<String>,
    /// The argument of tools that have an `account` of their own, with the provider in front: `acme_account`. All
    /// others of the provider take it as well.
    long: String,
    /// The name of the provider for people.
    title: &'static str,
}

/// What is wrong with the choice of a call, in the form of an argument and a rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchosen {
    /// The argument.
    pub argument: String,
    /// The rule, as the rest of a sentence.
    pub rule: String,
}

impl FromIterator<Account> for Accounts {
    fn from_iter<A: IntoIterator<Item = Account>>(accounts: A) -> Self {
        let mut all: BTreeMap<&'static str, Vec<Arc<Account>>> = BTreeMap::new();
        for account in accounts {
            all.entry(account.provider().name.as_ref()).or_default().push(Arc::new(account));
        }
        let several = all.iter().filter(|(_, accounts)| accounts.len() > 1);
        let choices = several.map(|(provider, accounts)| (*provider, Choice::among(accounts))).collect();
        Self { all, choices }
    }
}

impl Accounts {
    /// The accounts of a provider.
    #[must_use]
    pub fn of(&self, provider: &str) -> &[Arc<Account>] {
        self.all.get(provider).map_or(&[], Vec::as_slice)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.all.values().flatten()
    }

    /// What calls of this provider have to choose; none where there is nothing to choose.
    #[must_use]
    pub fn choice(&self, provider: &str) -> Option<&Choice> {
        self.choices.get(provider)
    }

    /// Takes the choice out of the arguments of a call, which are not checked yet. None where the provider has no
    /// account at all. `granted` says which accounts the caller may use, by name.
    ///
    /// # Errors
    /// If none is chosen, or one that there is not or that the caller may not use.
    pub fn take(
        &self,
        provider: &str,
        tool: &Tool,
        arguments: &mut Map<String, Value>,
        granted: impl Fn(&str) -> bool,
    ) -> Result<Option<Arc<Account>>, Unchosen> {
        let accounts = self.of(provider);
        let Some(choice) = self.choice(provider).map(|choice| choice.narrowed(&granted)) else {
            let own = accounts.first();
            return match own.filter(|account| !granted(account.called())) {
                Some(_) => Err(Unchosen { argument: ARGUMENT.to_owned(), rule: FOREIGN.to_owned() }),
                None => Ok(own.cloned()),
            };
        };
        if choice.names.is_empty() {
            return Err(Unchosen { argument: ARGUMENT.to_owned(), rule: FOREIGN.to_owned() });
        }
        let argument = choice.argument([tool]);
        let short = if argument == ARGUMENT { arguments.shift_remove(ARGUMENT) } else { None };
        let long = arguments.shift_remove(&choice.long);
        let unchosen = |rule: &str| Err(choice.unchosen(argument, rule));
        let given = match (short, long) {
            (Some(one), Some(other)) if one != other => return unchosen("is given twice; it must be one of"),
            (one, other) => one.or(other).unwrap_or_default(),
        };
        let named = given.as_str().filter(|name| choice.names.iter().any(|known| known == name));
        let named = named.and_then(|name| accounts.iter().find(|account| account.called() == name));
        match named {
            Some(account) => Ok(Some(Arc::clone(account))),
            None if given.is_null() => unchosen("is required: one of"),
            None => unchosen("must be one of"),
        }
    }
}

impl Choice {
    fn among(accounts: &[Arc<Account>]) -> Self {
        let provider = accounts[0].provider();
        Self {
            names: accounts.iter().map(|account| account.called().to_owned()).collect(),
            long: format!("{}_{ARGUMENT}", provider.name.replace('-', "_")),
            title: &provider.title,
        }
    }

    /// The same with fewer accounts: those that are granted.
    #[must_use]
    pub fn narrowed(&self, granted: impl Fn(&str) -> bool) -> Self {
        let names = self.names.iter().filter(|name| granted(name)).cloned().collect();
        Self { names, ..self.clone() }
    }

    /// What the argument is called for one of these tools, or for all that are listed as one: `account`, or with the
    /// provider in front where one of them has an argument of that name itself.
    #[must_use]
    pub fn argument<'t>(&self, tools: impl IntoIterator<Item = &'t Tool>) -> &str {
        if tools.into_iter().any(|tool| tool.takes(ARGUMENT)) { &self.long } else { ARGUMENT }
    }

    /// The schema of the argument.
    #[must_use]
    pub fn schema(&self) -> Value {
        let text = format!("Which account of {} is meant; each has its own resources.", self.title);
        json!({ "type": "string", "description": text, "enum": self.names })
    }

    /// Puts the argument into the input schema of a tool, in front of all others.
    pub fn put_into(&self, tool: &Tool, schema: &mut Value) {
        let Some(schema) = schema.as_object_mut() else { return };
        let argument = self.argument([tool]);
        let mut properties = Map::from_iter([(argument.to_owned(), self.schema())]);
        if let Some(Value::Object(others)) = schema.shift_remove("properties") {
            properties.extend(others);
        }
        let mut required = vec![Value::from(argument)];
        if let Some(Value::Array(others)) = schema.shift_remove("required") {
            required.extend(others);
        }
        schema.insert("properties".to_owned(), properties.into());
        schema.insert("required".to_owned(), required.into());
    }

    fn unchosen(&self, argument: &str, rule: &str) -> Unchosen {
        let rule = format!("{rule} {} (accounts of {})", self.names.join(", "), self.title);
        Unchosen { argument: argument.to_owned(), rule }
    }
}

#[cfg(test)]
mod tests {
    use infra_mcp_model::{Location, Method, Style};

    use super::*;
    use crate::account::AccountSettings;
    use crate::executor::fixture;

    /// A provider with a tool that has an `account` of its own, and one without; and two accounts of it.
    fn two() -> (Accounts, [&'static Tool; 2]) {
        let own = vec![fixture::parameter("account", Location::Query, Style::Form, true)];
        let tools = [("plain", vec![]), ("own", own)];
        let tools = tools.map(|(name, own)| fixture::tool(name, fixture::operation(Method::Get, "/", own, None)));
        let provider = fixture::provider(vec![("main", tools.into())]);
        let named = |name: Option<&str>| AccountSettings {
            name: name.map(str::to_owned),
            ..fixture::settings("https://api.example.com")
        };
        let accounts = [None, Some("lab")].map(|name| Account::new(provider, named(name)).unwrap());
        (accounts.into_iter().collect(), [0, 1].map(|index| &provider.toolsets[0].tools[index]))
    }

    #[test]
    fn the_choice_is_taken_out_and_an_argument_of_the_tool_is_not() {
        let (accounts, [plain, own]) = two();
        for (tool, arguments, expected) in [
            (plain, json!({"account": "lab", "x": 1}), Ok(("lab", json!({"x": 1})))),
            (plain, json!({"account": "default"}), Ok(("default", json!({})))),
            (plain, json!({"example_account": "lab"}), Ok(("lab", json!({})))),
            (plain, json!({"example_account": "lab", "account": "lab"}), Ok(("lab", json!({})))),
            (plain, json!({"example_account": "lab", "account": "default"}), Err("account: is given twice")),
            (plain, json!({}), Err("account: is required: one of default, lab (accounts of Example)")),
            (plain, json!({"account": null}), Err("account: is required")),
            (plain, json!({"account": "Lab"}), Err("account: must be one of default, lab")),
            (plain, json!({"account": 1}), Err("account: must be one of")),
            (own, json!({"account": "x", "example_account": "lab"}), Ok(("lab", json!({"account": "x"})))),
            (own, json!({"account": "lab"}), Err("example_account: is required")),
        ] {
            let Value::Object(mut arguments) = arguments else { panic!("an object") };
            match (accounts.take("example", tool, &mut arguments, |_| true), expected) {
                (Ok(Some(account)), Ok((name, rest))) => {
                    assert_eq!((account.called(), Value::Object(arguments)), (name, rest));
                }
                (Err(wrong), Err(part)) => {
                    let text = format!("{}: {}", wrong.argument, wrong.rule);
                    assert!(text.starts_with(part), "{text}");
                }
                (got, expected) => panic!("{got:?}, not {expected:?}"),
            }
        }
        let choice = accounts.choice("example").unwrap();
        assert_eq!(choice.argument([plain]), "account");
        assert_eq!(choice.argument([plain, own]), "example_account", "of tools that are listed as one");
    }

    #[test]
    fn a_single_account_is_no_choice() {
        let (accounts, [plain, _]) = two();
        let lone = accounts.of("example")[0].provider();
        let lone = Account::new(lone, fixture::settings("https://api.example.com")).unwrap();
        let one: Accounts = [lone].into_iter().collect();
        let mut arguments = Map::from_iter([("account".to_owned(), json!("lab"))]);
        assert!(one.choice("example").is_none() && accounts.choice("other").is_none());
        assert!(one.take("example", plain, &mut arguments, |_| true).unwrap().is_some());
        assert_eq!(arguments.len(), 1, "what it is for, validation says");
    }

    #[test]
    fn an_account_that_is_not_granted_is_none() {
        let (accounts, [plain, _]) = two();
        let take = |accounts: &Accounts, account: Value, granted: &str| {
            let mut arguments = Map::from_iter([("account".to_owned(), account)]);
            accounts.take("example", plain, &mut arguments, |name| name == granted)
        };
        assert!(take(&accounts, json!("lab"), "lab").is_ok());
        let wrong = take(&accounts, json!("default"), "lab").unwrap_err();
        assert_eq!(wrong.rule, "must be one of lab (accounts of Example)", "others are not named");
        assert_eq!(take(&accounts, json!("lab"), "other").unwrap_err().rule, FOREIGN);
        let lone = Account::new(accounts.of("example")[0].provider(), fixture::settings("https://api.example.com"));
        let one: Accounts = [lone.unwrap()].into_iter().collect();
        assert_eq!(take(&one, Value::Null, "lab").unwrap_err().rule, FOREIGN);
    }

    #[test]
    fn a_schema_asks_for_it_first() {
        let (accounts, [plain, _]) = two();
        let choice = accounts.choice("example").unwrap();
        for (schema, required) in [
            (json!({"type": "object", "properties": {"id": {}}, "required": ["id"]}), json!(["account", "id"])),
            (json!({"type": "object"}), json!(["account"])),
        ] {
            let mut asked = schema.clone();
            choice.put_into(plain, &mut asked);
            assert_eq!(asked["required"], required);
            assert_eq!(asked["properties"]["account"]["enum"], json!(["default", "lab"]));
            assert_eq!(asked["properties"]["id"], schema["properties"]["id"]);
        }
    }
}
