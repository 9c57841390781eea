//! The client's side of the control socket: one question after the other, over one connection as long as it lasts.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Source;
use crate::model::control::{Answer, Content, Question, Request, VERSION};
use crate::model::explanation::Explanation;
use crate::model::moment::Moment;
use crate::model::occurrence::Record;
use crate::model::status::Status;

/// How long a daemon may take to answer: longer than it waits for its children.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks a daemon.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    connection: Option<BufReader<UnixStream>>,
}

impl Client {
    /// Asks the daemon that serves this socket. Nothing is opened yet.
    pub fn new(path: &Path) -> Self {
        Client { path: path.to_owned(), connection: None }
    }

    /// Sends a question, over the old connection or a new one, and reads the first line of the answer.
    fn ask(&mut self, request: &Request) -> Result<Content, String> {
        if self.connection.is_some() {
            // The daemon closes what is not used for a while, and may be another one by now.
            if let Ok(line) = self.try_ask(request) {
                return self.content(&line);
            }
        }
        let opened = UnixStream::connect(&self.path).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        });
        self.connection = Some(BufReader::new(opened.map_err(|error| self.explain_fault(&error))?));
        let line = self.try_ask(request).map_err(|error| self.explain_fault(&error))?;
        self.content(&line)
    }

    fn try_ask(&mut self, request: &Request) -> io::Result<String> {
        let mut question = serde_json::to_vec(&Question { version: VERSION, request })?;
        question.push(b'\n');
        let connection = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        // One that had no place for us has said so before it closed.
        let sent = connection.get_mut().write_all(&question);
        let line = self.line();
        if matches!(&line, Err(error) if error.kind() == io::ErrorKind::UnexpectedEof) {
            sent?;
        }
        line
    }

    /// The next line of an answer.
    fn line(&mut self) -> io::Result<String> {
        let connection = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let mut line = String::new();
        match connection.read_line(&mut line) {
            Ok(1..) if line.ends_with('\n') => Ok(line),
            Ok(_) => {
                self.connection = None;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Err(error) => {
                self.connection = None;
                Err(error)
            }
        }
    }

    fn content(&self, line: &str) -> Result<Content, String> {
        let whose = self.path.display();
        let version = serde_json::from_str::<serde_json::Value>(line).ok().and_then(|it| it.get("version")?.as_u64());
        match version {
            Some(VERSION) => {}
            Some(other) => {
                return Err(format!(
                    "The daemon at {whose} answers in version {other}, this program knows {VERSION}: use the program that \
                     the daemon was started with, or restart the daemon"
                ));
            }
            None => return Err(format!("What answers at {whose} is no keepalived-rs")),
        }
        match serde_json::from_str::<Answer>(line) {
            Ok(Answer { content: Content::Error(reason), .. }) => {
                Err(format!("The daemon at {whose} refuses: {reason}"))
            }
            Ok(Answer { content, .. }) => Ok(content),
            Err(error) => Err(format!("The answer of the daemon at {whose} is not understood: {error}")),
        }
    }

    fn explain_fault(&self, error: &io::Error) -> String {
        let path = self.path.display();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
                "No daemon answers at {path}: either none runs, or its control_socket is elsewhere or off (--socket PATH or \
                 --pid FILE say where to ask)"
            ),
            io::ErrorKind::PermissionDenied => format!(
                "{path}: permission denied: only the user of the daemon, usually root, and members of its \
                 control_socket_group may ask"
            ),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("The daemon at {path} does not answer within {} s", PATIENCE.as_secs())
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                format!("The daemon at {path} has closed the connection")
            }
            _ => format!("{path}: {error}"),
        }
    }

    fn unexpected(&self) -> String {
        format!("The daemon at {} has answered another question", self.path.display())
    }
}

impl Source for Client {
    fn status(&mut self) -> Result<Status, String> {
        match self.ask(&Request::Status)? {
            Content::Status(status) => Ok(*status),
            _ => Err(self.unexpected()),
        }
    }

    fn explain(&mut self, name: &str) -> Result<Option<Explanation>, String> {
        match self.ask(&Request::Explain { name: name.to_owned() })? {
            Content::Explain(found) => Ok(found.map(|found| *found)),
            _ => Err(self.unexpected()),
        }
    }

    fn events(
        &mut self,
        since: Option<Moment>,
        follow: bool,
        each: &mut dyn FnMut(Option<Record>) -> bool,
    ) -> Result<(), String> {
        let mut content = self.ask(&Request::Events { since, follow })?;
        if let Some(connection) = &self.connection
            && follow
        {
            // From now on silence means that nothing happens.
            connection.get_ref().set_read_timeout(None).map_err(|error| self.explain_fault(&error))?;
        }
        loop {
            let goes_on = match content {
                Content::Event(record) => each(Some(record)),
                Content::Lost(_) => each(None),
                Content::End(_) => return Ok(()),
                _ => return Err(self.unexpected()),
            };
            if !goes_on {
                // The rest of this answer belongs to no other question.
                self.connection = None;
                return Ok(());
            }
            let line = self.line().map_err(|error| self.explain_fault(&error))?;
            content = self.content(&line)?;
        }
    }
}

#[cfg(test)]
mod tests;
