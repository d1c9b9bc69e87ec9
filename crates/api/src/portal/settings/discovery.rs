//! "Find my settings": from an e-mail address to a form that is filled in.

use letterhead_domain::{
    discovery::Candidate, email::EmailAddress, field_errors::Invalid, smtp_settings::Encryption,
};
use letterhead_storage::record::SenderRecord;
use poem::http::StatusCode;

use super::{
    edit::Edit,
    page::{self, Asked},
    typed::Typed,
};
use crate::{
    app::{
        AppError,
        discoveries::{self, Discovery},
    },
    portal::{
        form::Form,
        layout::Banner,
        texts::Texts,
        visit::{Outcome, Place, Visit},
    },
};

/// A search and what came of it.
#[derive(Default)]
pub(super) struct Search {
    /// The address as it was typed.
    email: String,
    refused: Option<Invalid>,
    found: Option<(EmailAddress, Discovery)>,
}

/// What the form shows of a search.
pub(super) struct SearchView {
    pub(super) email: String,
    pub(super) error: Option<String>,
    pub(super) servers: Vec<FoundServer>,
    pub(super) is_incomplete: bool,
}

/// One server that was found.
pub(super) struct FoundServer {
    pub(super) name: String,
    /// How sure it is, and why it is suggested.
    pub(super) words: Vec<String>,
    /// What its button sends.
    pub(super) taken: String,
    pub(super) button: String,
    pub(super) is_filled_in: bool,
}

/// Looks for the server of the address that was typed and shows the form with the best one filled
/// in. Nothing is saved.
pub(super) async fn find(
    visit: &Visit,
    place: &Place,
    sender: Option<&SenderRecord>,
    form: &Form,
) -> Outcome {
    let (t, typed) = (visit.texts(), Typed::of_form(form));
    let own = [form.text("find_email"), &typed.sender_email];
    let email = own.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default().to_owned();
    let mut edit = Edit::unsaved(typed, form);
    let mut asked = Asked::default();
    let mut retry_after = None;
    let mut search = Search { email, ..Search::default() };
    match search.email.parse::<EmailAddress>() {
        Err(refused) => {
            asked.status = StatusCode::UNPROCESSABLE_ENTITY;
            asked.banner = Some(Banner::failure(t.say("discovery-refused")));
            search.refused = Some(refused);
        }
        Ok(email) => match discoveries::discover(&visit.app, &place.caller, &email).await {
            Ok(found) => {
                let key = match found.candidates.first() {
                    Some(best) => {
                        edit.typed = edit.typed.found(best, &email);
                        "discovery-filled"
                    }
                    None => "discovery-nothing",
                };
                let text = t.with(key, [("email", email.as_str())]);
                asked.banner = Some(Banner { kind: "info", text });
                search.found = Some((email, found));
            }
            Err(AppError::TooMany { retry_after: seconds }) => {
                asked.status = StatusCode::TOO_MANY_REQUESTS;
                asked.banner = Some(Banner::failure(t.count("discovery-too-many", seconds)));
                retry_after = Some(seconds);
            }
            Err(error) => return Err(error.into()),
        },
    }
    edit.search = search;
    asked.form = Some(edit);
    let mut answer = page::show(visit, place, sender, asked).await?;
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert("retry-after", seconds.into());
    }
    Ok(answer)
}

impl SearchView {
    pub(super) fn of(t: Texts, search: &Search, typed: &Typed) -> Self {
        let (servers, is_incomplete) = match &search.found {
            Some((email, found)) => (
                found.candidates.iter().map(|it| FoundServer::of(t, it, email, typed)).collect(),
                !found.incomplete.is_empty(),
            ),
            None => (Vec::new(), false),
        };
        let error = search.refused.as_ref().map(|refused| {
            let words = [
                format!("refused-sender_email-{}", refused.code),
                format!("refused-{}", refused.code),
            ];
            let known = words.iter().find_map(|key| t.find_text(key));
            known.unwrap_or_else(|| refused.message.to_string())
        });
        Self { email: search.email.clone(), error, servers, is_incomplete }
    }
}

impl FoundServer {
    fn of(t: Texts, candidate: &Candidate, email: &EmailAddress, typed: &Typed) -> Self {
        let Candidate { provider, host, port, encryption, username, confidence, sources, .. } =
            candidate;
        // As the page's field names them, without the port that usually goes with each.
        let protection = match encryption {
            Encryption::Starttls => "TLS",
            Encryption::ImplicitTls => "SSL",
            Encryption::None => "–",
        };
        let (port, encryption) = (port.to_string(), encryption.as_str());
        let server = [("host", host.as_str()), ("port", &port), ("encryption", protection)];
        let service = provider.map_or(host.as_str(), |provider| provider.name);
        let about = [("domain", email.domain()), ("provider", service)];
        let whys = sources
            .iter()
            .map(|source| t.with(&format!("discovery-why-{}", source.as_str()), about));
        let sure = t.say(&format!("discovery-confidence-{}", confidence.as_str()));
        let username = username.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            name: t.with("discovery-server", server),
            words: [sure].into_iter().chain(whys).collect(),
            taken: format!("{host} {port} {encryption} {username}"),
            button: t.with("discovery-take", [("host", host.as_str()), ("port", &port)]),
            is_filled_in: (typed.host.as_str(), &typed.port, typed.encryption.as_str())
                == (host.as_str(), &port, encryption),
        }
    }
}
