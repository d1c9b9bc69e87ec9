//! The guides: how to set a mail service up and what to enter on the SMTP Settings page, for people
//! who keep books, not mail servers.
//!
//! A guide has one source, `guides/<id>.toml`. The portal's page is made from it here; the printed
//! manual is rendered from the same file by `make guides` and lies beside it. Both are built into
//! the program. Sources are ours, so a mistake in one is found by this module's tests, not by
//! readers.

use std::sync::LazyLock;

use chrono::NaiveDate;

mod files;
mod inline;
mod source;
#[cfg(test)]
mod tests;

pub use inline::{Span, Text};

/// A page and a PDF that lead a person through one provider's set-up.
#[derive(Debug)]
pub struct Guide {
    /// Its name in addresses, in advice and in the list of providers.
    pub id: &'static str,
    /// The provider's name, as people know it.
    pub title: String,
    /// When somebody last compared it with what the provider says.
    pub revised: NaiveDate,
    /// What the reader will have done at the end, and the one thing to know before.
    pub summary: Text,
    /// What must be at hand before the first step.
    pub needs: Vec<Text>,
    /// What to enter, in the order of the SMTP Settings page; empty where the service takes no
    /// password, so that nothing could be entered.
    pub settings: Vec<Setting>,
    /// What to do, in order.
    pub sections: Vec<Section>,
    /// The provider's own pages that it stands on.
    pub sources: Vec<String>,
}

/// A part of a guide under a heading of its own.
#[derive(Debug)]
pub struct Section {
    /// Names it in links; unique within its guide.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// One thing in a section.
#[derive(Debug)]
pub enum Block {
    /// A paragraph.
    Text(Text),
    /// Steps to do one after the other.
    Steps {
        /// The number of the first: steps are counted through their section.
        first: usize,
        /// What to do.
        steps: Vec<Text>,
    },
    /// Something good to know.
    Info(Text),
    /// Something that goes wrong if it is overlooked.
    Warning(Text),
    /// What may be the case, and what to do then.
    Reasons(Vec<Reason>),
    /// The place of [`Guide::settings`].
    Settings,
    /// A picture.
    Drawing(Drawing),
}

/// What may be the case, and what to do then.
#[derive(Debug)]
pub struct Reason {
    /// What is seen, or what may be the cause.
    pub when: Text,
    /// What to do about it.
    pub then: Text,
}

/// A schematic picture of our own.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Its name for [`drawing`].
    pub name: String,
    /// What stands under it.
    pub caption: String,
    /// What it shows, for who cannot see it.
    pub alt: String,
}

/// What to enter in one field of the SMTP Settings page.
#[derive(Debug)]
pub struct Setting {
    /// Which field.
    pub field: Field,
    /// What to enter, if it can be said letter by letter.
    pub value: Option<Value>,
    /// What to know about it; empty if there is nothing.
    pub note: Text,
}

/// What to enter in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Exactly this. Of encryption it is the machine's word: see [`Value::shown`].
    Exact(String),
    /// This, with what stands in braces replaced by one's own: `smtp.zoho.{region}`.
    Pattern(String),
}

impl Value {
    /// What stands on the page: the label of the choice for encryption and driver, else the value.
    pub fn shown(&self) -> &str {
        let (Self::Exact(value) | Self::Pattern(value)) = self;
        match value.as_str() {
            "starttls" => "TLS (STARTTLS, port 587)",
            "implicit_tls" => "SSL (implicit TLS, port 465)",
            other => other,
        }
    }
}

/// A field of the SMTP Settings page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The mail protocol.
    Driver,
    /// The server's name.
    Host,
    /// The server's port.
    Port,
    /// How the connection is protected.
    Encryption,
    /// Who signs in.
    Username,
    /// With what.
    Password,
    /// The name that recipients see.
    SenderName,
    /// The address that recipients see.
    SenderEmail,
}

impl Field {
    /// The field's name in the API and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Host => "host",
            Self::Port => "port",
            Self::Encryption => "encryption",
            Self::Username => "username",
            Self::Password => "password",
            Self::SenderName => "sender_name",
            Self::SenderEmail => "sender_email",
        }
    }

    /// The field's label in English, as the guides name it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Driver => "Driver",
            Self::Host => "Host",
            Self::Port => "Port",
            Self::Encryption => "Encryption",
            Self::Username => "Username",
            Self::Password => "Password",
            Self::SenderName => "Sender Name",
            Self::SenderEmail => "Sender E-Mail",
        }
    }
}

static GUIDES: LazyLock<Vec<Guide>> = LazyLock::new(|| {
    // A test reads every source and fails with what is wrong in it.
    files::GUIDES.iter().filter_map(|file| source::read(file.id, file.source).ok()).collect()
});

/// Every guide, in the order in which lists show them.
pub fn all() -> &'static [Guide] {
    &GUIDES
}

/// The guide that is called `id`.
pub fn find(id: &str) -> Option<&'static Guide> {
    all().iter().find(|guide| guide.id == id)
}

/// The printed manual of the guide that is called `id`.
pub fn pdf(id: &str) -> Option<&'static [u8]> {
    files::GUIDES.iter().find(|file| file.id == id).map(|file| file.pdf)
}

/// The drawing that is called `name`: an SVG document.
pub fn drawing(name: &str) -> Option<&'static [u8]> {
    files::DRAWINGS.iter().find(|(known, _)| *known == name).map(|(_, svg)| *svg)
}
