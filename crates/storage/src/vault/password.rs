//! Passwords, sealed to where they may go.
//!
//! Sealed bytes: format (1), algorithm (1), generation of the data key (4, big endian), nonce (12),
//! ciphertext, tag (16). Bound to the header, the tenant, the sender, and the destination: canonical
//! host, user name, mechanism, and whether the channel is verified TLS. Port and kind of TLS are
//! left out on purpose, see [`Destination`].

use letterhead_domain::{id::SenderId, password::SmtpPassword, smtp_settings::Destination};
use zeroize::Zeroizing;

use super::{AES_256_GCM, Aad, FORMAT, VaultError, data_key::DataKeys, decrypt, encrypt};

/// Length of what stands before the nonce.
const HEADER_LEN: usize = 6;

/// Where a password belongs, within its tenant.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) sender: SenderId,
    pub(crate) destination: Destination<'a>,
}

impl DataKeys {
    fn binding(&self, header: [u8; HEADER_LEN], place: Place<'_>) -> Aad {
        let Place { sender, destination } = place;
        let Destination { host, username, mechanism, verified_tls } = destination;
        Aad::new("letterhead smtp password")
            .field(&header)
            .field(self.tenant.get().as_bytes())
            .field(sender.get().as_bytes())
            .field(host.as_str().as_bytes())
            .field(username.as_str().as_bytes())
            .field(mechanism.as_bytes())
            .field(&[u8::from(verified_tls)])
    }

    /// Seals `password` for `place` under the tenant's current data key.
    pub(crate) fn seal(
        &self,
        place: Place<'_>,
        password: &SmtpPassword,
    ) -> Result<Vec<u8>, VaultError> {
        let key = self.current()?;
        let [a, b, c, d] = key.generation.to_be_bytes();
        let header = [FORMAT, AES_256_GCM, a, b, c, d];
        let aad = self.binding(header, place);
        let sealed = encrypt(&key.key, &aad, password.expose().as_bytes())?;
        Ok([header.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `place`.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SmtpPassword, VaultError> {
        let (&header, sealed) = sealed.split_first_chunk().ok_or(VaultError::Format)?;
        let [FORMAT, AES_256_GCM, a, b, c, d] = header else {
            return Err(VaultError::Format);
        };
        let key = self.of(u32::from_be_bytes([a, b, c, d]))?;
        let plain = decrypt(&key.key, &self.binding(header, place), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| VaultError::Format)?;
        SmtpPassword::parse(Zeroizing::new(text.to_owned())).map_err(|_| VaultError::Format)
    }
}

#[cfg(test)]
mod tests {
    use letterhead_domain::{id::TenantId, smtp_host::SmtpHost, text::Username};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{
        key::MasterKeys,
        vault::{data_key::DataKey, random},
    };

    fn keys_of(tenant: u128) -> DataKeys {
        let master = MasterKeys::parse(&MasterKeys::generate("a", &random().unwrap())).unwrap();
        let tenant = TenantId::from(Uuid::from_u128(tenant));
        let wrapped = DataKey::generate(1).unwrap().wrap(tenant, &master).unwrap();
        DataKeys::unwrap(tenant, &[wrapped], &master)
    }

    /// The same keys in another tenant's hands: only the binding can tell them apart.
    fn handed_to(keys: &DataKeys, tenant: u128) -> DataKeys {
        let master = MasterKeys::parse(&MasterKeys::generate("a", &random().unwrap())).unwrap();
        let tenant = TenantId::from(Uuid::from_u128(tenant));
        let key = keys.current().unwrap();
        let copy = DataKey { generation: key.generation, key: key.key.clone() };
        DataKeys::unwrap(tenant, &[copy.wrap(tenant, &master).unwrap()], &master)
    }

    fn password(text: &str) -> SmtpPassword {
        SmtpPassword::parse(Zeroizing::new(text.to_owned())).unwrap()
    }

    struct Fixture {
        sender: SenderId,
        host: SmtpHost,
        username: Username,
        mechanism: &'static str,
        verified_tls: bool,
    }

    impl Fixture {
        fn place(&self) -> Place<'_> {
            Place {
                sender: self.sender,
                destination: Destination {
                    host: &self.host,
                    username: &self.username,
                    mechanism: self.mechanism,
                    verified_tls: self.verified_tls,
                },
            }
        }
    }

    fn fixture() -> Fixture {
        Fixture {
            sender: Uuid::from_u128(10).into(),
            host: "mail.example".parse().unwrap(),
            username: "billing".parse().unwrap(),
            mechanism: "password",
            verified_tls: true,
        }
    }

    #[test]
    fn a_password_opens_in_its_place_alone() {
        let keys = keys_of(1);
        let sealed = keys.seal(fixture().place(), &password("hunter2")).unwrap();

        let opened = keys.open(fixture().place(), &sealed).unwrap();
        assert!(opened.expose() == "hunter2");

        let elsewhere = [
            Fixture { sender: Uuid::from_u128(11).into(), ..fixture() },
            Fixture { host: "evil.example".parse().unwrap(), ..fixture() },
            Fixture { username: "boss".parse().unwrap(), ..fixture() },
            Fixture { mechanism: "oauth2", ..fixture() },
            Fixture { verified_tls: false, ..fixture() },
            // The same bytes in a row, cut elsewhere.
            Fixture {
                host: "mail.exampleb".parse().unwrap(),
                username: "illing".parse().unwrap(),
                ..fixture()
            },
        ];
        for other in elsewhere {
            assert_eq!(keys.open(other.place(), &sealed).err(), Some(VaultError::Cipher));
        }
        let foreign = handed_to(&keys, 2).open(fixture().place(), &sealed);
        assert_eq!(foreign.err(), Some(VaultError::Cipher));
    }

    #[test]
    fn no_cut_or_flipped_password_opens() {
        let keys = keys_of(1);
        let sealed = keys.seal(fixture().place(), &password("hunter2")).unwrap();

        for len in 0..sealed.len() {
            assert!(keys.open(fixture().place(), &sealed[..len]).is_err(), "{len} bytes");
        }
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open(fixture().place(), &changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_an_older_generation_sealed_still_opens() {
        let master = MasterKeys::parse(&MasterKeys::generate("a", &random().unwrap())).unwrap();
        let tenant = TenantId::from(Uuid::from_u128(1));
        let wrap =
            |generation| DataKey::generate(generation).unwrap().wrap(tenant, &master).unwrap();
        let first = wrap(1);
        let before = DataKeys::unwrap(tenant, std::slice::from_ref(&first), &master);
        let sealed = before.seal(fixture().place(), &password("hunter2")).unwrap();

        let after = DataKeys::unwrap(tenant, &[first, wrap(2)], &master);

        assert!(after.open(fixture().place(), &sealed).is_ok());
        let anew = after.seal(fixture().place(), &password("hunter2")).unwrap();
        assert_eq!(anew[2..6], 2_u32.to_be_bytes());
        assert_eq!(
            before.open(fixture().place(), &anew).err(),
            Some(VaultError::UnknownDataKey { generation: 2 }),
        );
    }

    proptest! {
        #[test]
        fn whatever_can_be_typed_comes_back(text in "[^\\p{Cc}*•●∙·⬤⚫]{1,200}") {
            let keys = keys_of(1);
            let sealed = keys.seal(fixture().place(), &password(&text)).unwrap();

            let opened = keys.open(fixture().place(), &sealed).unwrap();

            prop_assert!(opened.expose() == text);
            prop_assert!(!sealed.windows(text.len()).any(|w| text.len() > 3 && w == text.as_bytes()));
        }

        #[test]
        fn arbitrary_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(keys_of(1).open(fixture().place(), &bytes).is_err());
        }
    }
}
