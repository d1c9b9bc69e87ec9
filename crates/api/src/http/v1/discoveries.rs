//! Searches for the server that sends an address's mail.

use letterhead_domain::{
    access::Scope,
    discovery::{Candidate, Confidence, Source},
    email::EmailAddress,
    field_errors::FieldErrors,
    provider::{Note, OTHER_GUIDE, PasswordKind, Provider, SignInKind},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json, types::Example};

use super::{
    super::{
        auth::SignedIn,
        body::Body,
        error::ApiError,
        limits::SMALL_BODY,
        text::{EncryptionKind, Text, Word},
    },
    Tag,
};
use crate::app::{
    App, access,
    discoveries::{self, Discovery},
};

/// The operation on searches.
pub(in crate::http) struct DiscoveriesApi;

/// Whose server to look for.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct CreateDiscovery {
    /// The address that mail is to be sent from. What stands before the `@` is shown to nobody
    email: String,
}

impl Example for CreateDiscovery {
    fn example() -> Self {
        Self { email: "ann@aurora.example".to_owned() }
    }
}

impl TryFrom<CreateDiscovery> for EmailAddress {
    type Error = FieldErrors;

    fn try_from(body: CreateDiscovery) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.note("/email", body.email.parse());
        errors.or(email)
    }
}

/// What was found.
#[derive(Object)]
#[oai(rename = "Discovery")]
struct DiscoveryView {
    /// The address in its canonical form
    email: String,
    /// Servers that may send its mail, the best first. They are suggestions: a test run proves
    candidates: Vec<CandidateView>,
    /// Where could not be looked; there may be more
    incomplete: Vec<Word<Source>>,
}

/// One server that may send the address's mail.
#[derive(Object)]
#[oai(rename = "DiscoveredServer")]
struct CandidateView {
    /// The mail service whose server it is, if it is a known one: `GET /v1/providers/{id}`
    #[oai(nullable)]
    provider: Option<String>,
    /// The service's name, or the host
    name: String,
    /// The server
    host: String,
    /// The port
    port: u16,
    /// How the connection is protected there
    encryption: Text<EncryptionKind>,
    /// Who probably signs in; `null` if only the service can tell
    #[oai(nullable)]
    username: Option<String>,
    /// What belongs in the field `password`, if it is known
    #[oai(nullable)]
    password: Option<Word<PasswordKind>>,
    /// The kinds of sign-in that can work there, as far as is known. Letterhead itself signs in with
    /// a password, or not at all
    sign_in: Vec<Word<SignInKind>>,
    /// How likely it is right; `low` if the server takes no password
    confidence: Word<Confidence>,
    /// Why it is suggested, the best informed source first
    reasons: Vec<ReasonView>,
    /// What else to know about the service
    notes: Vec<Word<Note>>,
    /// The guide that leads through its set-up, for `GET /v1/guides/{id}/pdf`
    guide: String,
}

/// Why a server is suggested.
#[derive(Object)]
#[oai(rename = "DiscoveryReason")]
struct ReasonView {
    /// Who says so
    source: Word<Source>,
    /// One sentence
    why: String,
}

impl DiscoveryView {
    fn of(email: &EmailAddress, found: Discovery) -> Self {
        Self {
            email: email.to_string(),
            candidates: found.candidates.iter().map(|it| CandidateView::of(email, it)).collect(),
            incomplete: found.incomplete.into_iter().map(Into::into).collect(),
        }
    }
}

impl CandidateView {
    fn of(email: &EmailAddress, candidate: &Candidate) -> Self {
        let provider = candidate.provider;
        let reason = |&source: &Source| ReasonView {
            source: source.into(),
            why: source.why(email.domain(), provider),
        };
        let notes = provider.map_or(&[][..], |provider| provider.notes);
        Self {
            provider: provider.map(|provider| provider.id.to_owned()),
            name: provider.map_or(candidate.host.as_str(), |provider| provider.name).to_owned(),
            host: candidate.host.to_string(),
            port: candidate.port.get(),
            encryption: Text::new(candidate.encryption.as_str()),
            username: candidate.username.as_ref().map(ToString::to_string),
            password: provider.and_then(|provider| provider.password).map(Into::into),
            sign_in: candidate.sign_in.iter().map(|&kind| kind.into()).collect(),
            confidence: candidate.confidence.into(),
            reasons: candidate.sources.iter().map(reason).collect(),
            notes: notes.iter().map(|&note| note.into()).collect(),
            guide: provider.map_or(OTHER_GUIDE, |it: &Provider| it.guide).to_owned(),
        }
    }
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Senders")]
impl DiscoveriesApi {
    /// Find the server for an address
    ///
    /// Looks in the catalogue of mail services, and if that does not know the address's domain, in
    /// what the domain says about itself: its DNS records (SRV, MX) and the settings that it
    /// publishes for mail programs over HTTPS. Takes five seconds at most. Nothing is saved, and
    /// only the domain leaves Letterhead, never the whole address.
    #[oai(path = "/tenants/:tenant/discoveries", method = "post", operation_id = "createDiscovery")]
    async fn create(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        body: Body<CreateDiscovery>,
    ) -> Result<Json<DiscoveryView>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        caller.require(Scope::SettingsWrite)?;
        let email = body.parse(SMALL_BODY).await?.value.try_into()?;
        let found = discoveries::discover(&app, &caller, &email).await?;
        Ok(Json(DiscoveryView::of(&email, found)))
    }
}
