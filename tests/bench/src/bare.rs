//! The peer of `GET …/senders/default`: a poem handler that reads one row by its primary key with
//! sea-orm, and answers it as JSON. No key, no tenant, no row-level security, no problem documents.

use poem::{
    EndpointExt, IntoResponse, Response, Route, Server, get, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    web::Data,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, entity::prelude::*};

use crate::Failure;

mod sender {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "senders")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub slug: String,
        pub last_version: i32,
        pub live_version: Option<i32>,
        pub candidate_version: Option<i32>,
        pub failures: i32,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Copy)]
struct Wanted(Uuid, Uuid);

#[handler]
async fn load(db: Data<&DatabaseConnection>, wanted: Data<&Wanted>) -> Response {
    let Wanted(tenant, id) = **wanted;
    match sender::Entity::find_by_id((tenant, id)).one(*db).await {
        Ok(Some(found)) => {
            let json = serde_json::json!({
                "id": found.id.to_string(), "slug": found.slug, "version": found.last_version,
                "live": found.live_version, "candidate": found.candidate_version,
                "failures": found.failures,
            });
            json.to_string().with_content_type("application/json").into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into(),
    }
}

/// Serves the sender of `tenant` on a port of the system's choice, which it prints.
pub(crate) async fn serve(url: &str, tenant: &str) -> Result<(), Failure> {
    let mut options = ConnectOptions::new(url);
    // As the program's own pool is set.
    options.max_connections(20).test_before_acquire(false).sqlx_logging(false);
    let db = Database::connect(options).await?;
    let tenant: Uuid = tenant.parse()?;
    let found = sender::Entity::find().filter(sender::Column::TenantId.eq(tenant)).one(&db).await?;
    let wanted = Wanted(tenant, found.ok_or("there is no sender")?.id);
    let routes = Route::new().at("/sender", get(load)).data(db).data(wanted);
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
    if let Some(address) = acceptor.local_addr().first().and_then(|it| it.as_socket_addr()) {
        println!("{address}");
    }
    Ok(Server::new_with_acceptor(acceptor).run(routes).await?)
}
