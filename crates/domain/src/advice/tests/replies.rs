use super::*;

/// A reply of `replies.txt`.
pub(super) struct Example {
    pub(super) settings: SmtpSettings,
    pub(super) stage: Stage,
    pub(super) reply: Reply,
    pub(super) code: &'static str,
}

impl Example {
    pub(super) fn advice(&self) -> Advice {
        advice(&self.settings, self.stage, Cause::Refused(self.reply.clone()))
    }
}

/// The replies of `replies.txt`.
pub(super) fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = include_str!("../replies.txt").lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (host, stage, code) = (word(), word(), word());
        let mut settings = settings(host);
        if let Some(username) = word().strip_prefix("user=") {
            settings.auth = Auth::Password { username: username.parse().unwrap() };
        }
        let said = std::iter::from_fn(|| lines.next_if(|line| line.starts_with("    ")));
        let said: Vec<_> = said.map(str::trim_start).collect();
        examples.push(Example {
            settings,
            stage: stage.parse().unwrap(),
            reply: reply(&said.join("\n")),
            code,
        });
    }
    examples
}

#[test]
fn each_reply_leads_to_its_advice() {
    for example in examples() {
        let Example { settings, stage, reply, code } = &example;

        assert_eq!(example.advice().code, *code, "{} {stage:?} {reply}", settings.host);
    }
}

#[test]
fn a_limit_that_is_spent_is_not_taken_for_a_refusal_and_nobody_is_told_to_change_anything() {
    for example in examples().iter().filter(|example| example.code == "quota_spent") {
        let first = example.advice().steps[0];

        assert!(first.contains("Change nothing") || first.contains("renewed"), "{first}");
    }
}

#[test]
fn gmails_two_refusals_lead_to_the_same_guide_by_different_words() {
    let told =
        |lines| advice(&settings("smtp.gmail.com"), Stage::Auth, Cause::Refused(reply(lines)));

    let ordinary = told("534 5.7.9 Application-specific password required");
    let wrong = told("535 5.7.8 Username and Password not accepted");

    assert_eq!((ordinary.guide, wrong.guide), (Some("gmail"), Some("gmail")));
    assert_ne!(ordinary.title, wrong.title);
}

#[test]
fn nothing_a_server_says_is_in_what_is_told() {
    let hostile = "550 5.7.60 <script>alert(1)</script> call +1 900 555 to mend it, SendAsDenied";
    for host in hosts() {
        for &stage in Stage::ALL {
            let told = advice(&settings(host), stage, Cause::Refused(reply(hostile)));
            let texts = format!("{told:?}");
            assert!(!texts.contains("script") && !texts.contains("900"), "{texts}");
        }
    }
}
