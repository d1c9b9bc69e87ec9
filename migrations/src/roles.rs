//! The two roles that do the work. Roles belong to the whole cluster, so another database may be
//! creating the same ones at this moment.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};

/// Tries again while another database of the cluster changes the same role: Postgres then answers
/// "tuple concurrently updated", which no lock of one database prevents.
async fn settle(db: &DatabaseConnection, sql: &str) -> Result<(), DbErr> {
    let mut tries = 0;
    loop {
        match db.execute_unprepared(sql).await {
            Ok(_) => return Ok(()),
            Err(err) if tries < 20 && err.to_string().contains("concurrently updated") => {
                tries += 1;
            }
            Err(err) => return Err(err),
        }
    }
}

/// Creates both roles where they are missing.
pub(crate) async fn create(db: &DatabaseConnection) -> Result<(), DbErr> {
    settle(
        db,
        "DO $$
         DECLARE
             name text;
         BEGIN
             FOREACH name IN ARRAY ARRAY['letterhead_tenant', 'letterhead_system'] LOOP
                 BEGIN
                     EXECUTE format(
                         'CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT
                              NOREPLICATION', name);
                 EXCEPTION WHEN duplicate_object OR unique_violation THEN
                     NULL; -- it exists, or another database was faster
                 END;
             END LOOP;
         END $$",
    )
    .await
}

/// Lets `login_role`, or the current user, enter both roles.
pub(crate) async fn admit(db: &DatabaseConnection, login_role: Option<&str>) -> Result<(), DbErr> {
    let who = match login_role {
        Some(name) => format!("'{}'", name.replace('\'', "''")),
        None => "current_user".to_owned(),
    };
    settle(
        db,
        &format!(
            "DO $$
             DECLARE
                 who text := {who};
             BEGIN
                 IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = who)
                    AND NOT (pg_has_role(who, 'letterhead_tenant', 'MEMBER')
                             AND pg_has_role(who, 'letterhead_system', 'MEMBER')) THEN
                     EXECUTE format('GRANT letterhead_tenant, letterhead_system TO %I', who);
                 END IF;
                 -- Names are looked up before a transaction has entered its role.
                 EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', who);
                 EXECUTE format('GRANT SELECT ON seaql_migrations TO %I', who);
             END $$"
        ),
    )
    .await
}
