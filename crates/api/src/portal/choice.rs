//! One of several things to choose from, in a form or a filter.

/// One of several things to choose from.
pub(super) struct Choice {
    /// The word that the form sends.
    pub(super) value: &'static str,
    /// What the reader sees.
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

/// Each of `all` by its word and its name; `chosen` is the word of the one that is chosen.
pub(super) fn choices<T: Copy>(
    all: impl IntoIterator<Item = T>,
    chosen: &str,
    word: impl Fn(T) -> &'static str,
    name: impl Fn(T) -> String,
) -> Vec<Choice> {
    let choice = |thing| {
        let value = word(thing);
        Choice { value, name: name(thing), is_chosen: value == chosen }
    };
    all.into_iter().map(choice).collect()
}
