//! What the generated structs of [`crate::generated::types`] share.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::CallError;
use crate::executor::Reply;
use crate::server::Server;

/// The arguments of one tool as a struct.
pub trait ToolCall: Serialize {
    /// The provider of the tool.
    const PROVIDER: &'static str;
    /// The name of the tool.
    const NAME: &'static str;
}

/// A value that may be an explicit JSON `null`, which is not the same as leaving it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nullable<T> {
    /// `null`
    #[default]
    Null,
    /// A value.
    Value(T),
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl Server {
    /// Carries out a typed call on the same way as any other: catalogue, arguments, policy, executor.
    ///
    /// # Errors
    /// Whatever keeps a call from succeeding; a tool this server does not serve among them.
    pub async fn run<T: ToolCall>(&self, call: &T) -> Result<Reply, CallError> {
        self.run_with::<T>(arguments(call)?).await
    }

    /// The same by the account of this name, where the provider has several.
    ///
    /// # Errors
    /// As for [`Server::run`]; that there is no such account among them.
    pub async fn run_by<T: ToolCall>(&self, account: &str, call: &T) -> Result<Reply, CallError> {
        let mut arguments = arguments(call)?;
        let entry = self.catalogue.get(T::PROVIDER, T::NAME);
        if let (Some(choice), Some(entry)) = (self.accounts.choice(T::PROVIDER), entry) {
            arguments.insert(choice.argument([entry.tool]).to_owned(), account.into());
        }
        self.run_with::<T>(arguments).await
    }

    async fn run_with<T: ToolCall>(&self, arguments: Map<String, Value>) -> Result<Reply, CallError> {
        let Some(entry) = self.catalogue.get(T::PROVIDER, T::NAME) else {
            return Err(CallError::Client { problem: self.unknown(T::NAME).to_string() });
        };
        self.carry_out(entry, arguments.into(), self.local_caller(None)).await
    }
}

fn arguments<T: ToolCall>(call: &T) -> Result<Map<String, Value>, CallError> {
    match serde_json::to_value(call) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) | Err(_) => {
            Err(CallError::Client { problem: format!("The arguments of {} are not an object.", T::NAME) })
        }
    }
}

#[cfg(test)]
mod tests {
    use infra_mcp_model::Access;
    use serde_json::Value;
    use std::sync::Arc;
    use url::Url;

    use crate::account::{Account, AccountSettings};
    use crate::arguments::Arguments;
    use crate::call::{Call, Caller};
    use crate::catalogue::{Catalogue, Selection};
    use crate::executor::request;
    use crate::generated::{PROVIDERS, types};

    /// Every struct, filled, gives the request that its arguments as JSON give.
    #[test]
    fn structs_and_json_send_the_same_request() {
        let everything = Selection { access: Some(Access::Full), ..Selection::default() };
        let catalogue = Catalogue::select(PROVIDERS, &everything).expect("everything");
        let base_url = Url::parse("https://api.example.com").ok();
        let settings = AccountSettings { base_url, ..AccountSettings::default() };
        let samples = types::samples();
        assert_eq!(samples.len(), catalogue.entries().len(), "a struct for every tool");
        for (provider, name, typed, json) in samples {
            let json: Value = serde_json::from_str(json).expect("JSON");
            assert_eq!(typed, json, "{name}");
            let entry = catalogue.get(provider, name).expect("listed");
            if entry.tool.operation().is_none() {
                continue;
            }
            let account = Arc::new(Account::new(entry.provider, settings.clone()).expect("an account"));
            let [typed, json] = [typed, json].map(|arguments| {
                let Value::Object(arguments) = arguments else { panic!("{name} takes an object") };
                let arguments = Arguments::validate(entry.tool, arguments)
                    .unwrap_or_else(|violations| panic!("{name}: {violations}"));
                let call = Call { entry, arguments, account: Arc::clone(&account), caller: Caller::local(None) };
                let request = request::build(&call).unwrap_or_else(|error| panic!("{name}: {error:?}"));
                format!("{} {} {:?}", request.method(), request.uri(), request.body())
            });
            assert_eq!(typed, json, "{name}");
        }
    }
}
