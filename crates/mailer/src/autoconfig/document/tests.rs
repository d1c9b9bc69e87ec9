use super::*;

fn file(servers: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <clientConfig version="1.1"><emailProvider id="aurora.example">
            <domain>aurora.example</domain>
            <incomingServer type="imap"><hostname>imap.aurora.example</hostname></incomingServer>
            {servers}
        </emailProvider></clientConfig>"#
    )
}

fn server(socket: &str, rest: &str) -> String {
    format!(
        r#"<outgoingServer type="smtp"><hostname>smtp.aurora.example</hostname>
        <port>465</port><socketType>{socket}</socketType>{rest}</outgoingServer>"#
    )
}

const PASSWORD: &str = "<authentication>password-cleartext</authentication>";

fn published(encryption: Encryption, sign_in: &[SignInKind]) -> PublishedServer {
    PublishedServer {
        host: "smtp.aurora.example".to_owned(),
        port: 465,
        encryption,
        username: None,
        sign_in: sign_in.to_vec(),
    }
}

#[test]
fn servers_that_could_be_used_are_read_and_others_left_out() {
    let password = &[SignInKind::Password];
    let tls = published(Encryption::ImplicitTls, password);
    let named = PublishedServer { username: Some("%EMAILADDRESS%".to_owned()), ..tls.clone() };
    let both = &[SignInKind::Oauth2, SignInKind::Password];
    let cases = [
        ("TLS", server("SSL", PASSWORD), vec![tls.clone()]),
        ("STARTTLS", server("STARTTLS", PASSWORD), vec![published(Encryption::Starttls, password)]),
        (
            "a user name",
            server("SSL", &format!("{PASSWORD}<username> %EMAILADDRESS%\n</username>")),
            vec![named],
        ),
        (
            "two ways to sign in",
            server("SSL", &format!("<authentication>OAuth2</authentication>{PASSWORD}")),
            vec![published(Encryption::ImplicitTls, both)],
        ),
        (
            "a token only",
            server("SSL", "<authentication>OAuth2</authentication>"),
            vec![published(Encryption::ImplicitTls, &[SignInKind::Oauth2])],
        ),
        ("the older word", server("SSL", "<authentication>plain</authentication>"), vec![tls]),
        ("clear text", server("plain", PASSWORD), vec![]),
        ("no encryption named", server("", PASSWORD), vec![]),
        ("no sign-in", server("SSL", ""), vec![]),
        ("by address", server("SSL", "<authentication>client-IP-address</authentication>"), vec![]),
        ("another protocol", server("SSL", PASSWORD).replace("\"smtp\"", "\"jmap\""), vec![]),
        ("no port", server("SSL", PASSWORD).replace("465", "no"), vec![]),
        ("too high a port", server("SSL", PASSWORD).replace("465", "65536"), vec![]),
    ];
    for (case, servers, expected) in cases {
        assert_eq!(parse(file(&servers).as_bytes()), Some(expected), "{case}");
    }
}

#[test]
fn no_more_servers_are_read_than_anybody_has() {
    let many = server("SSL", PASSWORD).repeat(20);

    let servers = parse(file(&many).as_bytes()).unwrap();

    assert_eq!(servers.len(), MAX_SERVERS);
}

#[test]
fn a_reference_stands_for_its_character_and_for_nothing_else() {
    let user = |text: &str| file(&server("SSL", &format!("{PASSWORD}<username>{text}</username>")));
    let name = |text: &str| parse(user(text).as_bytes()).map(|it| it[0].username.clone());

    assert_eq!(name("a&amp;b&#64;c"), Some(Some("a&b@c".to_owned())));
    assert_eq!(name("<![CDATA[a&b]]>"), Some(Some("a&b".to_owned())));
    assert_eq!(name("a&lol;b"), None);
    assert_eq!(name("a&#0;b"), None);
}

#[test]
fn what_is_no_settings_file_is_refused_whole() {
    let good = file(&server("SSL", PASSWORD));
    let doctype = "<!DOCTYPE x [<!ENTITY lol \"lol\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let deep = "<x>".repeat(MAX_DEPTH) + &"</x>".repeat(MAX_DEPTH);
    let cases: [(&str, Vec<u8>); 8] = [
        ("entities", good.replace("<clientConfig", &format!("{doctype}<clientConfig")).into()),
        ("deep nesting", file(&format!("{deep}{}", server("SSL", PASSWORD))).into()),
        ("half a file", good[..good.len() - 20].into()),
        ("wrong ends", good.replace("</emailProvider>", "</provider>").into()),
        ("no XML", b"{\"smtp\": 465}<".to_vec()),
        ("no UTF-8", [good.as_bytes(), &[0xff]].concat()),
        ("a long text", file(&format!("<displayName>{}</displayName>", "x".repeat(2000))).into()),
        ("an HTML page", b"<!DOCTYPE html><html><body><p>Not found<br></body></html>".to_vec()),
    ];
    for (case, bytes) in cases {
        assert_eq!(parse(&bytes), None, "{case}");
    }
}
