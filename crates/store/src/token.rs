//! A master key inside a PKCS#11 token (HSM, smart card; SoftHSM2 in the
//! tests): data keys are wrapped and unwrapped in the token by AES-GCM, and
//! the master key never leaves it. One session behind a lock, opened again
//! once when the token has closed it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

use crate::StoreError;
use crate::vault::{NONCE, random};

const TAG_BITS: u64 = 128;

/// Where a master key lives: an AES-256 key of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The driver of the token (a shared library).
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Label of the key in it.
    pub key: String,
    /// File that holds the PIN.
    pub pin_file: PathBuf,
}

/// An open token with the key found in it.
pub(crate) struct Token {
    place: TokenKey,
    session: Mutex<Session>,
}

impl TokenKey {
    /// Opens the token and looks for the key in it.
    ///
    /// # Errors
    /// `Key` with the token's own words; `Io` when the file of the PIN cannot be read.
    pub fn try_open(&self) -> Result<(), StoreError> {
        Token::open(self.clone()).map(drop)
    }

    /// As written in the key file: `pkcs11:MODULE;TOKEN;KEY;PIN_FILE`.
    pub(crate) fn to_line(&self) -> String {
        let (module, pin_file) = (self.module.display(), self.pin_file.display());
        format!("pkcs11:{module};{};{};{pin_file}", self.token, self.key)
    }

    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix("pkcs11:")?.split(';');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        Some(Self {
            module: next()?.into(),
            token: next()?.to_owned(),
            key: next()?.to_owned(),
            pin_file: next()?.into(),
        })
    }
}

impl Token {
    /// Opens the token and makes sure that the key is there.
    pub(crate) fn open(place: TokenKey) -> Result<Self, StoreError> {
        let session = session(&place)?;
        key(&session, &place)?;
        Ok(Self { place, session: Mutex::new(session) })
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &TokenKey {
        &self.place
    }

    /// A random nonce, then ciphertext and tag: the same form as with a key of the key file.
    pub(crate) fn encrypt(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce = random::<NONCE>()?;
        let sealed = self.with_session(|session, key| {
            let mut nonce = *nonce;
            let parameters = GcmParams::new(&mut nonce, purpose, TAG_BITS.into())?;
            session.encrypt(&Mechanism::AesGcm(parameters), key, plain)
        })?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(crate) fn decrypt(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or_else(|| StoreError::Damaged("a ciphertext that is too short".into()))?;
        self.with_session(|session, key| {
            let mut nonce = *nonce;
            let parameters = GcmParams::new(&mut nonce, purpose, TAG_BITS.into())?;
            session.decrypt(&Mechanism::AesGcm(parameters), key, sealed)
        })
    }

    /// Tries again once on a new session: the card may have been pulled, the HSM restarted.
    fn with_session<T>(
        &self,
        work: impl Fn(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut held = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(key) = key(&held, &self.place)
            && let Ok(done) = work(&held, key)
        {
            return Ok(done);
        }
        *held = session(&self.place)?;
        let key = key(&held, &self.place)?;
        work(&held, key).map_err(failed)
    }
}

fn failed(error: Error) -> StoreError {
    StoreError::Key(format!("token: {error}"))
}

fn driver(module: &Path) -> Result<Pkcs11, StoreError> {
    let driver = Pkcs11::new(module).map_err(failed)?;
    match driver.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Seal keys may live in the same token, opened by another part of the program.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(driver),
        Err(error) => Err(failed(error)),
    }
}

fn session(place: &TokenKey) -> Result<Session, StoreError> {
    let driver = driver(&place.module)?;
    let pin = std::fs::read_to_string(&place.pin_file)?;
    for slot in driver.get_slots_with_token().map_err(failed)? {
        if driver.get_token_info(slot).map_err(failed)?.label().trim_end() != place.token {
            continue;
        }
        let session = driver.open_ro_session(slot).map_err(failed)?;
        return match session.login(UserType::User, Some(&AuthPin::new(pin.trim().into()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(failed(error)),
        };
    }
    Err(StoreError::Key(format!("no token with the label {}", place.token)))
}

fn key(session: &Session, place: &TokenKey) -> Result<ObjectHandle, StoreError> {
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(place.key.as_bytes().to_vec())];
    let found = session.find_objects(&wanted).map_err(failed)?;
    let missing = || StoreError::Key(format!("the token {} has no key {}", place.token, place.key));
    found.into_iter().next().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use cryptoki::object::KeyType;

    use super::*;

    /// A token of this test's own with an AES key in it; `None`, after a visible line, without SoftHSM2.
    fn softhsm(folder: &Path) -> Option<TokenKey> {
        let modules = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
        let module = modules.iter().map(PathBuf::from).find(|module| module.exists());
        let token = format!("telaio-store-{}", std::process::id());
        let arguments =
            ["--init-token", "--free", "--label", &token, "--pin", "123456", "--so-pin", "12345678"];
        let made = Command::new("softhsm2-util").args(arguments).output();
        let made = made.is_ok_and(|output| output.status.success());
        let Some(module) = module.filter(|_| made) else {
            println!("skipped: SoftHSM2 is not installed or has no place for tokens");
            return None;
        };
        let pin_file = folder.join("pin");
        std::fs::write(&pin_file, "123456\n").unwrap();
        let place = TokenKey { module, token, key: "master".into(), pin_file };
        make_key(&place);
        Some(place)
    }

    fn make_key(place: &TokenKey) {
        let driver = driver(&place.module).unwrap();
        let slots = driver.get_slots_with_token().unwrap();
        let labelled = |slot: &cryptoki::slot::Slot| {
            driver.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == place.token)
        };
        let slot = slots.into_iter().find(labelled).unwrap();
        let session = driver.open_rw_session(slot).unwrap();
        session.login(UserType::User, Some(&AuthPin::new("123456".into()))).unwrap();
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(32.into()),
            Attribute::Label(place.key.as_bytes().to_vec()),
            Attribute::Token(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ];
        session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
    }

    #[tokio::test]
    async fn data_keys_move_into_a_token_and_are_read_from_it() {
        use crate::{Store, StoreConfig, TestClock, vault};
        let folder = tempfile::tempdir().unwrap();
        let Some(place) = softhsm(folder.path()) else { return };
        let body = domain::body::IpaCode::parse("c_g999").unwrap();
        let config = StoreConfig::sqlite(folder.path().join("data"), TestClock::default().clock());
        let store = Store::open(&config).unwrap();
        let sealed = store
            .write({
                let body = body.clone();
                move |tx| vault::seal_secret(tx, &body, "mailbox", b"password")
            })
            .await
            .unwrap();
        assert_eq!(store.keep_master_in(place.clone()).await, Ok(1));
        assert_eq!(store.keep_master_in(place.clone()).await, Ok(0), "it is there already");
        drop(store);
        // Only the line of the token is left in the key file: nothing on disk opens the secret.
        let lines = std::fs::read_to_string(&config.key_file).unwrap();
        let last = lines.lines().last().unwrap();
        assert!(last.ends_with(&place.to_line()), "{last}");
        std::fs::write(&config.key_file, last).unwrap();
        let store = Store::open(&config).unwrap();
        let again = store.clone();
        let secret = store
            .read(move |reader| vault::open_secret(reader, &again, &body, "mailbox", &sealed))
            .await
            .unwrap();
        assert_eq!(&secret[..], b"password");
        let missing = Token::open(TokenKey { key: "another".into(), ..place.clone() });
        assert!(matches!(missing.err(), Some(StoreError::Key(_))));
        let away = Command::new("softhsm2-util").args(["--delete-token", "--token", &place.token]).output();
        assert!(away.is_ok_and(|output| output.status.success()), "the token of the test stays behind");
    }
}
