//! The conversation with whoever measures: a line with a number comes in, so many messages are
//! sent, and a line with the seconds that it took goes out.

use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
    time::Instant,
};

/// Where to send, always on this machine.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The authority of its certificate; without one there is no TLS.
    pub(crate) ca_file: Option<PathBuf>,
}

/// Who sends.
pub(crate) trait Player {
    /// Sends `count` messages.
    async fn send(&self, count: usize) -> io::Result<()>;
}

/// Plays until nobody asks any more.
pub(crate) async fn play(player: impl Player) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "ready")?;
    // Nothing else is to happen meanwhile, so a read that blocks does no harm.
    for line in io::stdin().lock().lines() {
        let count = line?.trim().parse().map_err(io::Error::other)?;
        let began = Instant::now();
        player.send(count).await?;
        writeln!(out, "{}", began.elapsed().as_secs_f64())?;
    }
    Ok(())
}
