//! The mail services that are known.

use letterhead_domain::provider::{
    self, Limit, LimitOn, LimitPer, Note, PasswordKind, Preset, ServiceKind, SignInKind, Spf,
    UsernameKind, Way,
};
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};

use super::{
    super::{
        auth::SignedIn,
        error::ApiError,
        text::{EncryptionKind, SpfKind, Text, Word},
    },
    Tag,
};

/// The operations on mail services.
pub(in crate::http) struct ProvidersApi;

/// A known mail service. What nobody has verified is `null` or an empty list.
#[derive(Object)]
struct Provider {
    /// Its id
    id: String,
    /// Its name, as it writes it
    name: String,
    /// Mailboxes of people, or sending for programs
    kind: Word<ServiceKind>,
    /// Its servers, the usual one first
    servers: Vec<ProviderServer>,
    /// More names of its servers; a `*` stands for one label
    other_hosts: Vec<String>,
    /// The ways in at each of its servers, the one to try first at the front
    ways: Vec<ProviderWay>,
    /// Who signs in
    #[oai(nullable)]
    username: Option<Word<UsernameKind>>,
    /// The user name, if `username` is `fixed`
    #[oai(nullable)]
    fixed_username: Option<String>,
    /// What belongs in the field `password`
    #[oai(nullable)]
    password: Option<Word<PasswordKind>>,
    /// The kinds of sign-in that can work there, the one to prefer first. Letterhead itself signs in
    /// with a password, or not at all
    sign_in: Vec<Word<SignInKind>>,
    /// How much it lets through
    limits: Vec<ProviderLimit>,
    /// What the DNS of a sender's domain needs
    dns: ProviderDns,
    /// What else to know about it
    notes: Vec<Word<Note>>,
    /// The guide that leads through its set-up, for `GET /v1/guides/{id}/pdf`: its own, or `other`
    guide: String,
}

/// One server of a mail service.
#[derive(Object)]
struct ProviderServer {
    /// Which of the servers it is, if there are several: a region or a kind of account
    #[oai(nullable)]
    place: Option<String>,
    /// The server
    host: String,
    /// The domains of the mailboxes that send through it; a `*` stands for one label, at the end for
    /// a country's ending
    email_domains: Vec<String>,
    /// What the names of the servers end in that take mail in for its customers' own domains
    mx: Vec<String>,
}

/// A port and the encryption that goes with it.
#[derive(Object)]
struct ProviderWay {
    /// The port
    port: u16,
    /// How the connection is protected there
    encryption: Text<EncryptionKind>,
}

/// How much a mail service lets through.
#[derive(Object)]
struct ProviderLimit {
    /// The most there may be
    most: u32,
    /// Of what
    on: Word<LimitOn>,
    /// Within what
    per: Word<LimitPer>,
    /// For whom, if not for everybody, in the service's own words
    #[oai(nullable)]
    plan: Option<String>,
}

/// What the DNS of a sender's domain needs so that a mail service may send for it.
#[derive(Object)]
struct ProviderDns {
    /// Whether its SPF record needs an `include:`, or nothing at all
    #[oai(nullable)]
    spf: Option<Text<SpfKind>>,
    /// What to include, if `spf` is `include`
    #[oai(nullable)]
    spf_include: Option<String>,
    /// The selectors under which the service's DKIM keys are published
    dkim_selectors: Vec<String>,
}

/// Every known mail service.
#[derive(Object)]
struct ProviderList {
    /// The services, in the order in which people are offered them: those with a guide first
    data: Vec<Provider>,
    /// Always `null`: the list is whole
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl From<&'static provider::Provider> for Provider {
    fn from(provider: &'static provider::Provider) -> Self {
        Self {
            id: provider.id.to_owned(),
            name: provider.name.to_owned(),
            kind: provider.kind.into(),
            servers: provider.presets.iter().map(Into::into).collect(),
            other_hosts: texts(provider.other_hosts),
            ways: provider.ways.iter().map(Into::into).collect(),
            username: provider.username.map(Into::into),
            fixed_username: provider.fixed_username.map(str::to_owned),
            password: provider.password.map(Into::into),
            sign_in: provider.sign_in.iter().map(|&kind| kind.into()).collect(),
            limits: provider.limits.iter().map(Into::into).collect(),
            dns: provider.into(),
            notes: provider.notes.iter().map(|&note| note.into()).collect(),
            guide: provider.guide.to_owned(),
        }
    }
}

impl From<&Preset> for ProviderServer {
    fn from(preset: &Preset) -> Self {
        Self {
            place: preset.place.map(str::to_owned),
            host: preset.host.to_owned(),
            email_domains: texts(preset.email_domains),
            mx: texts(preset.mx),
        }
    }
}

impl From<&Way> for ProviderWay {
    fn from(way: &Way) -> Self {
        Self { port: way.port, encryption: Text::new(way.encryption.as_str()) }
    }
}

impl From<&Limit> for ProviderLimit {
    fn from(limit: &Limit) -> Self {
        Self {
            most: limit.most,
            on: limit.on.into(),
            per: limit.per.into(),
            plan: limit.plan.map(str::to_owned),
        }
    }
}

impl From<&'static provider::Provider> for ProviderDns {
    fn from(provider: &'static provider::Provider) -> Self {
        let (spf, include) = match provider.spf {
            Some(Spf::Include(domain)) => (Some("include"), Some(domain)),
            Some(Spf::Nothing) => (Some("nothing"), None),
            None => (None, None),
        };
        Self {
            spf: spf.map(Text::new),
            spf_include: include.map(str::to_owned),
            dkim_selectors: texts(provider.dkim),
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Providers")]
impl ProvidersApi {
    /// List mail services
    ///
    /// Every mail service that is known, all at once: for a form that fills in host, port and
    /// encryption. Other servers can be used just as well. Any key will do.
    #[oai(path = "/providers", method = "get", operation_id = "listProviders")]
    #[expect(clippy::unused_async, reason = "operations are async, also one that asks nobody")]
    async fn list(&self, _key: SignedIn) -> Result<Json<ProviderList>, ApiError> {
        let data = provider::all().iter().map(Into::into).collect();
        Ok(Json(ProviderList { data, next_cursor: None }))
    }

    /// Load a mail service
    ///
    /// Any key will do.
    #[oai(path = "/providers/:id", method = "get", operation_id = "loadProvider")]
    #[expect(clippy::unused_async, reason = "operations are async, also one that asks nobody")]
    async fn load(
        &self,
        _key: SignedIn,
        /// The service's id, such as `gmail`
        id: Path<String>,
    ) -> Result<Json<Provider>, ApiError> {
        let found = provider::find(&id).ok_or_else(|| ApiError::not_found("mail service"))?;
        Ok(Json(found.into()))
    }
}
