//! Processes that are started for a measurement, and end with it.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::Failure;

/// A process that ends with this value.
pub(crate) struct Running(Child);

impl Running {
    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        // It is there until the value is dropped.
        self.0.id().unwrap_or(0)
    }

    /// Fails once the process has ended by itself.
    pub(crate) fn expect_alive(&mut self) -> Result<(), Failure> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("a program ended early: {status}").into()),
        }
    }

    /// Asks it to end as an operator would, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        let id = self.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        self.0.wait().await?;
        Ok(())
    }

    /// Ends it at once, and waits until it has.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        Ok(self.0.kill().await?)
    }
}

/// A process that answers each line with a line.
pub(crate) struct Answering {
    pub(crate) process: Running,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Answering {
    /// Starts `command`, and gives the first line that it prints by itself.
    pub(crate) async fn start(mut command: Command) -> Result<(Self, String), Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|err| format!("{command:?}: {err}"))?;
        let questions = child.stdin.take().ok_or("no input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut started = Self { process: Running(child), questions, answers };
        let first = started.line().await.map_err(|err| format!("{command:?}: {err}"))?;
        Ok((started, first))
    }

    /// Asks `question`, and waits for the answer.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<String, Failure> {
        self.questions.write_all(format!("{question}\n").as_bytes()).await?;
        self.line().await
    }

    async fn line(&mut self) -> Result<String, Failure> {
        Ok(self.answers.next_line().await?.ok_or("ended without an answer")?)
    }
}

/// Starts a program that says nothing which anybody waits for.
pub(crate) fn start(mut command: Command) -> Result<Running, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(Running(command.spawn()?))
}

/// Starts a program, and gives the first line of its log with `wanted` in it.
pub(crate) async fn start_logging(
    mut command: Command,
    wanted: &str,
) -> Result<(Running, String), Failure> {
    command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let log = child.stderr.take().ok_or("no log")?;
    Ok((Running(child), line_with(wanted, log).await?))
}

/// Starts a program, and gives the first line that it prints.
pub(crate) async fn start_printing(mut command: Command) -> Result<(Running, String), Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let printed = child.stdout.take().ok_or("no output")?;
    Ok((Running(child), line_with("", printed).await?))
}

/// The first line with `wanted` in it.
async fn line_with(
    wanted: &str,
    from: impl AsyncRead + Unpin + Send + 'static,
) -> Result<String, Failure> {
    let mut lines = BufReader::new(from).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains(wanted) {
            // What comes later is read too, so that nobody waits for a reader.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(line);
        }
    }
    Err("a program ended before it said that it is ready".into())
}

/// What a program prints, when it succeeds.
pub(crate) async fn output(mut command: Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
