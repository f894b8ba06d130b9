//! A key inside a PKCS#11 token (smart card, HSM; SoftHSM2 in the tests).
//!
//! One session per key, behind a lock: tokens serve one request at a time anyway. A session that the token has
//! closed (card pulled, HSM restarted) is opened again once before the failure is reported.

use super::SignatureError;
use super::keys::KeyKind;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The DER before a SHA-256 digest in a PKCS#1 v1.5 signature (RFC 8017, 9.2, note 1).
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// A key found in a token.
pub(crate) struct Token {
    module: PathBuf,
    label: String,
    pin: AuthPin,
    id: Vec<u8>,
    kind: KeyKind,
    session: Mutex<Session>,
}

fn failed(error: Error) -> SignatureError {
    SignatureError::Key(format!("token: {error}"))
}

/// The driver, loaded and initialised once per process.
fn driver(module: &Path) -> Result<Pkcs11, SignatureError> {
    static LOADED: Mutex<Option<HashMap<PathBuf, Pkcs11>>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = loaded.get_or_insert_default();
    if let Some(driver) = loaded.get(module) {
        return Ok(driver.clone());
    }
    let driver = Pkcs11::new(module).map_err(failed)?;
    match driver.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    loaded.insert(module.to_owned(), driver.clone());
    Ok(driver)
}

fn session(module: &Path, label: &str, pin: &AuthPin) -> Result<Session, SignatureError> {
    let driver = driver(module)?;
    for slot in driver.get_slots_with_token().map_err(failed)? {
        if driver.get_token_info(slot).map_err(failed)?.label().trim_end() != label {
            continue;
        }
        let session = driver.open_ro_session(slot).map_err(failed)?;
        return match session.login(UserType::User, Some(pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(failed(error)),
        };
    }
    Err(SignatureError::Key(format!("no token with the label {label}")))
}

/// The bytes of one attribute of an object.
fn bytes(session: &Session, object: ObjectHandle, kind: AttributeType) -> Result<Vec<u8>, SignatureError> {
    let found = session.get_attributes(object, &[kind]).map_err(failed)?;
    Ok(match found.into_iter().next() {
        Some(Attribute::Id(bytes) | Attribute::Value(bytes)) => bytes,
        _ => Vec::new(),
    })
}

impl Token {
    /// Opens a token and finds the key and its certificate (same CKA_ID). Returns the other certificates too.
    pub fn open(
        module: &Path,
        label: &str,
        pin: &str,
        key: Option<&str>,
    ) -> Result<(Self, Vec<u8>, Vec<Vec<u8>>), SignatureError> {
        let pin = AuthPin::new(pin.into());
        let session = session(module, label, &pin)?;
        let mut wanted = vec![Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Sign(true)];
        wanted.extend(key.map(|label| Attribute::Label(label.as_bytes().to_vec())));
        let certificates =
            [Attribute::Class(ObjectClass::CERTIFICATE), Attribute::CertificateType(CertificateType::X_509)];
        let mut all = Vec::new();
        for object in session.find_objects(&certificates).map_err(failed)? {
            all.push((
                bytes(&session, object, AttributeType::Id)?,
                bytes(&session, object, AttributeType::Value)?,
            ));
        }
        for object in session.find_objects(&wanted).map_err(failed)? {
            let id = bytes(&session, object, AttributeType::Id)?;
            if let Some((_, certificate)) = all.iter().find(|(other, _)| *other == id).cloned() {
                let others = all.into_iter().filter(|(other, _)| *other != id).map(|(_, der)| der).collect();
                let token = Self {
                    module: module.to_owned(),
                    label: label.to_owned(),
                    pin,
                    id,
                    kind: KeyKind::Rsa,
                    session: Mutex::new(session),
                };
                return Ok((token, certificate, others));
            }
        }
        Err(SignatureError::Key("the token has no such key with a certificate".into()))
    }

    /// Sets the kind of the key, read from its certificate.
    pub fn of_kind(self, kind: KeyKind) -> Self {
        Self { kind, ..self }
    }

    /// Signs a SHA-256 digest.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignatureError> {
        let mut held = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = match self.sign_in(&held, digest) {
            Ok(raw) => raw,
            Err(_) => {
                *held = session(&self.module, &self.label, &self.pin)?;
                self.sign_in(&held, digest)?
            }
        };
        drop(held);
        match self.kind {
            KeyKind::Rsa => Ok(raw),
            KeyKind::P256 => {
                let (r, s) = raw.split_at(raw.len() / 2);
                Ok(EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?
                    .to_der()?)
            }
        }
    }

    fn sign_in(&self, session: &Session, digest: &[u8; 32]) -> Result<Vec<u8>, SignatureError> {
        let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(self.id.clone())];
        let key = session.find_objects(&wanted).map_err(failed)?.into_iter().next();
        let key = key.ok_or_else(|| SignatureError::Key("the key has left the token".into()))?;
        match self.kind {
            KeyKind::Rsa => {
                session.sign(&Mechanism::RsaPkcs, key, &[&SHA256_INFO[..], digest].concat()).map_err(failed)
            }
            KeyKind::P256 => session.sign(&Mechanism::Ecdsa, key, digest).map_err(failed),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    //! A SoftHSM2 token of the test's own, made with its command line tools.
    use super::super::test_ca::Issued;
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::OnceLock;

    pub struct SoftHsm {
        pub module: PathBuf,
        pub token: String,
        pub pin: String,
        dir: PathBuf,
    }

    /// The process-wide token, or `None` (with a line on the output) where SoftHSM2 is not installed. It reads its
    /// configuration from an environment variable that a safe program cannot set for itself, so the tests use the
    /// user's default place and a token label of their own.
    pub fn softhsm() -> Option<&'static SoftHsm> {
        static HSM: OnceLock<Option<SoftHsm>> = OnceLock::new();
        HSM.get_or_init(make).as_ref()
    }

    fn make() -> Option<SoftHsm> {
        let modules = [
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib64/softhsm/libsofthsm2.so",
        ];
        let module = modules.iter().map(PathBuf::from).find(|m| m.exists());
        let token = format!("telaio-test-{}", std::process::id());
        let init = ["--init-token", "--free", "--label", &token, "--pin", "123456", "--so-pin", "12345678"];
        let made = Command::new("softhsm2-util").args(init).output().is_ok_and(|o| o.status.success());
        let Some(module) = module.filter(|_| made) else {
            println!("skipped: SoftHSM2 is not installed or has no place for tokens");
            return None;
        };
        let dir = std::env::temp_dir().join(&token);
        std::fs::create_dir_all(&dir).unwrap();
        Some(SoftHsm { module, token, pin: "123456".into(), dir })
    }

    impl SoftHsm {
        /// Puts a key and its certificate into the token.
        pub fn import(&self, label: &str, issued: &Issued) {
            use cryptoki::object::{Attribute, CertificateType, ObjectClass};
            use cryptoki::session::UserType;
            let id = label.as_bytes().to_vec();
            let pem = self.dir.join(format!("{label}.pem"));
            std::fs::write(&pem, issued.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
            let run = Command::new("softhsm2-util")
                .args([
                    "--import",
                    pem.to_str().unwrap(),
                    "--token",
                    &self.token,
                    "--label",
                    label,
                    "--id",
                    &hex::encode(&id),
                    "--pin",
                    &self.pin,
                ])
                .output()
                .unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            let driver = super::driver(&self.module).unwrap();
            let slots = driver.get_slots_with_token().unwrap();
            let slot = slots
                .into_iter()
                .find(|s| driver.get_token_info(*s).unwrap().label().trim_end() == self.token)
                .unwrap();
            let session = driver.open_rw_session(slot).unwrap();
            let _already =
                session.login(UserType::User, Some(&super::AuthPin::new(self.pin.as_str().into())));
            let certificate = [
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
                Attribute::Token(true),
                Attribute::Id(id),
                Attribute::Subject(issued.subject_der()),
                Attribute::Value(issued.certificate_der()),
            ];
            session.create_object(&certificate).unwrap();
        }
    }
}
