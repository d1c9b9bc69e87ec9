//! Listening: one HTTP/1.1 connection after another, each with deadlines, until told to stop.
//!
//! poem's own server never cuts a client that sends its head a byte at a time, since that needs a
//! timer in hyper which it does not set. TLS ends at the proxy in front, which also speaks HTTP/2
//! to those who want it.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::{
    Addr, Endpoint, Request,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

/// Most connections at once; beyond that, new ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// How long a client may take for the head of a request, and idle before it.
const HEAD: Duration = Duration::from_secs(30);
/// Most bytes of a request's head.
const MAX_HEAD: usize = 32 * 1024;

/// How the API is served.
#[derive(Clone, Debug, Default)]
pub struct HttpConfig {
    /// Where the portal is found, without a slash at the end: links to it begin so.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

/// Serves `endpoint` on `listener` until `stop`; requests under way then get `grace` to end.
///
/// # Errors
///
/// If `listener` has no address.
pub async fn serve<E: Endpoint + 'static>(
    listener: TcpListener,
    endpoint: E,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let local = listener.local_addr()?;
    let (endpoint, connections) = (Arc::new(endpoint), TaskTracker::new());
    let (places, cut) = (Arc::new(Semaphore::new(MAX_CONNECTIONS)), CancellationToken::new());
    while let Some((stream, peer, place)) = stop.run_until_cancelled(next(&listener, &places)).await
    {
        let addresses = (LocalAddr(local.into()), RemoteAddr(Addr::from(peer)));
        let talk = converse(stream, addresses, Arc::clone(&endpoint), stop.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            let _ended = cut.run_until_cancelled(talk).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        warn!(connections = connections.len(), "requests were cut at shutdown");
        cut.cancel();
        connections.wait().await;
    }
    Ok(())
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// The next connection, once there is a place for it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, std::net::SocketAddr, Place) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            // The places are never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(err) => {
                // Out of file descriptors, most likely: trying again at once would only spin.
                warn!(error = &err as &dyn std::error::Error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers the requests of one connection.
async fn converse<E: Endpoint + 'static>(
    stream: TcpStream,
    (local, remote): (LocalAddr, RemoteAddr),
    endpoint: Arc<E>,
    stop: CancellationToken,
) {
    // Answers are written whole; waiting to fill a packet only delays them.
    let _unheeded = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let addresses = (local.clone(), remote.clone());
        let endpoint = Arc::clone(&endpoint);
        async move {
            let (local, remote) = addresses;
            let request = Request::from((request, local, remote, Scheme::HTTP));
            let response = endpoint.get_response(request).await;
            Ok::<_, Infallible>(hyper::Response::from(response))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_header_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(err) = ended {
        debug!(error = &err as &dyn std::error::Error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Served {
        address: std::net::SocketAddr,
        stop: CancellationToken,
        server: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn served<E: Endpoint + 'static>(endpoint: E, grace: Duration) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, endpoint, stop.clone(), grace));
        Served { address, stop, server }
    }

    #[expect(clippy::disallowed_methods, reason = "a test's client dials the test's own server")]
    async fn dial(address: std::net::SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.expect("a connection")
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_after_the_stop() {
        let arrived = Arc::new(tokio::sync::Notify::new());
        let go_on = Arc::new(tokio::sync::Notify::new());
        let (told, wait) = (Arc::clone(&arrived), Arc::clone(&go_on));
        let endpoint = make(move |_| {
            let (told, wait) = (Arc::clone(&told), Arc::clone(&wait));
            async move {
                told.notify_one();
                wait.notified().await;
                "done"
            }
        });
        let served = served(endpoint, Duration::from_secs(30)).await;
        let mut client = dial(served.address).await;
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        arrived.notified().await;

        served.stop.cancel();
        go_on.notify_one();

        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an answer, then the end");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"), "{answer}");
        served.server.await.expect("no panic").expect("ended well");
    }

    #[tokio::test]
    async fn a_request_that_outlasts_the_grace_is_cut() {
        let arrived = Arc::new(tokio::sync::Notify::new());
        let told = Arc::clone(&arrived);
        let endpoint = make(move |_| {
            let told = Arc::clone(&told);
            async move {
                told.notify_one();
                std::future::pending::<&'static str>().await
            }
        });
        let served = served(endpoint, Duration::from_millis(10)).await;
        let mut client = dial(served.address).await;
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        arrived.notified().await;

        served.stop.cancel();

        served.server.await.expect("no panic").expect("ended well");
        let mut answer = Vec::new();
        let _cut = client.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_ends_its_head_is_cut() {
        let served = served(make(|_| async { "fine" }), Duration::from_secs(1)).await;
        let mut client = dial(served.address).await;
        client.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("sent");

        let mut answer = Vec::new();
        let _cut = client.read_to_end(&mut answer).await;

        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        served.stop.cancel();
    }
}
