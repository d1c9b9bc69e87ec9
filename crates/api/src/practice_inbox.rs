//! A page that shows what the practice mail server caught, for demos and scripts.
//!
//! Everything shown was written by whoever sent the mail: it is escaped, the page runs no scripts,
//! and a mail itself is given as an attachment, never rendered. Not part of the API.

use std::{fmt::Write, io, time::Duration};

use letterhead_mailer::practice_server::inbox::{CaughtMail, Inbox};
use poem::{
    Endpoint, EndpointExt, Request, Response, Route,
    endpoint::make_sync,
    get,
    http::{StatusCode, header},
    middleware::SetHeader,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http;

/// Shows `inbox` until `stop`: a page under `/`, a list under `/messages.json`, and each mail byte
/// for byte under `/messages/{id}.eml`.
///
/// # Errors
///
/// If `listener` has no address.
pub async fn serve(listener: TcpListener, inbox: Inbox, stop: CancellationToken) -> io::Result<()> {
    http::serve(listener, routes(inbox), stop, Duration::from_secs(1)).await
}

/// The page, the list and the mails.
pub fn routes(inbox: Inbox) -> impl Endpoint<Output = Response> + 'static {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let headers = SetHeader::new()
        .overriding(header::CONTENT_SECURITY_POLICY, policy)
        .overriding(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .overriding(header::CACHE_CONTROL, "no-store");
    let (pages, lists) = (inbox.clone(), inbox.clone());
    Route::new()
        .at("/", get(make_sync(move |_| show_page(&pages))))
        .at("/messages.json", get(make_sync(move |_| show_list(&lists))))
        .at("/messages/:file", get(make_sync(move |request| show_mail(&inbox, &request))))
        .with(headers)
        .map_to_response()
}

fn show_page(inbox: &Inbox) -> Response {
    let mut rows = String::new();
    for mail in inbox.list() {
        row(&mut rows, &mail);
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=\"6\">Nothing was caught yet.</td></tr>");
    }
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Practice inbox</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}}\
         table{{border-collapse:collapse;width:100%}}\
         th,td{{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ccc;\
         overflow-wrap:anywhere;vertical-align:top}}</style></head><body>\
         <h1>Practice inbox</h1><p>Mail that the practice server caught, newest first. \
         Nothing of it was delivered to anybody. Reload the page to see what is new.</p>\
         <table><thead><tr><th>Time</th><th>From</th><th>To</th><th>Subject</th><th>Bytes</th>\
         <th></th></tr></thead><tbody>{rows}</tbody></table></body></html>"
    );
    Response::builder().content_type("text/html; charset=utf-8").body(html)
}

fn row(html: &mut String, mail: &CaughtMail) {
    let subject = mail.subject().unwrap_or_default();
    // Writing to a string cannot fail.
    let _written = write!(
        html,
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td><a href=\"/messages/{}.eml\">mail</a></td></tr>",
        mail.received_at.format("%Y-%m-%d %H:%M:%S"),
        escaped(&mail.mail_from),
        escaped(&mail.rcpt_to.join(", ")),
        escaped(&subject),
        mail.bytes.len(),
        mail.id,
    );
}

/// `text` as it may stand in HTML, between tags or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

fn show_list(inbox: &Inbox) -> Response {
    let mails = inbox.list();
    let mails = mails.iter().map(|mail| {
        json!({
            "id": mail.id,
            "received_at": mail.received_at.to_rfc3339(),
            "mail_from": mail.mail_from,
            "rcpt_to": mail.rcpt_to,
            "subject": mail.subject(),
            "message_id": mail.message_id(),
            "size": mail.bytes.len(),
            "tls": mail.tls,
            "username": mail.username,
        })
    });
    let list = mails.collect::<serde_json::Value>().to_string();
    Response::builder().content_type("application/json").body(list)
}

fn show_mail(inbox: &Inbox, request: &Request) -> Response {
    let file = request.raw_path_param("file").unwrap_or_default();
    let id = file.strip_suffix(".eml").and_then(|id| id.parse().ok());
    match id.and_then(|id| inbox.find(id)) {
        Some(mail) => Response::builder()
            .content_type("message/rfc822")
            .header(
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}.eml\"", mail.id),
            )
            .body(mail.bytes.clone()),
        None => Response::builder().status(StatusCode::NOT_FOUND).body("There is no such mail.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_is_escaped() {
        let mail = CaughtMail {
            id: 3,
            received_at: chrono::DateTime::UNIX_EPOCH,
            mail_from: "\"<script>\"@example.net".to_owned(),
            rcpt_to: vec!["a&b@example.net".to_owned()],
            mail_parameters: Vec::new(),
            username: None,
            tls: true,
            connection: 1,
            bytes: b"Subject: <b onload='x'>\r\n\r\nhello".to_vec(),
        };

        let mut html = String::new();
        row(&mut html, &mail);

        assert_eq!(
            html,
            "<tr><td>1970-01-01 00:00:00</td><td>&quot;&lt;script&gt;&quot;@example.net</td>\
             <td>a&amp;b@example.net</td><td>&lt;b onload=&#39;x&#39;&gt;</td><td>32</td>\
             <td><a href=\"/messages/3.eml\">mail</a></td></tr>",
        );
    }
}
