//! What clients are told, as text: made once for all who ask while it is fresh.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::model::control::{Answer, Content, VERSION};
use crate::model::scene::Scene;
use crate::view::{Hub, explain, status};

/// How many answers may be on their way to clients. With very many instances they are large.
const AT_ONCE: usize = 8;

/// Makes answers.
#[derive(Debug)]
pub(super) struct Answers {
    hub: Hub,
    turns: Semaphore,
    /// The last status, as long as somebody is being told it: of which scene, and its text
    status: Mutex<(Weak<Scene>, Weak<[u8]>)>,
}

impl Answers {
    pub(super) fn new(hub: Hub) -> Self {
        let nothing: Weak<[u8; 0]> = Weak::new();
        Answers { hub, turns: Semaphore::new(AT_ONCE), status: Mutex::new((Weak::new(), nothing)) }
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Waits for a turn, to be kept while an answer is made and sent.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// The answer to `status`.
    pub(super) async fn status(&self) -> Arc<[u8]> {
        let scene = self.hub.scene().await;
        let mut last = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(of), Some(text)) = (last.0.upgrade(), last.1.upgrade())
            && Arc::ptr_eq(&of, &scene)
        {
            return text;
        }
        let text: Arc<[u8]> = line(Content::Status(Box::new(status::status(&scene)))).into();
        *last = (Arc::downgrade(&scene), Arc::downgrade(&text));
        text
    }

    /// The answer to `explain`.
    pub(super) async fn explain(&self, name: &str) -> Vec<u8> {
        let scene = self.hub.scene().await;
        line(Content::Explain(explain::explain(&status::status(&scene), name).map(Box::new)))
    }
}

/// A line of an answer.
pub(super) fn line(content: Content) -> Vec<u8> {
    // These types have no maps with odd keys and no numbers that JSON lacks.
    let mut text = serde_json::to_vec(&Answer { version: VERSION, content }).unwrap_or_default();
    text.push(b'\n');
    text
}
