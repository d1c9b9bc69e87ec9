//! What a page follows while it is open, as server-sent events: whatever is new as it comes, and
//! `end` when no more will come.

use std::{future::Future, io, time::Duration};

use futures_util::{Stream, stream};
use poem::{Body, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

/// After this the browser connects again, which asks anew whether somebody is signed in.
const LONGEST: Duration = Duration::from_secs(30);

/// Something as one reader follows it.
pub(super) trait Following: Send + 'static {
    /// What the reader has not been told.
    fn look(&mut self) -> impl Future<Output = News> + Send;

    /// Waits until another look may show more. It may be given up at any moment.
    fn wait(&mut self) -> impl Future<Output = ()> + Send;
}

/// What a look showed.
pub(super) struct News {
    /// The new [`event`]s, one after the other.
    pub(super) events: String,
    /// Whether more may come.
    pub(super) goes_on: bool,
}

/// One event.
pub(super) fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// The stream of `following` as an answer.
pub(super) fn answer(following: impl Following) -> Response {
    Response::builder()
        .content_type("text/event-stream")
        // Some proxies keep answers back until they are whole.
        .header("x-accel-buffering", "no")
        .body(Body::from_bytes_stream(events(following, Instant::now() + LONGEST)))
}

fn events(
    following: impl Following,
    until: Instant,
) -> impl Stream<Item = io::Result<String>> + Send + 'static {
    stream::unfold(Some(following), move |following| async move {
        let mut following = following?;
        while Instant::now() < until {
            let News { mut events, goes_on } = following.look().await;
            if !goes_on {
                events.push_str("event: end\ndata: {}\n\n");
                return Some((Ok(events), None));
            }
            if !events.is_empty() {
                return Some((Ok(events), Some(following)));
            }
            if timeout_at(until, following.wait()).await.is_err() {
                break;
            }
        }
        Some((Ok(": until you connect again\n\n".to_owned()), None))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::time::sleep;

    use super::*;

    /// Has something new in each of its first looks, and is over after `last`.
    struct Counting {
        looks: u32,
        new: u32,
        last: u32,
    }

    impl Following for Counting {
        async fn look(&mut self) -> News {
            self.looks += 1;
            let is_new = self.looks <= self.new;
            let events = if is_new { event("look", &self.looks.into()) } else { String::new() };
            News { events, goes_on: self.looks < self.last }
        }

        async fn wait(&mut self) {
            sleep(Duration::from_secs(7)).await;
        }
    }

    async fn told(following: Counting) -> Vec<String> {
        let until = Instant::now() + LONGEST;
        events(following, until).map(|text| text.expect("a text")).collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_ends_with_what_is_still_new() {
        let told = told(Counting { looks: 0, new: 2, last: 2 }).await;

        assert_eq!(
            told,
            ["event: look\ndata: 1\n\n", "event: look\ndata: 2\n\nevent: end\ndata: {}\n\n"],
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_and_on_is_cut_so_that_the_browser_connects_again() {
        let began = Instant::now();

        let told = told(Counting { looks: 0, new: 1, last: u32::MAX }).await;

        assert_eq!(told, ["event: look\ndata: 1\n\n", ": until you connect again\n\n"]);
        assert_eq!(began.elapsed(), LONGEST);
    }
}
