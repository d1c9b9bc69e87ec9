//! The commands of RFC 5321, read strictly: what a lenient server forgives shows here.

/// The first word of a command, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the commands of SMTP")]
pub enum Verb {
    Ehlo,
    Helo,
    Starttls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Quit,
    /// Anything else.
    Other,
}

impl Verb {
    /// Every verb, in the order of the declaration.
    pub const ALL: &[Self] = &[
        Self::Ehlo,
        Self::Helo,
        Self::Starttls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Bdat,
        Self::Rset,
        Self::Noop,
        Self::Vrfy,
        Self::Quit,
        Self::Other,
    ];

    /// The verb that `line` begins with, in any case.
    pub(super) fn of(line: &str) -> Self {
        let word = line.split(' ').next().unwrap_or_default();
        match word.to_ascii_uppercase().as_str() {
            "EHLO" => Self::Ehlo,
            "HELO" => Self::Helo,
            "STARTTLS" => Self::Starttls,
            "AUTH" => Self::Auth,
            "MAIL" => Self::Mail,
            "RCPT" => Self::Rcpt,
            "DATA" => Self::Data,
            "BDAT" => Self::Bdat,
            "RSET" => Self::Rset,
            "NOOP" => Self::Noop,
            "VRFY" => Self::Vrfy,
            "QUIT" => Self::Quit,
            _ => Self::Other,
        }
    }
}

/// A command that keeps to the grammar.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Ehlo,
    Helo,
    Starttls,
    Auth { mechanism: &'a str, initial: Option<&'a str> },
    Mail(Mail<'a>),
    Rcpt { address: &'a str },
    Data,
    Bdat { bytes: usize, is_last: bool },
    Rset,
    Noop,
    Vrfy,
    Quit,
}

/// `MAIL FROM:<address> parameters`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail<'a> {
    /// Empty for the null sender.
    pub(super) address: &'a str,
    pub(super) parameters: Vec<&'a str>,
    pub(super) size: usize,
    pub(super) eight_bit: bool,
    pub(super) utf8: bool,
}

const UNKNOWN: &str = "500 5.5.2 Command not known";
const NO_ARGUMENT: &str = "501 5.5.4 This command takes no argument";
const BAD_ARGUMENT: &str = "501 5.5.4 Argument missing or malformed";
const BAD_SENDER: &str = "501 5.1.7 Sender address malformed";
const BAD_RECIPIENT: &str = "501 5.1.3 Recipient address malformed";
const BAD_PARAMETER: &str = "555 5.5.4 Parameter not known";

/// Reads a command line without its line end.
///
/// # Errors
///
/// The reply to give to a line that does not keep to the grammar.
pub(super) fn parse(line: &str) -> Result<Command<'_>, &'static str> {
    if line.chars().any(char::is_control) {
        return Err(UNKNOWN);
    }
    let argument = line.split_once(' ').map(|(_, argument)| argument);
    let alone = |command| if argument.is_none() { Ok(command) } else { Err(NO_ARGUMENT) };
    match Verb::of(line) {
        Verb::Ehlo => hello_name(argument).map(|()| Command::Ehlo),
        Verb::Helo => hello_name(argument).map(|()| Command::Helo),
        Verb::Starttls => alone(Command::Starttls),
        Verb::Auth => auth(argument),
        Verb::Mail => mail(argument).map(Command::Mail),
        Verb::Rcpt => rcpt(argument),
        Verb::Data => alone(Command::Data),
        Verb::Bdat => bdat(argument),
        Verb::Rset => alone(Command::Rset),
        Verb::Noop => Ok(Command::Noop),
        Verb::Vrfy => argument.map(|_| Command::Vrfy).ok_or(BAD_ARGUMENT),
        Verb::Quit => alone(Command::Quit),
        Verb::Other => Err(UNKNOWN),
    }
}

/// A domain or an address literal, as RFC 5321 wants after EHLO.
fn hello_name(argument: Option<&str>) -> Result<(), &'static str> {
    let name = argument.ok_or(BAD_ARGUMENT)?;
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fine = match literal {
        Some(inner) => {
            let address = inner.strip_prefix("IPv6:").unwrap_or(inner);
            address.parse::<std::net::IpAddr>().is_ok()
        }
        None => is_domain(name),
    };
    if fine { Ok(()) } else { Err(BAD_ARGUMENT) }
}

fn auth(argument: Option<&str>) -> Result<Command<'_>, &'static str> {
    let mut words = argument.ok_or(BAD_ARGUMENT)?.split(' ');
    let mechanism = words.next().filter(|word| !word.is_empty()).ok_or(BAD_ARGUMENT)?;
    let initial = words.next();
    if words.next().is_some() || initial == Some("") {
        return Err(BAD_ARGUMENT);
    }
    Ok(Command::Auth { mechanism, initial })
}

fn mail(argument: Option<&str>) -> Result<Mail<'_>, &'static str> {
    let (address, rest) = path(argument, "FROM:").ok_or(BAD_SENDER)?;
    if !(address.is_empty() || is_address(address)) {
        return Err(BAD_SENDER);
    }
    let mut mail = Mail { address, ..Mail::default() };
    for parameter in rest {
        mail.parameters.push(parameter);
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", size) => mail.size = size.parse().map_err(|_| BAD_ARGUMENT)?,
            ("BODY", "8BITMIME") => mail.eight_bit = true,
            ("BODY", "7BIT") => mail.eight_bit = false,
            ("SMTPUTF8", "") => mail.utf8 = true,
            // RFC 4954: who is responsible for the message; any word will do.
            ("AUTH", who) if !who.is_empty() => {}
            _ => return Err(BAD_PARAMETER),
        }
    }
    Ok(mail)
}

fn rcpt(argument: Option<&str>) -> Result<Command<'_>, &'static str> {
    let (address, mut parameters) = path(argument, "TO:").ok_or(BAD_RECIPIENT)?;
    if !(is_address(address) || address.eq_ignore_ascii_case("postmaster")) {
        return Err(BAD_RECIPIENT);
    }
    if parameters.next().is_some() {
        return Err(BAD_PARAMETER);
    }
    Ok(Command::Rcpt { address })
}

/// The size of a chunk, and whether it is the last of its message (RFC 3030).
fn bdat(argument: Option<&str>) -> Result<Command<'_>, &'static str> {
    let argument = argument.ok_or(BAD_ARGUMENT)?;
    let (size, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let bytes = size.parse().map_err(|_| BAD_ARGUMENT)?;
    match rest.to_ascii_uppercase().as_str() {
        "" => Ok(Command::Bdat { bytes, is_last: false }),
        "LAST" => Ok(Command::Bdat { bytes, is_last: true }),
        _ => Err(BAD_ARGUMENT),
    }
}

/// Splits `FROM:<address> a b` into the address and the words after it.
fn path<'a>(
    argument: Option<&'a str>,
    keyword: &str,
) -> Option<(&'a str, impl Iterator<Item = &'a str>)> {
    let argument = argument?;
    if !argument.get(..keyword.len())?.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, rest) = argument.get(keyword.len()..)?.strip_prefix('<')?.split_once('>')?;
    let fine = rest.is_empty() || rest.starts_with(' ') && !rest.contains("  ");
    fine.then(|| (address, rest.split(' ').skip(1)))
}

/// A mailbox without quoting, comments or source route, in the bounds of RFC 5321.
fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let local_fine = local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    local_fine && local.len() <= 64 && is_domain(domain) && address.len() <= 254
}

fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || c == '-' || c == '_';
        (1..=63).contains(&label.len())
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_verbs_is_the_order_of_their_counters() {
        for (index, verb) in Verb::ALL.iter().enumerate() {
            assert_eq!(*verb as usize, index);
        }
    }

    #[test]
    fn commands_are_read_in_any_case() {
        assert_eq!(parse("ehlo host.example"), Ok(Command::Ehlo));
        assert_eq!(parse("EHLO [127.0.0.1]"), Ok(Command::Ehlo));
        assert_eq!(parse("EHLO [IPv6:::1]"), Ok(Command::Ehlo));
        assert_eq!(parse("rcpt to:<a@b.example>"), Ok(Command::Rcpt { address: "a@b.example" }));
        assert_eq!(
            parse("AUTH PLAIN AGE="),
            Ok(Command::Auth { mechanism: "PLAIN", initial: Some("AGE=") })
        );
        assert_eq!(
            parse("MAIL FROM:<ä@b.example> SIZE=12 BODY=8BITMIME SMTPUTF8"),
            Ok(Command::Mail(Mail {
                address: "ä@b.example",
                parameters: vec!["SIZE=12", "BODY=8BITMIME", "SMTPUTF8"],
                size: 12,
                eight_bit: true,
                utf8: true,
            }))
        );
        assert_eq!(parse("MAIL FROM:<>"), Ok(Command::Mail(Mail::default())));
    }

    #[test]
    fn what_breaks_the_grammar_is_refused() {
        let cases = [
            ("", UNKNOWN),
            ("HELP", UNKNOWN),
            ("NOOP\0", UNKNOWN),
            ("DATA now", NO_ARGUMENT),
            ("EHLO", BAD_ARGUMENT),
            ("EHLO two words", BAD_ARGUMENT),
            ("EHLO [no address]", BAD_ARGUMENT),
            ("AUTH", BAD_ARGUMENT),
            ("AUTH PLAIN a b", BAD_ARGUMENT),
            ("MAIL FROM: <a@b.example>", BAD_SENDER),
            ("MAIL FROM:a@b.example", BAD_SENDER),
            ("MAIL FROM:<a b@c.example>", BAD_SENDER),
            ("MAIL FROM:<@x,@y:a@b.example>", BAD_SENDER),
            ("MAIL FROM:<a@b.example>SIZE=1", BAD_SENDER),
            ("MAIL FROM:<a@b.example> SIZE=many", BAD_ARGUMENT),
            ("MAIL FROM:<a@b.example> RET=FULL", BAD_PARAMETER),
            ("RCPT TO:<>", BAD_RECIPIENT),
            ("RCPT TO:<a..b@c.example>", BAD_RECIPIENT),
            ("RCPT TO:<a@b.example> NOTIFY=NEVER", BAD_PARAMETER),
            ("VRFY", BAD_ARGUMENT),
        ];
        for (line, reply) in cases {
            assert_eq!(parse(line), Err(reply), "{line}");
        }
    }
}
