//! Every word that a person reads in the portal, in each language that it speaks.
//!
//! The texts are Fluent files in `texts/<language>/`, built in and read once. English is complete; what
//! another language lacks is shown in English. Values that are put into a text are plain text: the
//! templates escape the whole.

use std::{borrow::Cow, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use fluent_langneg::{NegotiationStrategy, accepted_languages, negotiate_languages};
use unic_langid::LanguageIdentifier;

/// The parts of the texts, one file each in every language.
macro_rules! parts {
    ($language:literal) => {
        &[
            include_str!(concat!("../../texts/", $language, "/activity.ftl")),
            include_str!(concat!("../../texts/", $language, "/advice.ftl")),
            include_str!(concat!("../../texts/", $language, "/domain_check.ftl")),
            include_str!(concat!("../../texts/", $language, "/arrival.ftl")),
            include_str!(concat!("../../texts/", $language, "/discovery.ftl")),
            include_str!(concat!("../../texts/", $language, "/fix.ftl")),
            include_str!(concat!("../../texts/", $language, "/guides.ftl")),
            include_str!(concat!("../../texts/", $language, "/history.ftl")),
            include_str!(concat!("../../texts/", $language, "/layout.ftl")),
            include_str!(concat!("../../texts/", $language, "/messages.ftl")),
            include_str!(concat!("../../texts/", $language, "/operator.ftl")),
            include_str!(concat!("../../texts/", $language, "/sessions.ftl")),
            include_str!(concat!("../../texts/", $language, "/settings.ftl")),
            include_str!(concat!("../../texts/", $language, "/test_runs.ftl")),
            include_str!(concat!("../../texts/", $language, "/versions.ftl")),
            include_str!(concat!("../../texts/", $language, "/way_in.ftl")),
        ]
    };
}

/// The languages: code, the name that its speakers give it, texts. The first is complete.
const LANGUAGES: [(&str, &str, &[&str]); 2] =
    [("en", "English", parts!("en")), ("fil", "Filipino", parts!("fil"))];

struct Language {
    code: &'static str,
    name: &'static str,
    identifier: LanguageIdentifier,
    bundle: FluentBundle<FluentResource>,
}

static LOADED: LazyLock<Vec<Language>> = LazyLock::new(|| LANGUAGES.map(load).into());

/// A file that is not well formed gives what of it is; a test keeps that from being shipped.
fn load((code, name, parts): (&'static str, &'static str, &[&str])) -> Language {
    let identifier: LanguageIdentifier = code.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![identifier.clone()]);
    // Every language here runs from left to right, and marks would be copied along with addresses.
    bundle.set_use_isolating(false);
    for part in parts {
        let resource = match FluentResource::try_new((*part).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let _twice = bundle.add_resource(resource);
    }
    Language { code, name, identifier, bundle }
}

/// The texts in one language.
#[derive(Clone, Copy)]
pub(crate) struct Texts(&'static Language);

impl Texts {
    /// The texts in the language called `code`, if the portal speaks it.
    pub(super) fn find(code: &str) -> Option<Self> {
        LOADED.iter().find(|language| language.code == code).map(Self)
    }

    /// The texts in the language that suits an `Accept-Language` header best.
    pub(super) fn negotiate(accept: &str) -> Self {
        let wanted = accepted_languages::parse(accept);
        let known: Vec<_> = LOADED.iter().map(|language| language.identifier.clone()).collect();
        let strategy = NegotiationStrategy::Lookup;
        let best = negotiate_languages(&wanted, &known, known.first(), strategy);
        let code = best.first().map_or_else(String::new, ToString::to_string);
        Self::find(&code).unwrap_or_else(Self::english)
    }

    /// The texts in English.
    pub(super) fn english() -> Self {
        Self(&LOADED[0])
    }

    /// The language's code (BCP 47).
    pub(super) fn code(self) -> &'static str {
        self.0.code
    }

    /// Every language with its code and its own name.
    pub(super) fn languages() -> impl Iterator<Item = (&'static str, &'static str)> {
        LOADED.iter().map(|language| (language.code, language.name))
    }

    /// The text called `key`.
    pub(super) fn say(self, key: &str) -> String {
        self.format(key, None)
    }

    /// The text called `key`, with values put into it.
    pub(super) fn with<'v>(self, key: &str, values: impl AsRef<[(&'v str, &'v str)]>) -> String {
        let mut arguments = FluentArgs::new();
        for &(name, value) in values.as_ref() {
            arguments.set(name, FluentValue::String(Cow::Borrowed(value)));
        }
        self.format(key, Some(&arguments))
    }

    /// The text called `key`, for `count` things: it may differ between one and many.
    pub(super) fn count(self, key: &str, count: u64) -> String {
        let mut arguments = FluentArgs::with_capacity(1);
        arguments.set("count", FluentValue::from(count));
        self.format(key, Some(&arguments))
    }

    /// The text called `key`, if there is one: for words that another release may have written.
    pub(super) fn find_text(self, key: &str) -> Option<String> {
        let known = [self, Self::english()].iter().any(|texts| texts.0.bundle.has_message(key));
        known.then(|| self.say(key))
    }

    fn format(self, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        for Self(language) in [self, Self::english()] {
            let message = language.bundle.get_message(key);
            if let Some(pattern) = message.and_then(|message| message.value()) {
                let mut faults = Vec::new();
                return language
                    .bundle
                    .format_pattern(pattern, arguments, &mut faults)
                    .into_owned();
            }
        }
        key.to_owned()
    }
}

#[cfg(test)]
mod tests;
