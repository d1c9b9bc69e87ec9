//! What messages say, for composing them.

use std::collections::HashMap;

use letterhead_domain::{
    id::MessageId,
    message::{Attachment, MessageContent},
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::MessageRepo;
use crate::{
    error::StorageError,
    repo::{execute, number, parse, rows, sql::statement},
};

const TABLE: &str = "message_bodies";
const ACTION: &str = "load what messages say";

const BODIES: &str = "
SELECT id, text_body, html_body, attachment_names, attachment_types
FROM message_bodies
WHERE tenant_id = $1 AND id = ANY ($2::uuid[])";

/// To the planner a series is a thousand rows, and so many are worth compiling the query for, which
/// takes longer than running it.
const DO_NOT_COMPILE: &str = "SET LOCAL jit = off";

/// Files come in pieces: as one value, a file would be held by the connection's buffers and by whoever
/// reads it at the same time. The cursor looks an array up once, where a query for each piece would do
/// so each time.
const OPEN_FILES: &str = "
DECLARE files NO SCROLL CURSOR FOR
SELECT file.id, file.turn, octet_length(file.content) AS size, piece.first,
    substring(file.content FROM piece.first FOR 65536) AS bytes
FROM (
    SELECT id, generate_subscripts(attachment_names, 1) AS turn,
        unnest(attachment_contents) AS content
    FROM message_bodies
    WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
) file
CROSS JOIN LATERAL
    generate_series(1, greatest(octet_length(file.content), 1), 65536) AS piece(first)";
const NEXT_PIECES: &str = "FETCH 32 FROM files";
const AT_ONCE: usize = 32;
const CLOSE_FILES: &str = "CLOSE files";

#[derive(FromQueryResult)]
pub(in crate::repo) struct BodyRow {
    pub(in crate::repo) id: Uuid,
    pub(in crate::repo) text_body: Option<String>,
    pub(in crate::repo) html_body: Option<String>,
    pub(in crate::repo) attachment_names: Vec<String>,
    pub(in crate::repo) attachment_types: Vec<String>,
}

#[derive(FromQueryResult)]
struct PieceRow {
    id: Uuid,
    turn: Option<i32>,
    size: Option<i32>,
    first: i32,
    bytes: Option<Vec<u8>>,
}

impl MessageRepo<'_> {
    /// What `messages` say, in no particular order; one that is not there is left out.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] if a row holds what was never accepted.
    pub async fn load_contents(
        &self,
        messages: &[MessageId],
    ) -> Result<Vec<(MessageId, MessageContent)>, StorageError> {
        let ids: Vec<Uuid> = messages.iter().map(|id| id.get()).collect();
        // Before the rest: a body that is removed meanwhile is then not there, and not torn.
        let mut files = self.load_files(&ids).await?;
        let bodies = statement(BODIES, [self.tenant.get().into(), ids.into()]);
        let bodies = rows::<BodyRow>(self.tx, bodies, ACTION).await?;
        let content = |body: BodyRow| {
            let turns = (1..).take(body.attachment_names.len());
            let contents = turns.filter_map(|turn| files.remove(&(body.id, turn))).collect();
            Ok((body.id.into(), body.with_files(contents)?))
        };
        bodies.into_iter().map(content).collect()
    }

    /// The files of `messages`, by message and turn.
    async fn load_files(
        &self,
        messages: &[Uuid],
    ) -> Result<HashMap<(Uuid, i32), Vec<u8>>, StorageError> {
        let mut files = HashMap::new();
        execute(self.tx, statement(DO_NOT_COMPILE, []), ACTION).await?;
        let values = [self.tenant.get().into(), messages.to_vec().into()];
        execute(self.tx, statement(OPEN_FILES, values), ACTION).await?;
        loop {
            let pieces = rows::<PieceRow>(self.tx, statement(NEXT_PIECES, []), ACTION).await?;
            let is_last = pieces.len() < AT_ONCE;
            for piece in pieces {
                piece.join(&mut files).ok_or(StorageError::Corrupt { table: TABLE })?;
            }
            if is_last {
                break;
            }
        }
        execute(self.tx, statement(CLOSE_FILES, []), ACTION).await?;
        Ok(files)
    }
}

impl PieceRow {
    /// Puts the piece where it belongs; `None` if it belongs nowhere.
    fn join(self, files: &mut HashMap<(Uuid, i32), Vec<u8>>) -> Option<()> {
        let size: usize = number(self.size?, TABLE).ok()?;
        let begin = usize::try_from(self.first).ok()?.checked_sub(1)?;
        let file = files.entry((self.id, self.turn?)).or_insert_with(|| vec![0; size]);
        let bytes = self.bytes?;
        file.get_mut(begin..)?.get_mut(..bytes.len())?.copy_from_slice(&bytes);
        Some(())
    }
}

impl BodyRow {
    /// What a message with this body and the files' `contents` says.
    pub(in crate::repo) fn with_files(
        self,
        contents: Vec<Vec<u8>>,
    ) -> Result<MessageContent, StorageError> {
        let Self { attachment_names: names, attachment_types: types, .. } = self;
        if names.len() != types.len() || names.len() != contents.len() {
            return Err(StorageError::Corrupt { table: TABLE });
        }
        let attachments = names
            .iter()
            .zip(&types)
            .zip(contents)
            .map(|((name, content_type), content)| {
                Ok(Attachment {
                    filename: parse(name, TABLE)?,
                    content_type: parse(content_type, TABLE)?,
                    content,
                })
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(MessageContent { text: self.text_body, html: self.html_body, attachments })
    }
}
