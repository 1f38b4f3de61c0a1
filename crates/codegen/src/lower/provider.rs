use super::references;
use super::tool::LoweredTool;
use crate::load::{
    AccessSetting, AuthenticationScheme, AuthenticationSetting, QueryArraysSetting, Source, ToolsetSettings,
};
use infra_mcp_model::{
    Access, Authentication, DeviceLogin, Environment, Header, Hint, List, OptIn, Provider, QueryArrays, RemoteServer,
    SessionLogin, SharedArgument, Text, Toolset,
};

/// A provider whose tools are lowered, with what emission needs beside the model.
#[derive(Debug)]
pub struct LoweredProvider {
    /// The model without toolsets and routes.
    pub provider: Provider,
    /// Toolsets in order, empty ones left out.
    pub toolsets: Vec<LoweredToolset>,
    /// Operations of the document, served or not.
    pub operations: usize,
    /// Operations left out, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// A toolset and its tools.
#[derive(Debug)]
pub struct LoweredToolset {
    /// From `provider.toml`, or made for operations that belong nowhere.
    pub settings: ToolsetSettings,
    /// In document order.
    pub tools: Vec<LoweredTool>,
    /// What its tools take in common when they are listed as one.
    pub arguments: Vec<SharedArgument>,
}

impl LoweredToolset {
    pub(super) fn new(settings: ToolsetSettings, tools: Vec<LoweredTool>) -> Self {
        Self { settings, tools, arguments: Vec::new() }
    }
}

impl LoweredProvider {
    /// The finished model with the toolsets that `enabled` accepts.
    #[must_use]
    pub fn model(&self, enabled: &dyn Fn(&ToolsetSettings) -> bool) -> Provider {
        let chosen: Vec<&LoweredToolset> = self.toolsets.iter().filter(|toolset| enabled(&toolset.settings)).collect();
        let toolset = |lowered: &LoweredToolset| Toolset {
            name: lowered.settings.name.clone().into(),
            title: lowered.settings.title.clone().into(),
            binary: lowered.settings.binary.clone().into(),
            expose: lowered.settings.expose.map(Into::into),
            arguments: lowered.arguments.iter().cloned().collect(),
            tools: lowered.tools.iter().map(|lowered| lowered.tool.clone()).collect(),
        };
        let serves = |name: &Text| chosen.iter().flat_map(|set| &set.tools).any(|lowered| lowered.tool.name == *name);
        Provider {
            toolsets: chosen.iter().map(|lowered| toolset(lowered)).collect(),
            resources: self.provider.resources.iter().filter(|one| serves(&one.tool)).cloned().collect(),
            rest: self.provider.rest.iter().filter(|route| serves(&route.tool)).cloned().collect(),
            tasks: self.provider.tasks.clone().filter(|tasks| serves(&tasks.tool)),
            prompts: self.provider.prompts.iter().filter(|one| one.tools.iter().all(&serves)).cloned().collect(),
            routes: chosen
                .iter()
                .flat_map(|lowered| &lowered.tools)
                .filter_map(|lowered| lowered.route.clone())
                .collect(),
            ..self.provider.clone()
        }
    }
}

/// Everything about a provider that its settings say; no tools yet.
pub(super) fn head(source: &Source) -> Provider {
    let settings = &source.settings;
    let server = || {
        let document = source.document.as_ref()?;
        let url = document.root.pointer("/servers/0/url")?.as_str()?;
        // A relative one says where below an address the API begins, and not which address.
        url.contains("://").then(|| url.to_owned())
    };
    Provider {
        name: source.name.clone().into(),
        title: settings.title.clone().into(),
        binary: settings.binary.clone().into(),
        base_url: settings.base_url.clone().or_else(server).unwrap_or_default().into(),
        base_path: settings.base_path.clone().into(),
        environment: Environment {
            token: texts(&settings.environment.token),
            base_url: texts(&settings.environment.base_url),
            headers: texts(&settings.environment.headers),
            username: texts(&settings.environment.username),
            password: texts(&settings.environment.password),
            enable_actions: texts(&settings.environment.enable_actions),
            deny: texts(&settings.environment.deny),
        },
        authentication: match settings.authentication.scheme {
            AuthenticationScheme::Bearer => Authentication::Bearer,
            AuthenticationScheme::None => Authentication::None,
            AuthenticationScheme::Header => {
                let header = settings.authentication.header.clone();
                Authentication::Header(header.unwrap_or_else(|| "Authorization".to_owned()).into())
            }
            AuthenticationScheme::Session => {
                let AuthenticationSetting { cookie, path, token, .. } = settings.authentication.clone();
                let cookie = cookie.unwrap_or_else(|| "token".to_owned());
                Authentication::Session(SessionLogin { cookie: cookie.into(), path: path.into(), token: token.into() })
            }
            AuthenticationScheme::Cookie => {
                let cookie = settings.authentication.cookie.clone();
                Authentication::Cookie(cookie.unwrap_or_else(|| "token".to_owned()).into())
            }
        },
        headers: settings.headers.iter().map(|(name, value)| header(name, value)).collect(),
        hints: settings.hints.iter().map(|(about, text)| hint(about, text)).collect(),
        credential_help: settings.credential_help.clone().into(),
        timeout_seconds: settings.timeout_seconds,
        exclusive: settings
            .toolsets
            .iter()
            .filter(|toolset| toolset.exclusive)
            .map(|toolset| toolset.name.clone().into())
            .collect(),
        default_access: match settings.default_access {
            AccessSetting::Read => Access::Read,
            AccessSetting::Write => Access::Write,
            AccessSetting::Full => Access::Full,
        },
        confirm_changes: settings.confirm_changes,
        query_arrays: match settings.query_arrays {
            QueryArraysSetting::Declared => QueryArrays::Declared,
            QueryArraysSetting::Brackets => QueryArrays::Brackets,
        },
        instructions: settings.instructions.clone().into(),
        expose: settings.expose.into(),
        relay: settings.relay.as_ref().map(|relay| RemoteServer {
            url: relay.url.clone().into(),
            url_variables: texts(&relay.environment.url),
            token_variables: texts(&relay.environment.token),
            credential_help: relay.credential_help.clone().into(),
            hidden: texts(&relay.hidden),
        }),
        references: settings.references.iter().map(references::lower).collect(),
        tasks: None,
        opt_in: settings.opt_in.as_ref().map(|opt_in| OptIn {
            member: opt_in.member.clone().into(),
            code: opt_in.code.clone().into(),
            help: opt_in.help.clone().into(),
        }),
        login: settings
            .login
            .as_ref()
            .map(|login| DeviceLogin { authorize: login.authorize.clone().into(), token: login.token.clone().into() }),
        toolsets: List::default(),
        prompts: List::default(),
        resources: List::default(),
        rest: List::default(),
        routes: List::default(),
        sources: List::default(),
    }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned().into(), value: value.to_owned().into() }
}

fn hint(about: &str, text: &str) -> Hint {
    Hint { about: about.to_owned().into(), text: text.to_owned().into() }
}

pub(super) fn texts(list: &[String]) -> List<Text> {
    list.iter().map(|text| text.clone().into()).collect()
}
