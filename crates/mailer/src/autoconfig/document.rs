//! Reading the file that a domain publishes.

use letterhead_domain::{
    discovery::PublishedServer, provider::SignInKind, smtp_settings::Encryption,
};
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
    name::QName,
};

/// Deepest nesting of elements. A settings file has four levels.
const MAX_DEPTH: usize = 16;
/// Longest text of one element, in bytes.
const MAX_TEXT: usize = 1024;
/// Most servers that are read.
const MAX_SERVERS: usize = 8;
/// Where servers stand that take mail to be sent.
const PROVIDER: [&str; 2] = ["clientConfig", "emailProvider"];

/// What is known of a server while its element is read.
#[derive(Default)]
struct Draft {
    host: String,
    port: Option<u16>,
    encryption: Option<Encryption>,
    username: Option<String>,
    sign_in: Vec<SignInKind>,
}

/// The servers of the file that Letterhead could use; nothing if it is no such file. Document types
/// and entities of their own are refused.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<PublishedServer>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut open, mut text) = (Vec::new(), String::new());
    let (mut draft, mut servers) = (None, Vec::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() == MAX_DEPTH {
                    return None;
                }
                if open == PROVIDER && is_smtp_server(&start) {
                    draft = Some(Draft::default());
                }
                open.push(name(start.name()));
                text.clear();
            }
            Event::End(_) => {
                let closed = open.pop()?;
                if open == PROVIDER {
                    servers.extend(draft.take().and_then(Draft::server));
                } else if let Some(draft) = &mut draft {
                    draft.note(&closed, text.trim());
                }
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) => text.push(character(&reference)?),
            Event::DocType(_) => return None,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
        if text.len() > MAX_TEXT {
            return None;
        }
    }
    servers.truncate(MAX_SERVERS);
    open.is_empty().then_some(servers)
}

impl Draft {
    fn note(&mut self, element: &str, text: &str) {
        match element {
            "hostname" => text.clone_into(&mut self.host),
            "port" => self.port = text.parse().ok(),
            "socketType" => {
                self.encryption = match text {
                    "SSL" => Some(Encryption::ImplicitTls),
                    "STARTTLS" => Some(Encryption::Starttls),
                    _ => None,
                }
            }
            "username" => self.username = Some(text.to_owned()),
            "authentication" => {
                let kind = match text {
                    "password-cleartext" | "plain" => SignInKind::Password,
                    "OAuth2" => SignInKind::Oauth2,
                    _ => return,
                };
                if !self.sign_in.contains(&kind) {
                    self.sign_in.push(kind);
                }
            }
            _ => {}
        }
    }

    /// The server, if it is whole, encrypted, and can be signed in to in a way that is known here.
    fn server(self) -> Option<PublishedServer> {
        let Self { host, port, encryption, username, sign_in } = self;
        let is_usable = !host.is_empty() && !sign_in.is_empty();
        let (port, encryption) = (port?, encryption?);
        is_usable.then_some(PublishedServer { host, port, encryption, username, sign_in })
    }
}

fn is_smtp_server(start: &BytesStart<'_>) -> bool {
    let kind = start.try_get_attribute("type").ok().flatten();
    name(start.name()) == "outgoingServer" && kind.is_some_and(|kind| *kind.value == *"smtp")
}

fn name(name: QName<'_>) -> String {
    name.as_ref().to_owned()
}

/// The one character that a reference stands for; nothing for entities that a file defines itself.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
