//! Clients as cheap as can be: a connection each, kept, one request at a time, as bytes made beforehand.

use std::{
    net::SocketAddr,
    process,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    Failure,
    machine::{Busy, Meter},
};

/// One measurement.
pub(crate) struct Sample {
    /// Requests, or rows.
    pub(crate) per_second: f64,
    pub(crate) busy: Busy,
}

/// Clients at once.
pub(crate) const CLIENTS: usize = 32;

/// A request as it goes over the wire.
#[derive(Clone)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// A request for `path`.
    pub(crate) fn get(path: &str, key: &str) -> Self {
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\r\n");
        Self(head.into_bytes())
    }

    /// A request with a body.
    pub(crate) fn post(path: &str, key: &str, body: &Value) -> Self {
        Self::send("POST", path, key, body)
    }

    /// A request by any method.
    pub(crate) fn send(method: &str, path: &str, key: &str, body: &Value) -> Self {
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self([head.as_bytes(), body.as_bytes()].concat())
    }
}

/// What the clients do; each takes the requests in turn.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) requests: &'a [Request],
    pub(crate) expect: u16,
}

impl Load<'_> {
    /// Asks for `seconds`, after a moment that is not counted. `server` is the process that answers.
    pub(crate) async fn run(&self, seconds: u32, server: u32) -> Result<Sample, Failure> {
        let begins = Instant::now() + Duration::from_millis(500);
        let ends = begins + Duration::from_secs(u64::from(seconds));
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let mut requests = self.requests.to_vec();
            requests.rotate_left(number % self.requests.len());
            let (address, expect) = (self.address, self.expect);
            clients.spawn(async move { client(address, requests, expect, begins, ends).await });
        }
        tokio::time::sleep_until(begins.into()).await;
        let meter = Meter::start(&[server, process::id()])?;
        let mut answered = 0;
        while let Some(done) = clients.join_next().await {
            answered += done??;
        }
        let took = begins.elapsed().as_secs_f64();
        Ok(Sample { per_second: f64::from(answered) / took, busy: meter.read()? })
    }
}

async fn client(
    address: SocketAddr,
    requests: Vec<Request>,
    expect: u16,
    begins: Instant,
    ends: Instant,
) -> Result<u32, Failure> {
    let mut connection = Connection::open(address).await?;
    let mut answered = 0;
    for request in requests.iter().cycle() {
        let status = connection.ask(request).await?.0;
        if status != expect {
            return Err(format!("answered {status}, not {expect}").into());
        }
        let now = Instant::now();
        if now >= ends {
            break;
        }
        answered += u32::from(now >= begins);
    }
    Ok(answered)
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        #[expect(clippy::disallowed_methods, reason = "to a process of this bench, on loopback")]
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: vec![0; 256 * 1024] })
    }

    /// Asks, and gives the answer's status and body, which must come with its length.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<(u16, Vec<u8>), Failure> {
        self.stream.write_all(&request.0).await?;
        let mut filled = 0;
        loop {
            match self.stream.read(&mut self.read[filled..]).await? {
                0 => return Err("the connection was closed".into()),
                read => filled += read,
            }
            if let Some((status, from, to)) = answer(&self.read[..filled])?
                && filled >= to
            {
                return Ok((status, self.read[from..to].to_vec()));
            }
        }
    }
}

/// Status, and where the body is, once the head is there.
fn answer(read: &[u8]) -> Result<Option<(u16, usize, usize)>, Failure> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&read[..end])?;
    let status = head.get(9..12).ok_or("no status")?.parse()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    let length: usize = length.ok_or("an answer without its length")?.parse()?;
    Ok(Some((status, end + 4, end + 4 + length)))
}
