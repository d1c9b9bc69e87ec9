//! How names are held against the catalogue's entries. Everything goes by whole labels: what only
//! looks alike is somebody else's.

/// Whether `host` is `entry`, in which a `*` stands for exactly one label.
pub(super) fn host_matches(entry: &str, host: &str) -> bool {
    let (wanted, given) = (entry.split('.'), host.split('.'));
    wanted.clone().count() == given.clone().count()
        && wanted
            .zip(given)
            .all(|(wanted, given)| if wanted == "*" { is_label(given) } else { wanted == given })
}

fn is_label(given: &str) -> bool {
    !given.is_empty() && given.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// How well `domain` fits `entry`: one that is written out beats one with a `*`, which at the end
/// stands for an ending such as `com`, `fr` or `co.uk`. Longer endings are somebody else's names.
pub(super) fn email_domain_match(entry: &str, domain: &str) -> Option<usize> {
    if !entry.contains('*') {
        return (entry == domain).then_some(usize::MAX);
    }
    let fits = match entry.strip_suffix(".*") {
        Some(name) => has_short_ending(domain, name),
        None => host_matches(entry, domain),
    };
    fits.then_some(entry.len())
}

fn has_short_ending(domain: &str, name: &str) -> bool {
    let ending = domain.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let is_short = |label: &str| {
        (2..=3).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphabetic())
    };
    ending.is_some_and(|it| it.split('.').count() <= 2 && it.split('.').all(is_short))
}

/// How well `host` fits `suffix`, which it is or lies below: a longer one beats a shorter.
pub(super) fn suffix_match(suffix: &str, host: &str) -> Option<usize> {
    let before = host.strip_suffix(suffix)?;
    (before.is_empty() || before.ends_with('.')).then_some(suffix.len())
}
