//! What messages say, for composing them.

use letterhead_domain::{
    id::MessageId,
    message::{Attachment, MessageContent},
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::MessageRepo;
use crate::{
    error::StorageError,
    repo::{parse, rows, sql::statement},
};

const CONTENTS: &str = "
SELECT id, text_body, html_body, attachment_names, attachment_types, attachment_contents
FROM message_bodies
WHERE tenant_id = $1 AND id = ANY ($2::uuid[])";

#[derive(FromQueryResult)]
pub(in crate::repo) struct BodyRow {
    pub(in crate::repo) id: Uuid,
    pub(in crate::repo) text_body: Option<String>,
    pub(in crate::repo) html_body: Option<String>,
    pub(in crate::repo) attachment_names: Vec<String>,
    pub(in crate::repo) attachment_types: Vec<String>,
    pub(in crate::repo) attachment_contents: Vec<Vec<u8>>,
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
        let rows = rows::<BodyRow>(
            self.tx,
            statement(CONTENTS, [self.tenant.get().into(), ids.into()]),
            "load what messages say",
        )
        .await?;
        rows.into_iter().map(|row| Ok((row.id.into(), row.try_into()?))).collect()
    }
}

impl TryFrom<BodyRow> for MessageContent {
    type Error = StorageError;

    fn try_from(row: BodyRow) -> Result<Self, StorageError> {
        let table = "message_bodies";
        let BodyRow { attachment_names: names, attachment_types: types, .. } = row;
        if names.len() != types.len() || names.len() != row.attachment_contents.len() {
            return Err(StorageError::Corrupt { table });
        }
        let attachments = names
            .iter()
            .zip(&types)
            .zip(row.attachment_contents)
            .map(|((name, content_type), content)| {
                Ok(Attachment {
                    filename: parse(name, table)?,
                    content_type: parse(content_type, table)?,
                    content,
                })
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(Self { text: row.text_body, html: row.html_body, attachments })
    }
}
