//! Fetching a small document over HTTPS from a stranger.

use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use letterhead_domain::{smtp_host::SmtpHost, smtp_port::SmtpPort, test_run::Cause};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::client::TlsStream;

use crate::{
    egress::{AUTOCONFIG_PORT, AdmitError, Purpose},
    opening::Opener,
};

/// Longest document, in bytes. Real ones have about two thousand.
const MAX_BODY: usize = 64 * 1024;
/// Longest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// Most header fields.
const MAX_FIELDS: usize = 64;
/// How often an answer may point elsewhere.
const MAX_REDIRECTS: usize = 3;
/// The port that an https address means when it names none.
const HTTPS: u16 = AUTOCONFIG_PORT;

/// Where a document is looked for.
pub(super) struct Place {
    pub(super) host: SmtpHost,
    pub(super) port: SmtpPort,
    /// Path and query.
    pub(super) path: String,
}

/// What came of it.
pub(super) enum Fetched {
    Document(Vec<u8>),
    /// There is none, or it may not be fetched, or what came is not what was asked for.
    Nothing,
    /// Nobody answered in time.
    Unanswered,
}

enum Answer {
    Document(Vec<u8>),
    Elsewhere(Place),
}

/// Fetches the document at `place`, or where that points to, until `deadline`. Every step goes
/// through the egress guard and over verified TLS.
pub(super) async fn fetch(opener: &Opener, mut place: Place, deadline: Instant) -> Fetched {
    for _ in 0..=MAX_REDIRECTS {
        let asked = timeout_at(deadline, ask(opener, &place, deadline));
        match asked.await {
            Ok(Ok(Answer::Document(bytes))) => return Fetched::Document(bytes),
            Ok(Ok(Answer::Elsewhere(next))) => place = next,
            Ok(Err(nothing)) => return nothing,
            Err(_) => return Fetched::Unanswered,
        }
    }
    Fetched::Nothing
}

async fn ask(opener: &Opener, place: &Place, deadline: Instant) -> Result<Answer, Fetched> {
    let peer = match opener.guard.admit(&place.host, place.port, Purpose::Autoconfig).await {
        Ok(peer) => peer,
        Err(AdmitError::Denied | AdmitError::UnknownHost) => return Err(Fetched::Nothing),
        Err(AdmitError::ResolverFailed) => return Err(Fetched::Unanswered),
    };
    let tcp = peer.dial(deadline).await.map_err(|cause| {
        if cause == Cause::TimedOut { Fetched::Unanswered } else { Fetched::Nothing }
    })?;
    let shaken = opener.trust.handshake(&place.host, tcp, deadline).await;
    let (tls, _) = shaken.map_err(|_| Fetched::Nothing)?;
    let found = exchange(tls, place).await;
    found.ok().flatten().ok_or(Fetched::Nothing)
}

/// One request and its answer; nothing if the answer is neither a document nor a way to one.
async fn exchange(
    tls: TlsStream<TcpStream>,
    place: &Place,
) -> Result<Option<Answer>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .handshake(TokioIo::new(tls))
        .await?;
    let authority = match place.port.get() {
        HTTPS => place.host.to_string(),
        port => format!("{}:{port}", place.host),
    };
    let request = Request::get(&place.path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, "Letterhead")
        .header(header::ACCEPT, "application/xml, text/xml")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answered = async {
        let response = sender.send_request(request).await?;
        if response.status().is_redirection() {
            return Ok(elsewhere(&response, place).map(Answer::Elsewhere));
        }
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await?;
        Ok(Some(Answer::Document(body.to_bytes().to_vec())))
    };
    // The connection only moves when it is asked to; it may end before the answer is read.
    match select(Box::pin(answered), Box::pin(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, answered)) => answered.await,
    }
}

/// Where a redirection points to: over https alone, to a host by name, or to another path here.
fn elsewhere(response: &Response<Incoming>, place: &Place) -> Option<Place> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let target: Uri = location.parse().ok()?;
    let path = target.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let Some(authority) = target.authority() else {
        let is_path = location.starts_with('/') && !location.starts_with("//");
        return is_path.then(|| Place { host: place.host.clone(), port: place.port, path });
    };
    if target.scheme_str() != Some("https") || authority.as_str().contains('@') {
        return None;
    }
    let host: SmtpHost = authority.host().parse().ok()?;
    let port = SmtpPort::try_from(authority.port_u16().unwrap_or(HTTPS)).ok()?;
    host.address().is_none().then_some(Place { host, port, path })
}
