//! Replies as they are read from the stream: line by line for the greeting, whole for the rest.

use std::{
    io,
    task::{Context, Poll, ready},
};

use letterhead_domain::{reply::Reply, test_run::Cause};
use tokio::io::ReadBuf;

use super::{
    Inner, aborted,
    intake::{ReplyLine, cut},
};

impl Inner {
    /// Hands over the rest of one reply line, reading from the socket only when there is none.
    pub(super) fn poll_line(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.handing.is_empty() {
            match self.next_line() {
                Ok(Some((line, _))) => self.handing = line.into_bytes(),
                Ok(None) => ready!(self.poll_fill(cx)).map_err(|_| aborted())?,
                Err(_) => return Poll::Ready(Err(aborted())),
            }
        }
        let count = self.handing.len().min(out.remaining());
        out.put_slice(&self.handing[..count]);
        self.handing.drain(..count);
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Cause>> {
        loop {
            if let Some(reply) = self.take_reply()? {
                return Poll::Ready(Ok(reply));
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    /// The next reply, if all of it has come.
    pub(super) fn take_reply(&mut self) -> Result<Option<Reply>, Cause> {
        while let Some((line, is_last)) = self.next_line()? {
            // Code, separator, text, line end.
            let text = line.get(4..).unwrap_or_default().trim_end();
            let code = line.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
            if is_last && self.reply_text.is_empty() {
                return Ok(Some(Reply::new(code, text)));
            }
            append_line(&mut self.reply_text, text);
            if is_last {
                return Ok(Some(Reply::new(code, &std::mem::take(&mut self.reply_text))));
            }
        }
        Ok(None)
    }

    /// Reads what the server has said since.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let mut bytes = [0; 4096];
        let mut buffer = ReadBuf::new(&mut bytes);
        match ready!(self.poll_channel(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {
                self.intake.push(buffer.filled());
                Poll::Ready(Ok(()))
            }
            Ok(()) | Err(_) => Poll::Ready(Err(self.end(Cause::Closed))),
        }
    }

    /// The next line as it is handed on, with its end, and whether its reply ends with it.
    fn next_line(&mut self) -> Result<Option<(String, bool)>, Cause> {
        let line = self.intake.next_line(!self.is_tls()).map_err(|cause| self.end(cause))?;
        let Some(ReplyLine { code, is_last, text }) = line else { return Ok(None) };
        let separator = if is_last { ' ' } else { '-' };
        let shown = cut(self.redactor.redact(&text));
        let mut shown = format!("{code}{separator}{shown}");
        self.transcript.server(&shown);
        shown.push_str("\r\n");
        if std::mem::replace(&mut self.reply_is_whole, is_last) {
            self.lines.clear();
        }
        self.lines.push(text);
        Ok(Some((shown, is_last)))
    }
}

/// Adds a line to a reply's text, without the enhanced code that many servers repeat on each.
fn append_line(reply: &mut String, line: &str) {
    let (first, _) = reply.split_once(' ').unwrap_or((reply, ""));
    let is_code = first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let repeated = (is_code && first.contains('.')).then(|| line.strip_prefix(first)).flatten();
    let line = repeated.filter(|rest| rest.starts_with(' ')).map_or(line, str::trim_start);
    if !reply.is_empty() {
        reply.push(' ');
    }
    reply.push_str(line);
}
