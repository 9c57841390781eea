//! The client's end of the control socket: a question, a line of JSON, an answer.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::Source;
use crate::model::control::{Answer, Content, Question, Request, VERSION};
use crate::model::explanation::Explanation;
use crate::model::status::Status;

/// How long the daemon may take; it limits itself to less.
const PATIENCE: Duration = Duration::from_secs(10);

/// A daemon that is asked over its control socket.
#[derive(Clone, Debug)]
pub struct Control {
    socket: PathBuf,
}

impl Control {
    /// The daemon that serves this socket.
    pub fn new(socket: PathBuf) -> Self {
        Control { socket }
    }

    /// Sends a question; the lines of the answer can be read from what is given back.
    fn send(&self, request: &Request) -> Result<BufReader<UnixStream>, String> {
        let socket = self.socket.display();
        let mut stream = UnixStream::connect(&self.socket).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!("There is no control socket {socket}: does the daemon run, and with this control_socket?")
            }
            io::ErrorKind::ConnectionRefused => format!("Nobody listens at {socket}: the daemon does not run"),
            io::ErrorKind::PermissionDenied => {
                format!("The control socket {socket} is not for this user (control_socket_group)")
            }
            _ => format!("The control socket {socket} cannot be used: {error}"),
        })?;
        let failed = |error: io::Error| format!("The daemon at {socket} does not answer: {error}");
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        // A request is names and numbers, which JSON can say.
        let mut line = serde_json::to_vec(&Question { version: VERSION, request }).unwrap_or_default();
        line.push(b'\n');
        stream.write_all(&line).map_err(failed)?;
        Ok(BufReader::new(stream))
    }

    /// One question with an answer of one line.
    fn ask(&self, request: &Request) -> Result<Content, String> {
        let socket = self.socket.display();
        let mut line = String::new();
        match self.send(request)?.read_line(&mut line) {
            Ok(0) => return Err(format!("The daemon at {socket} has closed without an answer")),
            Ok(_) => {}
            Err(error) => return Err(format!("The daemon at {socket} does not answer: {error}")),
        }
        match serde_json::from_str::<Answer>(&line).map(|answer| answer.content) {
            Ok(Content::Error(reason)) => Err(format!("The daemon at {socket} says: {reason}")),
            Ok(content) => Ok(content),
            Err(error) => Err(format!("The answer of the daemon at {socket} is not understood: {error}")),
        }
    }

    fn strange(&self) -> String {
        format!("The daemon at {} has answered another question", self.socket.display())
    }
}

impl Source for Control {
    fn status(&mut self) -> Result<Status, String> {
        match self.ask(&Request::Status)? {
            Content::Status(status) => Ok(*status),
            _ => Err(self.strange()),
        }
    }

    fn explain(&mut self, name: &str) -> Result<Option<Explanation>, String> {
        match self.ask(&Request::Explain { name: name.to_owned() })? {
            Content::Explain(found) => Ok(found.map(|found| *found)),
            _ => Err(self.strange()),
        }
    }
}
