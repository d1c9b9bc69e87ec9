//! A name server on the loopback, over UDP and TCP, that knows the zone a test gives it.
//!
//! Names may misbehave as names of strangers do, see [`Behaviour`]. A name that the zone does not
//! have does not exist; one that has records of other kinds exists without any of this kind. For
//! tests only: whatever goes wrong here panics.

#![expect(clippy::expect_used, reason = "only tests use this, and a test ends by panicking")]

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use hickory_proto::op::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
};

mod answer;
mod zone;

pub use zone::{Behaviour, Zone};

/// Longest answer over UDP without extensions (RFC 1035, section 4.2.1).
const UDP_LIMIT: usize = 512;

/// A name server that answers as long as it lives.
pub struct DnsServer {
    address: SocketAddr,
    state: Arc<State>,
    tasks: Vec<JoinHandle<()>>,
}

struct State {
    zone: Zone,
    asked: Mutex<HashMap<String, usize>>,
}

impl DnsServer {
    /// Starts one that knows `zone`.
    ///
    /// # Panics
    ///
    /// If there is no port that is free for both UDP and TCP.
    pub async fn start(zone: Zone) -> Self {
        let (udp, tcp) = sockets().await;
        let address = tcp.local_addr().expect("the socket is bound");
        let state = Arc::new(State { zone, asked: Mutex::default() });
        let tasks = vec![
            tokio::spawn(serve_udp(udp, Arc::clone(&state))),
            tokio::spawn(serve_tcp(tcp, Arc::clone(&state))),
        ];
        Self { address, state, tasks }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many questions came so far about `name`, of any kind.
    ///
    /// # Panics
    ///
    /// If a task of the server panicked.
    pub fn questions(&self, name: &str) -> usize {
        self.state.asked.lock().expect("no task panicked").get(name).copied().unwrap_or_default()
    }

    /// Every name that was asked for so far, in alphabetical order.
    ///
    /// # Panics
    ///
    /// If a task of the server panicked.
    pub fn names_asked(&self) -> Vec<String> {
        let asked = self.state.asked.lock().expect("no task panicked");
        let mut names: Vec<_> = asked.keys().cloned().collect();
        names.sort_unstable();
        names
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl State {
    /// What to answer to `question`; nothing if the name keeps silent.
    fn answer(&self, question: &[u8], limit: usize) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        let name = answer::name_of(&question)?;
        let mut asked = self.asked.lock().expect("no task panicked");
        let times = asked.entry(name.clone()).or_default();
        *times += 1;
        answer::compose(&self.zone, &question, &name, *times, limit)
    }
}

async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..20 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a listener");
        let address = tcp.local_addr().expect("the socket is bound");
        if let Ok(udp) = UdpSocket::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP")
}

async fn serve_udp(socket: UdpSocket, state: Arc<State>) {
    let mut question = [0; UDP_LIMIT * 4];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut question).await else { continue };
        if let Some(answer) = state.answer(&question[..length], UDP_LIMIT) {
            // A client that gave up is no failure.
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, Arc::clone(&state)));
    }
}

/// Answers question after question until the client leaves (RFC 7766).
async fn converse(mut stream: TcpStream, state: Arc<State>) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; usize::from(length)];
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        let Some(answer) = state.answer(&question, usize::from(u16::MAX)) else { continue };
        let length = u16::try_from(answer.len()).expect("an answer fits its length field");
        let framed = [&length.to_be_bytes()[..], &answer].concat();
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}
