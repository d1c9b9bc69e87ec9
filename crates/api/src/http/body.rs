//! Request bodies that are read late.
//!
//! poem-openapi reads and parses a body before the handler runs, so that a stranger without a key
//! would learn what a body must look like, and could make us read as much as they like. [`Body`]
//! leaves it unread until the handler, having said 401, 404 and 403, asks for it. On the wire a
//! client that sent `Expect: 100-continue` is not even asked to send.

use std::{
    any::TypeId,
    collections::HashMap,
    fmt::{self, Write},
    marker::PhantomData,
    sync::{Arc, LazyLock, PoisonError, RwLock},
    time::Duration,
};

use letterhead_domain::field_errors::{FieldErrors, Invalid};
use poem::{Request, RequestBody, Result, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::ParseFromJSON,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, time::timeout};
use zeroize::Zeroizing;

use crate::app::room::{self, Place};

use super::{
    error::ApiError,
    files::{Files, Unread},
    json,
    problem::ProblemCode,
    schema_check::{check, may_be_empty},
};

/// How long a client may pause within a body.
const PAUSE: Duration = Duration::from_secs(20);
/// How long a whole body may take: 20 MiB at a little over half a megabit a second.
const WHOLE: Duration = Duration::from_secs(300);

/// A JSON body that has not been read yet.
pub(super) struct Body<T> {
    content_type: Option<String>,
    declared_length: Option<usize>,
    unread: poem::Body,
    of: PhantomData<fn() -> T>,
}

/// A body that is well formed JSON of the types that the API document shows.
pub(super) struct Parsed<T> {
    /// What it says.
    pub(super) value: T,
    /// SHA-256 of its bytes.
    pub(super) hash: [u8; 32],
}

/// A body with files, and the room that it takes in memory.
pub(super) struct WithFiles<T> {
    /// What it says.
    pub(super) value: T,
    /// SHA-256 of its bytes.
    pub(super) hash: [u8; 32],
    /// What its long base64 texts say.
    pub(super) files: Files,
    /// To be kept for as long as the files are; none for a small body.
    pub(super) place: Option<Place>,
}

/// Things that are judged each by itself, and the room that they take in memory together.
pub(super) struct Each<I> {
    pub(super) things: Vec<Result<Parsed<I>, FieldErrors>>,
    pub(super) place: Option<Place>,
}

/// A body that was read.
struct Read {
    value: Value,
    hash: [u8; 32],
    unread: Unread,
    place: Option<Place>,
}

/// How a body is read.
struct Bounds<'a> {
    /// Most bytes.
    limit: usize,
    /// The field whose long base64 texts are left in the bytes.
    leaving: Option<&'static str>,
    /// Takes room in memory for a large body of so many bytes; small ones have theirs.
    room: Option<&'a (dyn Fn(usize) -> Option<Place> + Sync)>,
}

/// The large bodies under way take all the room that there is for them.
struct NoRoom;

impl From<NoRoom> for ApiError {
    fn from(NoRoom: NoRoom) -> Self {
        Self::no_room()
    }
}

impl Bounds<'_> {
    fn take_room(&self, bytes: usize) -> Result<Option<Place>, NoRoom> {
        match self.room {
            Some(take) if bytes > room::LARGE => take(bytes).map(Some).ok_or(NoRoom),
            Some(_) | None => Ok(None),
        }
    }
}

/// The body of calls that need none: empty, or an object without fields.
#[derive(poem_openapi::Object)]
pub(super) struct NoFields {}

impl<T: ParseFromJSON + 'static> Body<T> {
    /// Reads and parses the body. An empty one is `{}` where no field is required.
    ///
    /// # Errors
    ///
    /// 415 if it is not declared to be JSON, 413 beyond `limit` bytes, 400 if it is not JSON or
    /// comes too slowly, 422 with every wrong type, missing and unknown field.
    pub(super) async fn parse(self, limit: usize) -> Result<Parsed<T>, ApiError> {
        let Read { value, hash, .. } =
            self.json(Bounds { limit, leaving: None, room: None }).await?;
        Ok(Parsed { value: fit(value)?, hash })
    }

    /// Reads and parses a body with files: base64 in fields called `name`. `room` is asked for room
    /// in memory before a large one is read.
    ///
    /// # Errors
    ///
    /// As [`Body::parse`]; 503 without room.
    pub(super) async fn parse_with_files(
        self,
        name: &'static str,
        limit: usize,
        room: &(dyn Fn(usize) -> Option<Place> + Sync),
    ) -> Result<WithFiles<T>, ApiError> {
        let bounds = Bounds { limit, leaving: Some(name), room: Some(room) };
        let Read { value, hash, unread, place } = self.json(bounds).await?;
        Ok(WithFiles { value: fit(value)?, hash, files: unread.decode(), place })
    }

    /// Reads and parses a body whose field `list` holds 1 to `most` things, each of which is judged
    /// by itself: what is wrong with one is no fault of the others. Its hash is of its own JSON. `room` is
    /// asked for room in memory before a large body is read.
    ///
    /// # Errors
    ///
    /// As [`Body::parse`]; 503 without room; 422 if anything but a thing of the list does not fit, or
    /// their number.
    pub(super) async fn parse_each<I: ParseFromJSON + 'static>(
        self,
        list: &str,
        most: usize,
        limit: usize,
        room: &(dyn Fn(usize) -> Option<Place> + Sync),
    ) -> Result<Each<I>, ApiError> {
        let bounds = Bounds { limit, leaving: None, room: Some(room) };
        let Read { mut value, place, .. } = self.json(bounds).await?;
        let mut things = Vec::new();
        if let Some(Value::Array(given)) = value.get_mut(list) {
            things = std::mem::take(given);
        }
        fit::<T>(value)?;
        if !(1..=most).contains(&things.len()) {
            let invalid = Invalid::new("out_of_range", format!("give 1 to {most} of them"));
            return Err(FieldErrors::one(format!("/{list}"), invalid).into());
        }
        let parsed = things.into_iter().map(|thing| {
            let hash = hash_of(&thing);
            Ok(Parsed { value: fit(thing)?, hash })
        });
        Ok(Each { things: parsed.collect(), place })
    }

    /// Reads the body as JSON, whatever it says; with SHA-256 of its bytes.
    async fn json(self, bounds: Bounds<'_>) -> Result<Read, ApiError> {
        let limit = bounds.limit;
        if self.declared_length.is_some_and(|length| length > limit) {
            return Err(ApiError::too_large(limit));
        }
        let content_type = self.content_type;
        let (bytes, place) =
            match timeout(WHOLE, read(self.unread, self.declared_length, &bounds)).await {
                Ok(read) => read?,
                Err(_) => return Err(too_slow()),
            };
        let hash = Sha256::digest(&*bytes).into();
        let mut places = Vec::new();
        let value = if bytes.is_empty() && may_be_empty(&registry_of::<T>(), &T::schema_ref()) {
            Value::Object(serde_json::Map::new())
        } else {
            if !content_type.as_deref().is_some_and(is_json) {
                return Err(ApiError::unsupported_media_type());
            }
            let refused =
                |json::JsonFault(words)| ApiError::bad_request(ProblemCode::MalformedJson, words);
            match bounds.leaving {
                Some(name) => {
                    let (value, left) = json::parse_leaving(&bytes, name).map_err(refused)?;
                    places = left;
                    value
                }
                None => json::parse(&bytes).map_err(refused)?,
            }
        };
        Ok(Read { value, hash, unread: Unread { bytes, places }, place })
    }
}

/// SHA-256 of a value's JSON, which is never in memory as a whole.
fn hash_of(value: &Value) -> [u8; 32] {
    struct Hashing(Sha256);

    impl fmt::Write for Hashing {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }

    let mut hashing = Hashing(Sha256::new());
    // Hashing fails at nothing.
    let _written = write!(hashing, "{value}");
    hashing.0.finalize().into()
}

/// Turns JSON into what the API document shows.
fn fit<T: ParseFromJSON + 'static>(value: Value) -> Result<T, FieldErrors> {
    check(&registry_of::<T>(), &T::schema_ref(), &value).or(Some(()))?;
    // The words of poem-openapi would repeat what was sent.
    let unfit = |_| FieldErrors::one("", Invalid::new("malformed", "this body does not fit"));
    T::parse_from_json(Some(value)).map_err(unfit)
}

/// How much must have come before memory is set aside for the length that a client declared.
const BELIEVED_FROM: usize = 64 * 1024;

/// Reads at most `limit` bytes. They may hold a password, so they are wiped when dropped.
async fn read(
    body: poem::Body,
    declared: Option<usize>,
    bounds: &Bounds<'_>,
) -> Result<(Zeroizing<Vec<u8>>, Option<Place>), ApiError> {
    let (declared, limit) = (declared.unwrap_or(0), bounds.limit);
    let mut place = bounds.take_room(declared)?;
    let mut source = body.into_async_read().take(limit as u64 + 1);
    let mut bytes = Zeroizing::new(Vec::new());
    loop {
        match timeout(PAUSE, source.read_buf(&mut *bytes)).await {
            Ok(Ok(0)) => break,
            Ok(Ok(_)) => {
                // Growing by doubling would hold a large body up to twice.
                let come = bytes.len();
                if place.is_none() && come > room::LARGE {
                    // Its length was not said: it may become as large as may be.
                    place = bounds.take_room(limit)?;
                }
                if (BELIEVED_FROM..declared).contains(&come) {
                    bytes.reserve_exact(declared - come + 1);
                }
            }
            Ok(Err(_)) => {
                let detail = "The connection broke, or the body was not framed as HTTP wants it.";
                return Err(ApiError::bad_request(ProblemCode::BadRequest, detail));
            }
            Err(_) => return Err(too_slow()),
        }
    }
    if bytes.len() > limit { Err(ApiError::too_large(limit)) } else { Ok((bytes, place)) }
}

fn too_slow() -> ApiError {
    ApiError::bad_request(ProblemCode::BadRequest, "The body came too slowly.")
}

fn is_json(content_type: &str) -> bool {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    essence.trim().eq_ignore_ascii_case("application/json")
        && charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

/// The schemas that `T` stands on, put together once for each type.
fn registry_of<T: ParseFromJSON + 'static>() -> Arc<Registry> {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<Registry>>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    known.unwrap_or_else(|| {
        let mut registry = Registry::new();
        T::register(&mut registry);
        let registry = Arc::new(registry);
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, Arc::clone(&registry));
        registry
    })
}

impl<'a, T: ParseFromJSON + 'static> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let schema = T::schema_ref();
        let required = !may_be_empty(&registry_of::<T>(), &schema);
        let content = vec![MetaMediaType { content_type: "application/json", schema }];
        Some(MetaRequest { description: None, content, required })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let declared_length = request.headers().get(header::CONTENT_LENGTH);
        Ok(Self {
            content_type: request.content_type().map(str::to_owned),
            declared_length: declared_length
                .and_then(|length| length.to_str().ok())
                .and_then(|length| length.parse().ok()),
            unread: body.take()?,
            of: PhantomData,
        })
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::Object;

    use super::*;

    #[derive(Object)]
    struct Greeting {
        name: String,
    }

    fn body<T>(content_type: Option<&str>, body: impl Into<poem::Body>) -> Body<T> {
        let content_type = content_type.map(str::to_owned);
        Body { content_type, declared_length: None, unread: body.into(), of: PhantomData }
    }

    const JSON: Option<&str> = Some("application/json");

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_whatever_its_declared_length() {
        let text = r#"{"name":"Ann"}"#;

        let parsed = body::<Greeting>(JSON, text).parse(text.len()).await.ok().expect("fits");
        assert_eq!(parsed.value.name, "Ann");
        assert_eq!(parsed.hash, <[u8; 32]>::from(Sha256::digest(text)));

        let refused = body::<Greeting>(JSON, text).parse(text.len() - 1).await.err();
        assert!(matches!(refused, Some(ApiError::TooLarge(_))));

        let mut declared = body::<Greeting>(JSON, "");
        declared.declared_length = Some(100);
        assert!(matches!(declared.parse(99).await.err(), Some(ApiError::TooLarge(_))));
    }

    #[tokio::test]
    async fn only_json_is_taken() {
        let text = r#"{"name":"Ann"}"#;
        for content_type in [None, Some("text/plain"), Some("application/json; charset=latin1")] {
            let refused = body::<Greeting>(content_type, text).parse(100).await.err();
            assert!(matches!(refused, Some(ApiError::UnsupportedMediaType(_))), "{content_type:?}");
        }
        for content_type in ["application/json", "Application/JSON; charset=\"UTF-8\""] {
            assert!(body::<Greeting>(Some(content_type), text).parse(100).await.is_ok());
        }
        let refused = body::<Greeting>(JSON, "name=Ann").parse(100).await.err();
        assert!(matches!(refused, Some(ApiError::BadRequest(_))));
        let refused = body::<Greeting>(JSON, r#"{"name":5}"#).parse(100).await.err();
        assert!(matches!(refused, Some(ApiError::InvalidFields(_))));
    }

    #[tokio::test]
    async fn an_empty_body_is_an_empty_object_where_nothing_is_required() {
        assert!(body::<NoFields>(None, "").parse(100).await.is_ok());
        assert!(body::<NoFields>(JSON, "{}").parse(100).await.is_ok());

        let refused = body::<NoFields>(JSON, r#"{"force":true}"#).parse(100).await.err();
        assert!(matches!(refused, Some(ApiError::InvalidFields(_))));
        let refused = body::<Greeting>(JSON, "").parse(100).await.err();
        assert!(matches!(refused, Some(ApiError::BadRequest(_))));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_bad_request() {
        let broken = futures_util::stream::iter([
            Ok(&b"{\"name\":"[..]),
            Err(std::io::Error::other("gone")),
        ]);
        let broken = poem::Body::from_bytes_stream::<_, _, std::io::Error>(broken);

        let refused = body::<Greeting>(JSON, broken).parse(100).await.err();

        assert!(matches!(refused, Some(ApiError::BadRequest(_))));
    }
}
