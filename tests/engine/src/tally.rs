//! What a server got, for whoever asks on its standard input: one line for each line.

use std::{
    io::{self, BufRead, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use tokio::sync::oneshot;

/// Counts since the last `reset`.
#[derive(Clone)]
pub(crate) struct Tally(Arc<Counts>);

struct Counts {
    began: Instant,
    connections: AtomicU64,
    messages: AtomicU64,
    /// When the first and the last message came, in microseconds since `began`; 0 for none.
    first: AtomicU64,
    last: AtomicU64,
}

impl Tally {
    pub(crate) fn begin() -> Self {
        let none = || AtomicU64::new(0);
        Self(Arc::new(Counts {
            began: Instant::now(),
            connections: none(),
            messages: none(),
            first: none(),
            last: none(),
        }))
    }

    pub(crate) fn connection(&self) {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn messages(&self, count: u64) {
        let now = self.now();
        self.0.messages.fetch_add(count, Ordering::Relaxed);
        self.0.last.fetch_max(now, Ordering::Relaxed);
        if self.0.first.load(Ordering::Relaxed) == 0 {
            // Whoever else was first meanwhile keeps the place.
            let _taken =
                self.0.first.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Answers each line with messages, connections, and how many microseconds ago the first and the
    /// last message came; `reset` begins anew. What it gives ends when nobody asks any more.
    pub(crate) fn tell(self) -> oneshot::Receiver<()> {
        let (asking, end) = oneshot::channel();
        thread::spawn(move || {
            let _asking: oneshot::Sender<()> = asking;
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let Counts { connections, messages, first, last, .. } = &*self.0;
                let (now, first_at, last_at) = (self.now(), read(first), read(last));
                let answer = format!(
                    "{} {} {} {}",
                    read(messages),
                    read(connections),
                    now.saturating_sub(first_at),
                    now.saturating_sub(last_at),
                );
                if line == "reset" {
                    for counter in [connections, messages, first, last] {
                        counter.store(0, Ordering::Relaxed);
                    }
                }
                if writeln!(io::stdout(), "{answer}").is_err() {
                    return;
                }
            }
        });
        end
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
