//! The list of known services beside the form, and what each wants from who fills it in.

use letterhead_domain::provider::{
    self, OTHER_GUIDE, PasswordKind, Preset, Provider, ServiceKind, UsernameKind,
};

use super::typed::Typed;
use crate::{app::guides, portal::texts::Texts};

/// Servers that stand together, under a heading if there are several.
pub(super) struct Group {
    pub(super) name: Option<String>,
    pub(super) servers: Vec<Server>,
}

/// One server that can be filled in.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) host: &'static str,
    pub(super) port: u16,
    pub(super) encryption: &'static str,
    /// The user name, where it is the same for everybody.
    pub(super) username: &'static str,
    /// Which of the notes is about its service.
    pub(super) note: String,
    /// The service's name, which the server's own may leave out.
    pub(super) provider_name: &'static str,
    /// The domains of the mailboxes that send through it.
    pub(super) domains: String,
    pub(super) is_chosen: bool,
}

/// What a service wants as user name and password.
pub(super) struct Note {
    pub(super) id: String,
    pub(super) words: String,
    /// Where its guide is.
    pub(super) guide: String,
    pub(super) guide_name: String,
    /// Whether it is about the server that is entered.
    pub(super) is_shown: bool,
}

/// Every known server: services with a guide one by one, then the other mailboxes and the other
/// sending services, each of them in one group.
pub(super) fn groups(t: Texts, typed: &Typed) -> Vec<Group> {
    let (guided, others): (Vec<&'static Provider>, Vec<&'static Provider>) =
        provider::all().iter().partition(|provider| provider.has_own_guide());
    let rest = |kind, heading: String| {
        let mut of_kind = others.clone();
        of_kind.retain(|provider| provider.kind == kind);
        of_kind.sort_by_key(|provider| provider.name.to_lowercase());
        let servers = of_kind.into_iter().flat_map(|provider| {
            let name = |preset: &Preset| match preset.place {
                Some(place) => format!("{} ({place})", provider.name),
                None => provider.name.to_owned(),
            };
            servers(typed, provider, name)
        });
        Group { name: Some(heading), servers: servers.collect() }
    };
    let guided = guided.into_iter().map(|provider| Group {
        name: (provider.presets.len() > 1).then(|| provider.name.to_owned()),
        servers: servers(typed, provider, |it| it.place.unwrap_or(provider.name).to_owned()),
    });
    guided
        .chain([
            rest(ServiceKind::Mailbox, t.say("settings-provider-mailboxes")),
            rest(ServiceKind::Sending, t.say("settings-provider-sending")),
        ])
        .collect()
}

fn servers(
    typed: &Typed,
    provider: &'static Provider,
    name: impl Fn(&Preset) -> String,
) -> Vec<Server> {
    let way = provider.first_way();
    let server = |preset: &'static Preset| Server {
        name: name(preset),
        host: preset.host,
        port: way.port,
        encryption: way.encryption.as_str(),
        username: provider.fixed_username.unwrap_or_default(),
        note: note_id(provider),
        provider_name: provider.name,
        domains: preset.email_domains.join(" "),
        is_chosen: typed.host.trim().eq_ignore_ascii_case(preset.host),
    };
    provider.presets.iter().map(server).collect()
}

/// The server that was chosen to be filled in.
pub(super) fn chosen(host: &str) -> Option<(&'static Provider, &'static Preset)> {
    provider::all().iter().find_map(|provider| {
        let preset = provider.presets.iter().find(|preset| preset.host == host)?;
        Some((provider, preset))
    })
}

/// What each service wants; `guides` is the address of the guides. Services without a guide of
/// their own that want the same share a note.
pub(super) fn notes(t: Texts, typed: &Typed, guides: &str) -> Vec<Note> {
    let entered = typed.provider().map(note_id);
    let mut notes: Vec<Note> = Vec::new();
    for provider in provider::all() {
        let id = note_id(provider);
        if notes.iter().any(|note| note.id == id) {
            continue;
        }
        let wants = wants(t, provider);
        let (words, guide_name) = if provider.has_own_guide() {
            (format!("{}: {wants}", provider.name), provider.name)
        } else {
            (wants, guides::find(OTHER_GUIDE).map_or("", |guide| guide.title.as_str()))
        };
        notes.push(Note {
            words,
            guide: format!("{guides}/{}", provider.guide),
            guide_name: t.with("settings-guide-for", [("provider", guide_name)]),
            is_shown: entered.as_ref() == Some(&id),
            id,
        });
    }
    notes
}

/// Names the note that is about `provider`: its id, or what it wants.
fn note_id(provider: &Provider) -> String {
    if provider.has_own_guide() {
        return provider.id.to_owned();
    }
    let username = provider.username.map(UsernameKind::as_str);
    let password = provider.password.map(PasswordKind::as_str);
    let others = provider.notes.iter().map(|note| note.as_str());
    let parts: Vec<_> =
        username.into_iter().chain(provider.fixed_username).chain(password).chain(others).collect();
    if parts.is_empty() { "unknown".to_owned() } else { parts.join(".") }
}

fn wants(t: Texts, provider: &Provider) -> String {
    let username = provider.username.map(|kind| match provider.fixed_username {
        Some(name) => t.with("provider-username-fixed", [("name", name)]),
        None => t.say(&format!("provider-username-{}", kind.as_str())),
    });
    let password = provider.password.map(|kind| format!("provider-password-{}", kind.as_str()));
    let notes = provider.notes.iter().map(|note| format!("provider-note-{}", note.as_str()));
    let rest = password.into_iter().chain(notes).map(|key| t.say(&key));
    let words: Vec<_> = username.into_iter().chain(rest).collect();
    if words.is_empty() { t.say("provider-wants-unknown") } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> Texts {
        Texts::negotiate("en")
    }

    #[test]
    fn every_server_of_the_list_can_be_filled_in() {
        let typed = Typed::empty();
        let groups = groups(english(), &typed);
        let listed: Vec<_> = groups.iter().flat_map(|group| &group.servers).collect();
        let known: usize = provider::all().iter().map(|provider| provider.presets.len()).sum();
        assert_eq!(listed.len(), known);
        for server in listed {
            let (provider, preset) = chosen(server.host).expect("a server of the list");

            let filled = typed.clone().filled(provider, preset);

            assert_eq!(filled.host, server.host);
            assert_eq!(filled.port, server.port.to_string());
            assert_eq!(filled.encryption, server.encryption);
            assert_eq!(filled.provider(), Some(provider), "{}", server.host);
        }
        assert!(chosen("mail.example").is_none());
    }

    #[test]
    fn each_server_has_the_one_note_that_is_about_its_service() {
        for server in groups(english(), &Typed::empty()).iter().flat_map(|group| &group.servers) {
            let entered = Typed { host: server.host.to_owned(), ..Typed::empty() };

            let notes = notes(english(), &entered, "/guides");

            let shown: Vec<_> = notes.iter().filter(|note| note.is_shown).collect();
            assert_eq!(shown.len(), 1, "{}", server.host);
            assert_eq!(shown[0].id, server.note);
        }
    }

    #[test]
    fn services_without_a_guide_stand_in_two_groups_by_name() {
        let groups = groups(english(), &Typed::empty());

        let [.., mailboxes, sending] = groups.as_slice() else { panic!("no groups") };

        for (group, heading) in
            [(mailboxes, "Other mailboxes"), (sending, "Other sending services")]
        {
            assert_eq!(group.name.as_deref(), Some(heading));
            let names: Vec<_> =
                group.servers.iter().map(|it| it.provider_name.to_lowercase()).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
        assert!(mailboxes.servers.iter().any(|server| server.name == "Fastmail"));
        assert!(sending.servers.iter().any(|server| server.name == "SparkPost (EU)"));
    }

    #[test]
    fn a_known_address_suggests_its_service_until_a_known_server_is_entered() {
        let suggested = |typed: &Typed| typed.suggestion().map(|(_, preset)| preset.host);
        let mut typed = Typed { sender_email: "ann@GMAIL.com".to_owned(), ..Typed::empty() };
        assert_eq!(suggested(&typed), Some("smtp.gmail.com"));

        typed.host = "smtp.sendgrid.net".to_owned();
        assert_eq!(suggested(&typed), None);

        typed.host = "mail.aurora.example".to_owned();
        typed.sender_email = "ann@aurora.example".to_owned();
        assert_eq!(suggested(&typed), None);

        typed.sender_email = "ann@zoho.eu".to_owned();
        assert_eq!(suggested(&typed), Some("smtp.zoho.eu"), "the server of its region");
    }
}
