//! A line to Postgres that can be cut, as by a database that goes down and comes back.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// Forwards every connection to the server, until it is cut. Needs a Tokio runtime.
pub struct CutLine {
    account: String,
    /// `host:port` of the server.
    server: String,
    database: String,
    address: SocketAddr,
    /// Bound and never listening: while the line is cut the system refuses whoever calls, and
    /// nobody else is given the port.
    _place: TcpSocket,
    whole: Option<Whole>,
}

/// A line that is not cut.
struct Whole {
    cut: oneshot::Sender<()>,
    stalled: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl CutLine {
    /// A line to the server that `url` names, like `postgres://user:password@host:port/database`.
    ///
    /// # Panics
    ///
    /// If `url` is written otherwise, or there is no port to listen on.
    pub fn to(url: &str) -> Self {
        let parts = url.rsplit_once('@').and_then(|(account, place)| {
            let (server, database) = place.split_once('/')?;
            Some([account, server, database].map(ToOwned::to_owned))
        });
        let Some([account, server, database]) = parts else {
            panic!("the URL is not like postgres://user:password@host:port/database");
        };
        let place = bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port of loopback");
        let address = place.local_addr().expect("an address");
        let mut line = Self { account, server, database, address, _place: place, whole: None };
        line.mend();
        line
    }

    /// The URL that leads through the line.
    pub fn url(&self) -> String {
        format!("{}@{}/{}", self.account, self.address, self.database)
    }

    /// Drops every connection, and refuses new ones until the line is mended. Done twice, it is
    /// done once.
    ///
    /// # Panics
    ///
    /// If forwarding has panicked.
    pub async fn cut(&mut self) {
        if let Some(Whole { cut, ended, .. }) = self.whole.take() {
            // It waits for nothing else, so it is there to hear it.
            let _heard = cut.send(());
            ended.await.expect("forwarding ends");
        }
    }

    /// Keeps every connection, accepts new ones, and carries nothing any more, as when packets are
    /// lost on the way. Only a line that is cut first can be mended.
    pub fn stall(&self) {
        if let Some(whole) = &self.whole {
            whole.stalled.send_replace(true);
        }
    }

    /// Forwards again. Done twice, it is done once.
    ///
    /// # Panics
    ///
    /// If the line's own port is not to be had.
    pub fn mend(&mut self) {
        if self.whole.is_none() {
            let listener = bind(self.address).and_then(|socket| socket.listen(BACKLOG));
            let listener = listener.expect("the port that is kept for this");
            let (cut, is_cut) = oneshot::channel();
            let (stalled, is_stalled) = watch::channel(false);
            let ended = tokio::spawn(forward(listener, self.server.clone(), is_cut, is_stalled));
            self.whole = Some(Whole { cut, stalled, ended });
        }
    }
}

/// A socket on `address`, which more than one of us may have: see [`CutLine`]'s place.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn forward(
    listener: TcpListener,
    server: String,
    mut is_cut: oneshot::Receiver<()>,
    is_stalled: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut is_cut => break,
            accepted = listener.accept() => {
                let (near, _) = accepted.expect("a connection");
                connections.spawn(carry(near, server.clone(), is_stalled.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn carry(
    mut near: TcpStream,
    server: String,
    mut is_stalled: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut far = connect(&server).await?;
    near.set_nodelay(true)?;
    let stall = async {
        // The guard that is given must not be kept.
        let _stalled = is_stalled.wait_for(|stalled| *stalled).await.map(drop);
    };
    tokio::select! {
        biased;
        () = stall => std::future::pending().await,
        done = copy_bidirectional(&mut near, &mut far) => done.map(drop),
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own Postgres is no stranger")]
async fn connect(server: &str) -> io::Result<TcpStream> {
    let far = TcpStream::connect(server).await?;
    far.set_nodelay(true)?;
    Ok(far)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_line_carries_until_it_is_cut_and_again_once_it_is_mended() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let mut line = CutLine::to(&format!("postgres://me:secret@{address}/mine"));
        let place = line.address.to_string();
        assert_eq!(line.url(), format!("postgres://me:secret@{place}/mine"));

        let mut near = connect(&place).await.unwrap();
        let (mut far, _) = server.accept().await.unwrap();
        near.write_all(b"ping").await.unwrap();
        let mut heard = [0; 4];
        far.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ping");

        line.cut().await;
        assert!(matches!(near.read(&mut heard).await, Ok(0) | Err(_)));
        let refused = connect(&place).await.map_err(|err| err.kind());
        assert_eq!(refused.err(), Some(io::ErrorKind::ConnectionRefused));

        line.mend();
        connect(&place).await.unwrap();
        server.accept().await.unwrap();
    }
}
