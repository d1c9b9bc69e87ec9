//! lettre's own pooled transport: the library that Letterhead stands on, used as its users do.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    transport::smtp::{
        PoolConfig,
        client::{Certificate, Tls, TlsParameters},
    },
};
use tokio::task::JoinSet;

use crate::{
    letterhead,
    player::{Player, Server},
};

/// A pool, and what it sends.
pub(crate) struct Lettre {
    pool: AsyncSmtpTransport<Tokio1Executor>,
    mail: Arc<Vec<u8>>,
    envelope: Envelope,
    sessions: usize,
}

/// A pool of `sessions` connections, which as many tasks use.
#[expect(clippy::disallowed_methods, reason = "the pool that we are compared with")]
pub(crate) fn prepare(server: &Server, sessions: usize) -> io::Result<Lettre> {
    let size = u32::try_from(sessions).map_err(io::Error::other)?;
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
        .port(server.port)
        .pool_config(PoolConfig::new().max_size(size));
    if let Some(file) = &server.ca_file {
        let pem = std::fs::read(file)?;
        let tls = TlsParameters::builder("localhost".to_owned())
            .add_root_certificate(Certificate::from_pem(&pem).map_err(io::Error::other)?)
            .build_rustls()
            .map_err(io::Error::other)?;
        builder = builder.tls(Tls::Required(tls));
    }
    let address = |text: &str| text.parse().map_err(io::Error::other);
    let (from, to) = (address("billing@aurora.example")?, address("ann@example.net")?);
    let envelope = Envelope::new(Some(from), vec![to]).map_err(io::Error::other)?;
    let mail = Arc::new(letterhead::mail()?.to_bytes());
    Ok(Lettre { pool: builder.build(), mail, envelope, sessions })
}

impl Player for Lettre {
    async fn send(&self, count: usize) -> io::Result<()> {
        let taken = Arc::new(AtomicUsize::new(0));
        let mut tasks: JoinSet<io::Result<()>> = JoinSet::new();
        for _ in 0..self.sessions {
            let (pool, mail) = (self.pool.clone(), Arc::clone(&self.mail));
            let (envelope, taken) = (self.envelope.clone(), Arc::clone(&taken));
            tasks.spawn(async move {
                while taken.fetch_add(1, Ordering::Relaxed) < count {
                    pool.send_raw(&envelope, &mail).await.map_err(io::Error::other)?;
                }
                Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(io::Error::other)??;
        }
        Ok(())
    }
}
