//! Data keys: one per tenant and generation, wrapped by a master key.
//!
//! Wrapped bytes: format (1), algorithm (1), nonce (12), ciphertext (32), tag (16). Bound to format,
//! algorithm, tenant, generation and the master key's id.

use letterhead_domain::id::TenantId;
use zeroize::Zeroizing;

use super::{AES_256_GCM, Aad, FORMAT, KEY_LEN, VaultError, decrypt, encrypt, random};
use crate::key::MasterKeys;

/// The key that seals one tenant's secrets.
pub(crate) struct DataKey {
    pub(super) generation: u32,
    pub(super) key: Zeroizing<[u8; KEY_LEN]>,
}

/// A data key as it is stored.
pub(crate) struct WrappedKey {
    pub(crate) generation: u32,
    pub(crate) master_key_id: String,
    pub(crate) bytes: Vec<u8>,
}

fn binding(tenant: TenantId, generation: u32, master_key_id: &str) -> Aad {
    Aad::new("letterhead data key")
        .field(&[FORMAT, AES_256_GCM])
        .field(tenant.get().as_bytes())
        .field(&generation.to_be_bytes())
        .field(master_key_id.as_bytes())
}

impl DataKey {
    /// The generation that a new tenant begins with.
    pub(crate) const FIRST_GENERATION: u32 = 1;

    /// A new key.
    pub(crate) fn generate(generation: u32) -> Result<Self, VaultError> {
        Ok(Self { generation, key: random()? })
    }

    /// Wraps the key for `tenant` under the current master key.
    pub(crate) fn wrap(
        &self,
        tenant: TenantId,
        keys: &MasterKeys,
    ) -> Result<WrappedKey, VaultError> {
        let master = keys.current();
        let aad = binding(tenant, self.generation, master.id());
        let sealed = encrypt(master.expose(), &aad, self.key.as_slice())?;
        Ok(WrappedKey {
            generation: self.generation,
            master_key_id: master.id().to_owned(),
            bytes: [&[FORMAT, AES_256_GCM], sealed.as_slice()].concat(),
        })
    }

    /// Opens `tenant`'s key with the master key that wrapped it.
    pub(crate) fn unwrap(
        tenant: TenantId,
        wrapped: &WrappedKey,
        keys: &MasterKeys,
    ) -> Result<Self, VaultError> {
        let WrappedKey { generation, master_key_id, bytes } = wrapped;
        let Some((&[FORMAT, AES_256_GCM], sealed)) = bytes.split_first_chunk::<2>() else {
            return Err(VaultError::Format);
        };
        let master = keys
            .find(master_key_id)
            .ok_or_else(|| VaultError::UnknownMasterKey { id: master_key_id.clone() })?;
        let aad = binding(tenant, *generation, master_key_id);
        let key = decrypt(master.expose(), &aad, sealed)?;
        let key = <[u8; KEY_LEN]>::try_from(key.as_slice()).map_err(|_| VaultError::Format)?;
        Ok(Self { generation: *generation, key: Zeroizing::new(key) })
    }
}

/// Every data key of one tenant, the current one first. One that does not open keeps the reason:
/// what it sealed is unreadable, and all else goes on.
pub(crate) struct DataKeys {
    pub(super) tenant: TenantId,
    keys: Vec<(u32, Result<DataKey, VaultError>)>,
}

impl DataKeys {
    /// Opens `wrapped`, which are all of `tenant`'s keys in any order.
    pub(crate) fn unwrap(tenant: TenantId, wrapped: &[WrappedKey], keys: &MasterKeys) -> Self {
        let mut keys: Vec<_> = wrapped
            .iter()
            .map(|wrapped| (wrapped.generation, DataKey::unwrap(tenant, wrapped, keys)))
            .collect();
        keys.sort_by_key(|(generation, _)| std::cmp::Reverse(*generation));
        Self { tenant, keys }
    }

    /// Whether there is none: the tenant was deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that seals what is new.
    pub(super) fn current(&self) -> Result<&DataKey, VaultError> {
        let newest = self.keys.first().map(|(_, key)| key.as_ref());
        newest
            .unwrap_or(Err(&VaultError::UnknownDataKey { generation: DataKey::FIRST_GENERATION }))
            .map_err(Clone::clone)
    }

    /// The key of `generation`.
    pub(super) fn of(&self, generation: u32) -> Result<&DataKey, VaultError> {
        match self.keys.iter().find(|(each, _)| *each == generation) {
            Some((_, key)) => key.as_ref().map_err(Clone::clone),
            None => Err(VaultError::UnknownDataKey { generation }),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn master(id: &str) -> MasterKeys {
        MasterKeys::parse(&MasterKeys::generate(id, &random().unwrap())).unwrap()
    }

    fn tenant(number: u128) -> TenantId {
        Uuid::from_u128(number).into()
    }

    #[test]
    fn a_wrapped_key_opens_for_its_tenant_and_generation_alone() {
        let keys = master("a");
        let key = DataKey::generate(1).unwrap();
        let wrapped = key.wrap(tenant(1), &keys).unwrap();

        let opened = DataKey::unwrap(tenant(1), &wrapped, &keys).unwrap();
        assert!(opened.key == key.key);

        assert_eq!(DataKey::unwrap(tenant(2), &wrapped, &keys).err(), Some(VaultError::Cipher));
        let later = WrappedKey { generation: 2, ..wrapped };
        assert_eq!(DataKey::unwrap(tenant(1), &later, &keys).err(), Some(VaultError::Cipher));
    }

    #[test]
    fn a_key_under_another_master_key_is_named_or_refused() {
        let wrapped = DataKey::generate(1).unwrap().wrap(tenant(1), &master("a")).unwrap();

        let unknown = DataKey::unwrap(tenant(1), &wrapped, &master("b")).err();
        assert_eq!(unknown, Some(VaultError::UnknownMasterKey { id: "a".to_owned() }));

        let namesake = DataKey::unwrap(tenant(1), &wrapped, &master("a")).err();
        assert_eq!(namesake, Some(VaultError::Cipher));
    }

    #[test]
    fn no_cut_or_flipped_wrapping_opens() {
        let keys = master("a");
        let wrapped = DataKey::generate(1).unwrap().wrap(tenant(1), &keys).unwrap();
        let with =
            |bytes: Vec<u8>| WrappedKey { bytes, generation: 1, master_key_id: "a".to_owned() };

        for len in 0..wrapped.bytes.len() {
            let cut = with(wrapped.bytes[..len].to_vec());
            assert!(DataKey::unwrap(tenant(1), &cut, &keys).is_err(), "{len} bytes");
        }
        for bit in 0..wrapped.bytes.len() * 8 {
            let mut bytes = wrapped.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(DataKey::unwrap(tenant(1), &with(bytes), &keys).is_err(), "bit {bit}");
        }
    }
}
