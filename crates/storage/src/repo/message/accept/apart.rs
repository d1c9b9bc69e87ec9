//! Bodies of large messages: copied to the database piece by piece. As a parameter of the statement a
//! file would be held three times: by its owner, by the parameters, and by the connection.

use sea_orm::sqlx::{
    self,
    postgres::{PgConnection, PgCopyIn, PgPool},
};

use super::{Accept, AnswerRow, bound};

/// From how many bytes of content on a body is worth two round trips more.
const LARGE: usize = 1024 * 1024;
/// Bytes that go to the connection at once.
const PIECE: usize = 64 * 1024;

const COPY: &str = "COPY incoming_bodies (tenant_id, id, text_body, html_body, attachment_names, \
    attachment_types, attachment_contents) FROM STDIN WITH (FORMAT binary)";
const COLUMNS: i16 = 7;
/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const NO_MORE_ROWS: i16 = -1;
/// The types of arrays' elements, as PostgreSQL numbers them.
const TEXT: i32 = 25;
const BYTEA: i32 = 17;

/// Whether a message's body goes apart from the statement.
pub(super) fn is_large(accept: &Accept<'_>) -> bool {
    accept.message.content.bytes() > LARGE
}

/// Takes messages over, some of which are large.
pub(super) async fn accept(
    pool: &PgPool,
    messages: &[Accept<'_>],
) -> Result<AnswerRow, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let answers = bound(messages).fetch_one(&mut *tx).await?;
    let large =
        answers.0.iter().zip(messages).filter(|(outcome, it)| *outcome == "new" && is_large(it));
    copy(&mut tx, large.map(|(_, message)| message)).await?;
    tx.commit().await?;
    Ok(answers)
}

async fn copy<'a>(
    tx: &mut PgConnection,
    messages: impl Iterator<Item = &'a Accept<'a>>,
) -> Result<(), sqlx::Error> {
    let mut wire = Wire { copy: tx.copy_in_raw(COPY).await?, gathered: Vec::new() };
    wire.put(HEADER).await?;
    for message in messages {
        wire.body(message).await?;
    }
    wire.put(&NO_MORE_ROWS.to_be_bytes()).await?;
    wire.send().await?;
    wire.copy.finish().await?;
    Ok(())
}

/// Rows as the binary format of COPY has them.
struct Wire<'tx> {
    copy: PgCopyIn<&'tx mut PgConnection>,
    gathered: Vec<u8>,
}

impl Wire<'_> {
    async fn body(&mut self, accept: &Accept<'_>) -> Result<(), sqlx::Error> {
        let content = &accept.message.content;
        let files = &content.attachments;
        self.put(&COLUMNS.to_be_bytes()).await?;
        self.value(Some(accept.tenant.get().as_bytes())).await?;
        self.value(Some(accept.id.get().as_bytes())).await?;
        self.value(content.text.as_deref().map(str::as_bytes)).await?;
        self.value(content.html.as_deref().map(str::as_bytes)).await?;
        let names = files.iter().map(|file| file.filename.as_str().as_bytes());
        self.array(TEXT, &names.collect::<Vec<_>>()).await?;
        let types = files.iter().map(|file| file.content_type.as_str().as_bytes());
        self.array(TEXT, &types.collect::<Vec<_>>()).await?;
        let contents = files.iter().map(|file| file.content.as_slice());
        self.array(BYTEA, &contents.collect::<Vec<_>>()).await
    }

    async fn array(&mut self, of: i32, items: &[&[u8]]) -> Result<(), sqlx::Error> {
        const NO_NULLS: i32 = 0;
        const LOWEST_INDEX: i32 = 1;
        let dimensions = i32::from(!items.is_empty());
        let bytes: usize = items.iter().map(|item| 4 + item.len()).sum();
        let head = if items.is_empty() { 12 } else { 20 };
        self.length(head + bytes).await?;
        for number in [dimensions, NO_NULLS, of] {
            self.put(&number.to_be_bytes()).await?;
        }
        if !items.is_empty() {
            self.length(items.len()).await?;
            self.put(&LOWEST_INDEX.to_be_bytes()).await?;
        }
        for item in items {
            self.value(Some(item)).await?;
        }
        Ok(())
    }

    async fn value(&mut self, value: Option<&[u8]>) -> Result<(), sqlx::Error> {
        const NULL: i32 = -1;
        match value {
            Some(bytes) => {
                self.length(bytes.len()).await?;
                self.put(bytes).await
            }
            None => self.put(&NULL.to_be_bytes()).await,
        }
    }

    async fn length(&mut self, length: usize) -> Result<(), sqlx::Error> {
        let too_long = |_| sqlx::Error::Protocol("a body is too long for COPY".to_owned());
        self.put(&i32::try_from(length).map_err(too_long)?.to_be_bytes()).await
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), sqlx::Error> {
        if bytes.len() > PIECE {
            self.send().await?;
            for piece in bytes.chunks(PIECE) {
                self.copy.send(piece).await?;
            }
            return Ok(());
        }
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), sqlx::Error> {
        self.copy.send(self.gathered.as_slice()).await?;
        self.gathered.clear();
        Ok(())
    }
}
