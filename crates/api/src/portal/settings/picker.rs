//! The list of known services beside the form, and what each wants from who fills it in.

use letterhead_domain::provider::{self, Preset, Provider, UsernameKind};

use super::typed::Typed;
use crate::portal::texts::Texts;

/// A service's servers; under its name if there are several.
pub(super) struct Group {
    pub(super) name: Option<&'static str>,
    pub(super) servers: Vec<Server>,
}

/// One server that can be filled in.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) host: &'static str,
    pub(super) port: u16,
    pub(super) encryption: &'static str,
    /// The user name, where it is the same for everybody.
    pub(super) username: &'static str,
    pub(super) provider: &'static str,
    /// The service's name, which the server's own may leave out.
    pub(super) provider_name: &'static str,
    /// The domains of its mailboxes, with the service's first server alone.
    pub(super) domains: String,
    pub(super) is_chosen: bool,
}

/// What a service wants as user name and password.
pub(super) struct Note {
    pub(super) provider: &'static str,
    pub(super) words: String,
    /// Where its guide is.
    pub(super) guide: String,
    pub(super) guide_name: String,
    /// Whether it is about the server that is entered.
    pub(super) is_shown: bool,
}

/// Every known server.
pub(super) fn groups(typed: &Typed) -> Vec<Group> {
    let chosen = |host| typed.host.trim().eq_ignore_ascii_case(host);
    let group = |provider: &'static Provider| {
        let several = provider.presets.len() > 1;
        let way = provider.first_way();
        let server = |(at, preset): (usize, &'static Preset)| Server {
            name: preset.place.filter(|_| several).unwrap_or(provider.name),
            host: preset.host,
            port: way.port,
            encryption: way.encryption.as_str(),
            username: provider.username.fixed().unwrap_or_default(),
            provider: provider.id,
            provider_name: provider.name,
            domains: if at == 0 { provider.email_domains.join(" ") } else { String::new() },
            is_chosen: chosen(preset.host),
        };
        Group {
            name: several.then_some(provider.name),
            servers: provider.presets.iter().enumerate().map(server).collect(),
        }
    };
    provider::all().iter().map(group).collect()
}

/// The server that was chosen to be filled in.
pub(super) fn chosen(host: &str) -> Option<(&'static Provider, &'static Preset)> {
    provider::all().iter().find_map(|provider| {
        let preset = provider.presets.iter().find(|preset| preset.host == host)?;
        Some((provider, preset))
    })
}

/// What each service wants; `guides` is the address of the guides.
pub(super) fn notes(t: Texts, typed: &Typed, guides: &str) -> Vec<Note> {
    let entered = typed.provider();
    let note = |provider: &'static Provider| Note {
        provider: provider.id,
        words: wants(t, provider),
        guide: format!("{guides}/{}", provider.guide),
        guide_name: t.with("settings-guide-for", [("provider", provider.name)]),
        is_shown: entered == Some(provider),
    };
    provider::all().iter().map(note).collect()
}

fn wants(t: Texts, provider: &Provider) -> String {
    let kind = provider.username;
    let username = match kind {
        UsernameKind::Fixed(name) => t.with("provider-username-fixed", [("name", name)]),
        UsernameKind::Address | UsernameKind::Given => {
            t.say(&format!("provider-username-{}", kind.as_str()))
        }
    };
    let password = t.say(&format!("provider-password-{}", provider.password.as_str()));
    format!("{}: {username} {password}", provider.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_of_the_list_can_be_filled_in() {
        let typed = Typed::empty();
        for server in groups(&typed).iter().flat_map(|group| &group.servers) {
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
    fn a_known_address_suggests_its_service_until_a_known_server_is_entered() {
        let mut typed = Typed { sender_email: "ann@GMAIL.com".to_owned(), ..Typed::empty() };
        assert_eq!(typed.suggestion().map(|provider| provider.id), Some("gmail"));

        typed.host = "smtp.sendgrid.net".to_owned();
        assert!(typed.suggestion().is_none());

        typed.host = "mail.aurora.example".to_owned();
        typed.sender_email = "ann@aurora.example".to_owned();
        assert!(typed.suggestion().is_none());
    }
}
