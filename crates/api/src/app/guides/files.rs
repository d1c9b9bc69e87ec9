//! What lies in `guides/`, built into the program.

/// A guide as files: its source, and what was rendered from it.
pub(super) struct GuideFile {
    pub(super) id: &'static str,
    pub(super) source: &'static str,
    pub(super) pdf: &'static [u8],
}

macro_rules! lying_in {
    ($path:expr) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../guides/", $path)
    };
}

macro_rules! guides {
    ($($id:literal),* $(,)?) => {
        &[$(GuideFile {
            id: $id,
            source: include_str!(lying_in!(concat!($id, ".toml"))),
            pdf: include_bytes!(lying_in!(concat!("pdf/", $id, ".pdf"))),
        }),*]
    };
}

macro_rules! drawings {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(lying_in!(concat!("drawings/", $name, ".svg"))))),*]
    };
}

/// The guides, in the order in which lists show them: mailboxes, sending services, all others.
pub(super) const GUIDES: &[GuideFile] = guides![
    "gmail",
    "microsoft-365",
    "outlook-com",
    "yahoo",
    "zoho",
    "icloud",
    "smtp2go",
    "sendgrid",
    "mailgun",
    "amazon-ses",
    "brevo",
    "other",
];

/// What every guide has in common.
pub(super) const EVERY_GUIDE: &str = include_str!(lying_in!("every-guide.toml"));

/// The drawings, by name.
pub(super) const DRAWINGS: &[(&str, &[u8])] = drawings![
    "amazon-ses-region",
    "google-app-password",
    "google-two-step",
    "microsoft-dates",
    "microsoft-smtp-auth",
    "ports",
    "smtp-settings",
    "zoho-region",
];
