//! Who did something, in words, from how the audit names them.

use super::texts::Texts;

/// Who `actor` is to a reader: a person by their address, a program by what it is.
pub(crate) fn in_words(t: Texts, actor: &str) -> String {
    let (kind, who) = actor.split_once(':').unwrap_or((actor, ""));
    match kind {
        "person" => who.to_owned(),
        "operator" => t.with("actor-operator", [("email", who)]),
        "operator-key" => t.say("actor-operator-key"),
        "api-key" => t.say("actor-api-key"),
        "console" => t.say("actor-console"),
        "letterhead" => t.say("actor-service"),
        _ => actor.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_by_their_address_and_a_program_by_what_it_is() {
        let cases = [
            ("person:ann@aurora.example", "ann@aurora.example"),
            ("operator:bob@saas.example", "bob@saas.example (operator)"),
            ("console", "the operator, at the command line"),
            ("api-key:0190", "your program (API key)"),
            ("letterhead", "this service"),
            ("something new", "something new"),
        ];
        for (actor, expected) in cases {
            assert_eq!(in_words(Texts::english(), actor), expected);
        }
    }
}
