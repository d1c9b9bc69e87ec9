//! The server's URL, and those of the roles and databases on it.

/// Where the server is, and its superuser.
#[derive(Clone)]
pub(crate) struct ServerUrl {
    user: String,
    /// As it stands in the URL, percent signs and all.
    password: String,
    address: String,
    database: String,
}

impl ServerUrl {
    /// Reads `postgres://user:password@host:port/database`.
    pub(crate) fn parse(url: &str) -> Self {
        let parts = || {
            let (_, rest) = url.split_once("://")?;
            let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
            let (account, place) = rest.rsplit_once('@')?;
            let (user, password) = account.split_once(':').unwrap_or((account, "letterhead"));
            let (address, database) = place.split_once('/').unwrap_or((place, "postgres"));
            Some([user, password, address, database].map(str::to_owned))
        };
        let Some([user, password, address, database]) = parts() else {
            panic!("the server's URL is not like postgres://user:password@host:port/database");
        };
        Self { user, password, address, database }
    }

    /// The superuser's URL of `database`, or of the one that the server was named with.
    pub(crate) fn superuser(&self, database: Option<&str>) -> String {
        self.of(&self.user, database.unwrap_or(&self.database))
    }

    /// `role`'s URL of `database`. Test roles have the superuser's password: on a machine that
    /// others use too, they are then as closed as the superuser is.
    pub(crate) fn login(&self, role: &str, database: &str) -> String {
        self.of(role, database)
    }

    /// The password as Postgres knows it.
    pub(crate) fn password(&self) -> String {
        let mut bytes = Vec::new();
        let mut rest = self.password.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let escaped = (first == b'%')
                .then(|| after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
                .flatten()
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            rest = if escaped.is_some() { &after[2..] } else { after };
            bytes.push(escaped.unwrap_or(first));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn of(&self, user: &str, database: &str) -> String {
        let Self { password, address, .. } = self;
        format!("postgres://{user}:{password}@{address}/{database}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_and_database_has_a_url() {
        let server = ServerUrl::parse("postgres://postgres:p%40ss@127.0.0.1:5432/postgres?x=y");

        assert_eq!(server.superuser(None), "postgres://postgres:p%40ss@127.0.0.1:5432/postgres");
        assert_eq!(server.login("app", "db"), "postgres://app:p%40ss@127.0.0.1:5432/db");
        assert_eq!(server.password(), "p@ss");
    }
}
